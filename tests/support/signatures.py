"""What the signatures of public names speak of, read from the source: nothing is imported, so nothing is missed.

Names for the type checker alone count like all others, and so do aliases, which are no types any more when they run.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Place = tuple[str, str]  # a module, and the name of what is defined there
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign

_VARIABLES = ("TypeVar", "ParamSpec", "TypeVarTuple")


@dataclass(slots=True)
class Module:
    """What a module defines, what it takes from others, and what it offers: each name, and the module it is from."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, Place] = field(default_factory=dict)
    offers: dict[str, str] = field(default_factory=dict)


class Package:
    """A package by its modules' sources."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._modules = {name: _read(name, ast.parse(text)) for name, text in sources.items()}

    def offered(self, *places: str) -> dict[Place, str]:
        """Return all that these modules list in `__all__`, by its definition, with the path that users write."""
        return {
            found: f"{place}.{name}"
            for place in places
            for name, home in self._modules[place].offers.items()
            if (found := self.definition(home, name))
        }

    def definition(self, module: str, name: str) -> Place | None:
        """Follow a name through the package to where it is defined; None if it is another library's."""
        if module not in self._modules:
            return None
        known = self._modules[module]
        if name in known.definitions:
            return module, name
        return self.definition(*known.imports[name]) if name in known.imports else None

    def speaks_of(self, place: Place) -> Iterator[tuple[str, Place]]:
        """Return what the public signatures of a definition name, each with where it is said."""
        module, name = place
        for where, expression in _signatures(self._modules[module].definitions[name]):
            for used in self._named(module, expression):
                yield f"{module}.{name}{where}", used
        for base in self._bases(place):
            yield from self.speaks_of(base)

    def _bases(self, place: Place) -> Iterator[Place]:
        node = self._modules[place[0]].definitions[place[1]]
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            outer = base.value if isinstance(base, ast.Subscript) else base
            if isinstance(outer, ast.Name) and (found := self.definition(place[0], outer.id)):
                yield found

    def _named(self, module: str, expression: ast.expr) -> Iterator[Place]:
        for name in _names(expression):
            found = self.definition(module, name)
            if found is None:
                continue
            node = self._modules[found[0]].definitions[found[1]]
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _called(node.value) in _VARIABLES:
                for bound in (*node.value.args[1:], *(one.value for one in node.value.keywords)):
                    yield from self._named(found[0], bound)
            else:
                yield found


def _read(name: str, tree: ast.Module) -> Module:
    module = Module()
    for node in _top_level(tree.body):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                module.definitions[node.name] = node
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple() as listed):
                module.offers = dict.fromkeys(ast.literal_eval(listed), name)
            case ast.Assign(targets=[ast.Tuple()], value=ast.Call(args=[_, ast.Dict() as homes])):
                module.offers = {
                    one: home if home.startswith("aio_token") else f"{name}.{home}"
                    for home, ones in ast.literal_eval(homes).items()
                    for one in ones
                }
            case ast.Assign(targets=[ast.Name(id=target)]) | ast.AnnAssign(target=ast.Name(id=target)):
                module.definitions[target] = node
            case ast.ImportFrom(module=str(source)):
                module.imports |= {alias.asname or alias.name: (source, alias.name) for alias in node.names}
    return module


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If):
            yield from _top_level([*node.body, *node.orelse])
        else:
            yield node


def _signatures(node: Definition) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (("", one) for one in _of_function(node))
        case ast.ClassDef():
            for member in node.body:
                yield from _of_member(member)
        case ast.Assign(value=ast.Call()) | ast.Assign(value=ast.Constant()):
            return  # a value, whose type is not said
        case ast.Assign(value=alias):
            yield "", alias
        case ast.AnnAssign(annotation=annotation):
            yield "", annotation


def _of_member(member: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    match member:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if _is_public(name):
            yield f".{name}", annotation
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if _is_public(name):
            yield from ((f".{name}", one) for one in _of_function(member))
            for inner in ast.walk(member):
                match inner:
                    case ast.AnnAssign(
                        target=ast.Attribute(value=ast.Name(id="self"), attr=attribute), annotation=annotation
                    ) if _is_public(attribute):
                        yield f".{attribute}", annotation


def _of_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    given = node.args
    for one in (*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg):
        if one is not None and one.annotation is not None:
            yield one.annotation
    if node.returns is not None:
        yield node.returns


def _names(expression: ast.expr) -> Iterator[str]:
    match expression:
        case ast.Name(id=name):
            yield name
        case ast.Constant(value=str(text)):
            yield from _names(ast.parse(text, mode="eval").body)
        case ast.Subscript(value=ast.Name(id="Literal")):
            return
        case _:
            for inner in ast.iter_child_nodes(expression):
                if isinstance(inner, ast.expr):
                    yield from _names(inner)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))
