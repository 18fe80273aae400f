"""The mutants of a module: where each differs from it, in words, and its code."""

from __future__ import annotations

import ast
import copy
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import CodeType

from tests.mutation.operators import Place, changes, is_text, text_of

ROOT = Path(__file__).parents[2]
MODULE_LEVEL = "(module)"
_SKIPPED = {
    ast.arg: ("annotation",),
    ast.FunctionDef: ("decorator_list", "returns"),
    ast.ClassDef: ("decorator_list", "bases", "keywords"),
    ast.AnnAssign: ("annotation", "target"),
    ast.match_case: ("pattern",),
    ast.ExceptHandler: ("name",),
}
"""Fields in which nothing is executed that a test could see, or that only the types read."""
_INVISIBLE = ("TypeVar", "NewType")
"""Calls whose arguments are only names for people."""

Step = tuple[str, int | None]


@dataclass(frozen=True)
class Mutant:
    """A module that is wrong in one place."""

    module: str
    function: str
    """`Class.method` or `function`, the outermost; MODULE_LEVEL for what runs at import."""
    words: str
    """What is wrong, the same after a change elsewhere in the module."""
    line: int
    path: tuple[Step, ...] = field(repr=False)
    """From the module's tree to the node that is replaced."""
    new: ast.AST = field(repr=False)
    at_import: bool = False
    """The module has to be imported with it: no function's code is enough."""

    @property
    def key(self) -> tuple[str, str]:
        """What names it within its module."""
        return self.function, self.words

    def __str__(self) -> str:
        return f"{path_of(self.module).relative_to(ROOT)}:{self.line} {self.function}: {self.words}"

    def code(self) -> CodeType:
        """The whole module's."""
        path = path_of(self.module)
        tree = ast.parse(path.read_bytes())
        *way, (name, index) = self.path
        node: ast.AST = tree
        for step, position in way:
            node = getattr(node, step)
            if position is not None:
                node = node[position]  # type: ignore[index]
        new = copy.deepcopy(self.new)
        if index is None:
            setattr(node, name, new)
        else:
            getattr(node, name)[index] = new
        return compile(ast.fix_missing_locations(tree), str(path), "exec")


def path_of(module: str) -> Path:
    """The file of a module of the janitor."""
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def mutants_of(module: str) -> list[Mutant]:
    """Every mutant, in the order of the file; words that repeat within a function are numbered."""
    tree = ast.parse(path_of(module).read_bytes())
    enums = _enumerations("janitor.model") | _enumerations(module)
    made: list[Mutant] = []
    times: Counter[tuple[str, str]] = Counter()
    for mutant in _Walk(module, enums).over(tree):
        times[mutant.key] += 1
        count = times[mutant.key]
        made.append(mutant if count == 1 else replace(mutant, words=f"{mutant.words} ({count})"))
    return made


def sample(mutants: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """So many of them, the same for the same seed, in the order of the file."""
    chosen = set(random.Random(seed).sample(range(len(mutants)), min(size, len(mutants))))
    return [mutant for index, mutant in enumerate(mutants) if index in chosen]


@cache
def _enumerations(module: str) -> Mapping[str, tuple[str, ...]]:
    """The enumerations that a module defines, and the names of their members."""
    found = {}
    for node in ast.parse(path_of(module).read_bytes()).body:
        if isinstance(node, ast.ClassDef) and "StrEnum" in map(ast.unparse, node.bases):
            names = [
                each.targets[0].id
                for each in node.body
                if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
            ]
            found[node.name] = tuple(names)
    return found


@dataclass(frozen=True)
class _Walk:
    """Goes through a tree and says where it is."""

    module: str
    enums: Mapping[str, tuple[str, ...]]
    outer: str = ""
    """The function or method whose code is in force; its classes before it is reached."""
    within: bool = False
    """In the body of a function: not run at import."""
    function: ast.FunctionDef | None = None
    struct: bool = False
    statement: str = ""

    def over(self, tree: ast.Module) -> Iterator[Mutant]:
        yield from self._fields(tree, ())

    def _fields(self, node: ast.AST, path: tuple[Step, ...]) -> Iterator[Mutant]:
        skipped = next((names for kind, names in _SKIPPED.items() if isinstance(node, kind)), ())
        for name, value in ast.iter_fields(node):
            if name in skipped:
                continue
            walk = self._into(node, name)
            if isinstance(value, ast.AST):
                yield from walk._node(value, (*path, (name, None)), node)
            elif isinstance(value, list):
                for index, each in enumerate(value):
                    if isinstance(each, ast.AST):
                        after = value[index + 1] if index + 1 < len(value) else None
                        step = (*path, (name, index))
                        yield from walk._node(each, step, node, following=after)

    def _node(
        self,
        node: ast.AST,
        path: tuple[Step, ...],
        parent: ast.AST,
        *,
        following: ast.AST | None = None,
    ) -> Iterator[Mutant]:
        if _is_invisible(node):
            return
        walk = self
        if isinstance(node, ast.stmt):
            walk = replace(self, statement=_header(node))
        place = Place(parent, self.function, self.struct, following, self.enums)
        line = getattr(node, "lineno", None) or getattr(parent, "lineno", 0)
        for words, new in changes(node, place):
            whole = words
            if walk.statement not in words and not isinstance(node, ast.stmt):
                whole = f"{words} in `{walk.statement}`"
            function = self.outer if self.within else self.outer or MODULE_LEVEL
            yield Mutant(self.module, function, whole, line, path, new, at_import=not self.within)
        yield from walk._fields(node, path)

    def _into(self, node: ast.AST, name: str) -> _Walk:
        """What holds in one field of the node."""
        if isinstance(node, ast.ClassDef):
            outer = f"{self.outer}.{node.name}" if self.outer else node.name
            bases = {ast.unparse(base) for base in node.bases}
            return replace(self, outer=outer, struct=bool(bases & {"_Wire", "msgspec.Struct"}))
        if isinstance(node, ast.FunctionDef) and not self.within:
            outer = f"{self.outer}.{node.name}" if self.outer else node.name
            if name == "body":
                return replace(self, outer=outer, within=True, function=node, struct=False)
            return replace(self, outer=outer)
        return self


def _header(node: ast.stmt) -> str:
    """The first line of a statement."""
    bare = copy.copy(node)
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        if hasattr(bare, name):
            setattr(bare, name, [])
    return text_of(bare)


def _is_invisible(node: ast.AST) -> bool:
    """What no test could see, or only a person."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.expr_context() | ast.operator():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _INVISIBLE
        case ast.Assign(targets=[ast.Name(id="__slots__")]):
            return True
    return is_text(node)
