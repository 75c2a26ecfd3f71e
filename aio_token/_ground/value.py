"""Immutable values with named members, as frozen dataclasses with slots are, but made without generating code.

For each class, `dataclass(frozen=True, slots=True)` compiles five methods and then makes the class anew: 0.3 to 1 ms
apiece, which is most of what a module of small classes costs to import. Here the methods are written once. The module
`dataclasses` itself, which costs 8 ms, is imported where its own functions look at a value.
"""

from __future__ import annotations

from functools import cache

from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field
    from inspect import Signature
    from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

    _V = TypeVar("_V", bound="Value")

else:

    def dataclass_transform(**_: object) -> Callable[[type], type]:
        return lambda cls: cls


_MISSING: Any = object()


class _Described:
    """What is said of a member."""

    __slots__ = ("compare", "default", "default_factory", "hash", "kw_only", "repr", "type")

    def __init__(
        self, default: object, default_factory: object, flags: tuple[bool, bool | None, bool, bool | None]
    ) -> None:
        self.default = default
        self.default_factory: Any = default_factory
        self.repr, self.hash, self.compare, self.kw_only = flags
        self.type = ""


def field(
    *,
    default: object = _MISSING,
    default_factory: Callable[[], object] = _MISSING,
    repr: bool = True,  # noqa: A002  as dataclasses spell it
    hash: bool | None = None,  # noqa: A002
    compare: bool = True,
    kw_only: bool | None = None,
) -> Any:  # noqa: ANN401  the member's type, as far as a checker sees
    """Say of a member what its annotation does not, as `dataclasses.field` does."""
    return _Described(default, default_factory, (repr, hash, compare, kw_only))


def replace(value: _V, /, **changes: object) -> _V:
    """Return the value with other members, as `dataclasses.replace` does."""
    return value.__replace__(**changes)


class _Slotted(type):
    """Makes a slot of each member of a class, and keeps what is said of it beside."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, kw_only: bool = True) -> Any:  # noqa: ANN401  a class of its own
        own: dict[str, _Described] = {}
        for member, kind in namespace.get("__annotations__", {}).items():
            if not kind.startswith("ClassVar"):
                said = namespace.pop(member, _MISSING)
                if type(said).__module__ == "dataclasses":
                    message = f"{name}.{member} is described by dataclasses; use field() of {__name__}"
                    raise TypeError(message)
                described = own[member] = said if isinstance(said, _Described) else field(default=said)
                described.type = kind
                if described.kw_only is None:
                    described.kw_only = kw_only
        every = {name: each for base in bases for name, each in getattr(base, "_described", {}).items()} | own
        namespace |= {
            "__slots__": tuple(own),
            "__match_args__": tuple(member for member, each in every.items() if not each.kw_only),
            "_described": every,
            "_defaults": {member: each.default for member, each in every.items() if each.default is not _MISSING},
            "_factories": [
                (member, each.default_factory) for member, each in every.items() if each.default_factory is not _MISSING
            ],
        }
        return super().__new__(mcs, name, bases, namespace)

    @property
    def __signature__(cls: Any) -> Signature:
        """What `help` and editors show of the constructor."""
        return _signature(cls)


class _Fields:
    """What `dataclasses.replace`, `asdict` and `fields` look for, made when they do."""

    def __get__(self, value: object, cls: type[Value]) -> dict[str, Field[Any]]:
        return _fields(cls)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Value(metaclass=_Slotted):
    """A value's members are what its class annotates (not as `ClassVar`), and are given by name.

    `field` may say `default`, `default_factory`, `repr=False`, `hash=False`, `compare=False` and `kw_only`, and the
    class `kw_only=False`; `__post_init__` checks.
    """

    _described: ClassVar[dict[str, _Described]]
    _defaults: ClassVar[dict[str, object]]
    _factories: ClassVar[list[tuple[str, Callable[[], object]]]]
    __match_args__: ClassVar[tuple[str, ...]]
    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __dataclass_fields__ = _Fields()

    def __init__(self, *given: object, **named: object) -> None:
        if given:
            places = self.__match_args__[: len(given)]
            if len(places) < len(given) or not named.keys().isdisjoint(places):
                message = f"{type(self).__name__} takes {', '.join(self.__match_args__) or 'nothing'} by place, once"
                raise TypeError(message)
            named |= zip(places, given)  # noqa: B905  as many, by now
        members = self._defaults | named
        for name, make in self._factories:
            if name not in members:
                members[name] = make()
        if members.keys() != self._described.keys():
            missing = [name for name in self._described if name not in members]
            wrong = (
                f"needs {', '.join(missing)}" if missing else f"has no {', '.join(members.keys() - self._described)}"
            )
            message = f"{type(self).__name__} {wrong}"
            raise TypeError(message)
        put = object.__setattr__
        for name, value in members.items():
            put(self, name, value)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the members."""

    def __setattr__(self, name: str, value: object) -> None:
        from dataclasses import FrozenInstanceError  # noqa: PLC0415  slow to import

        message = f"{type(self).__name__}.{name} cannot be changed"
        raise FrozenInstanceError(message)

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __setstate__(self, state: tuple[None, dict[str, object]]) -> None:
        for name, value in state[1].items():
            object.__setattr__(self, name, value)

    def __replace__(self, /, **changes: object) -> Self:
        return type(self)(**{name: getattr(self, name) for name in self._described} | changes)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            getattr(self, name) == getattr(other, name)
            for name, described in self._described.items()
            if described.compare
        )

    def __hash__(self) -> int:
        counted = (
            getattr(self, name)
            for name, described in self._described.items()
            if (described.compare if described.hash is None else described.hash)
        )
        return hash((type(self), *counted))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.members().items())})"

    def members(self) -> dict[str, object]:
        """Return the members that are shown, by name."""
        return {name: getattr(self, name) for name, described in self._described.items() if described.repr}


@cache
def _fields(cls: type[Value]) -> dict[str, Field[Any]]:
    import dataclasses  # noqa: PLC0415  slow to import, and there already where its functions are called

    described = [
        (
            name,
            each.type,
            dataclasses.field(
                **{
                    said: value
                    for said in ("default", "default_factory", "repr", "hash", "compare", "kw_only")
                    if (value := getattr(each, said)) is not _MISSING
                }
            ),
        )
        for name, each in cls._described.items()
    ]
    bare: Any = dataclasses.make_dataclass(cls.__name__, described, init=False, repr=False, eq=False)
    made: dict[str, Field[Any]] = bare.__dataclass_fields__
    return made


def _signature(cls: type[Value]) -> Signature:
    from inspect import Parameter, Signature  # noqa: PLC0415  for those who look

    parameters = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY if each.kw_only else Parameter.POSITIONAL_OR_KEYWORD,
            default=_default_of(each, otherwise=Parameter.empty),
            annotation=each.type,
        )
        for name, each in cls._described.items()
    ]
    return Signature(sorted(parameters, key=lambda one: one.kind))


def _default_of(member: _Described, *, otherwise: object) -> object:
    if member.default is not _MISSING:
        return member.default
    return otherwise if member.default_factory is _MISSING else member.default_factory()
