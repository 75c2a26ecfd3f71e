"""Immutable values with named members, as frozen dataclasses are, but made without generating code.

For each class, `dataclass(frozen=True, slots=True)` compiles five methods and then makes the class anew: 0.3 to 1 ms
apiece, which is most of what a module of small classes costs to import. Here the methods are written once.
"""

from __future__ import annotations

from typing import ClassVar, dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Value:
    """A value's members are what its class annotates (not as `ClassVar`); they are given by name, or have a default."""

    __slots__ = ("__dict__", "__weakref__")

    _names: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, object]] = {}

    def __init_subclass__(cls) -> None:
        own = tuple(name for name, kind in cls.__annotations__.items() if not kind.startswith("ClassVar"))
        cls._names += own
        cls._defaults = cls._defaults | {name: getattr(cls, name) for name in own if hasattr(cls, name)}

    def __init__(self, **members: object) -> None:
        given = self._defaults | members
        if given.keys() != set(self._names):
            missing = [name for name in self._names if name not in given]
            wrong = f"needs {', '.join(missing)}" if missing else f"has no {', '.join(given.keys() - set(self._names))}"
            message = f"{type(self).__name__} {wrong}"
            raise TypeError(message)
        vars(self).update(given)

    def __setattr__(self, name: str, value: object) -> None:
        message = f"{type(self).__name__}.{name} cannot be changed"
        raise AttributeError(message)

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self._names)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.members().items())})"

    def members(self) -> dict[str, object]:
        """Return the members that are shown, by name."""
        return {name: getattr(self, name) for name in self._names}
