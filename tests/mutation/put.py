"""Puts a mutant in the place of its module, in this process only; the file is never touched."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, FunctionType

from tests.mutation.mutants import Mutant, path_of


class NotPossible(Exception):
    """The function cannot be given the mutant's code: the module has to be imported with it."""


def into_function(mutant: Mutant) -> None:
    """Gives the function of the module that is imported already the mutant's code, so that all who
    imported the function have it. Raises NotPossible.
    """
    codes = [code for code in _codes(mutant.code()) if code.co_qualname == mutant.function]
    function = _function(mutant)
    if len(codes) != 1 or codes[0].co_freevars != function.__code__.co_freevars:
        raise NotPossible
    function.__code__ = codes[0]


def into_imports(mutant: Mutant) -> None:
    """Whoever imports the module from now on gets the mutant."""
    if mutant.module in sys.modules:
        raise NotPossible
    sys.meta_path.insert(0, _Finder(mutant.module, mutant.code()))


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _function(mutant: Mutant) -> FunctionType:
    found: object = importlib.import_module(mutant.module)
    for name in mutant.function.split("."):
        found = vars(found)[name]
    found = getattr(found, "fget", None) or found
    while not isinstance(found, FunctionType) or hasattr(found, "__wrapped__"):
        inner = getattr(found, "__wrapped__", None) or getattr(found, "__func__", None)
        if inner is None:
            raise NotPossible
        found = inner
    return found


class _Loader(SourceFileLoader):
    """A module whose code is given."""

    def __init__(self, module: str, code: CodeType) -> None:
        super().__init__(module, str(path_of(module)))
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code


class _Finder:
    """Finds one module, and leaves all others to Python's own finders."""

    def __init__(self, module: str, code: CodeType) -> None:
        self._module = module
        self._code = code

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self._module:
            return None
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        assert spec is not None
        spec.loader = _Loader(self._module, self._code)
        return spec
