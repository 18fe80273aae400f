"""What may be wrong with one piece of code: for a node of the syntax tree, the nodes instead of it.

Every change is a pair of words for people and the new node. The words do not hold line numbers, so
that they outlive changes elsewhere in the file.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Change = tuple[str, ast.AST]

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_OTHER_FUNCTION = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
_OTHER_METHOD = {
    "startswith": "endswith",
    "endswith": "startswith",
    "partition": "rpartition",
    "rpartition": "partition",
    "fullmatch": "search",
    "search": "fullmatch",
}
_NEEDLESS_METHODS = frozenset(
    {
        "astimezone",
        "expanduser",
        "lower",
        "lstrip",
        "removeprefix",
        "removesuffix",
        "replace",
        "rstrip",
        "strip",
        "total_seconds",
    }
)
_WITH_DEFAULT = frozenset({"get", "getattr", "next"})
_BIG = 100
"""From here on a number is a bound: it is doubled and halved, not moved by one."""


@dataclass(frozen=True)
class Place:
    """Where a node stands, as far as the operators ask."""

    parent: ast.AST
    function: ast.FunctionDef | None
    """The innermost function around it."""
    struct: bool
    """In the body of a msgspec Struct, whose annotations decide what is read."""
    following: ast.AST | None
    """The next statement of the same block."""
    enums: Mapping[str, tuple[str, ...]]
    """The members of the enumerations whose words count."""


def changes(node: ast.AST, place: Place) -> Iterator[Change]:
    """Every way in which this one node may be wrong."""
    for kind, operators in _OPERATORS.items():
        if isinstance(node, kind):
            for operator in operators:
                yield from operator(node, place)


def text_of(node: ast.AST, longest: int = 72) -> str:
    """The code of a node, in one line of bearable length."""
    code = " ".join(ast.unparse(node).split())
    return code if len(code) <= longest else f"{code[: longest - 1]}…"


def is_text(node: ast.AST) -> bool:
    """Whether it is words for people: a string with white space in it."""
    if isinstance(node, ast.JoinedStr):
        return any(is_text(part) for part in node.values)
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and any(character.isspace() for character in node.value)
    )


def _instead(node: ast.AST, **fields: object) -> ast.AST:
    """The node with other fields; what it holds is shared, and copied when it is used."""
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _becomes(node: ast.AST, new: ast.AST) -> Change:
    return f"`{text_of(node)}` becomes `{text_of(new)}`", new


def _without(items: list, index: int) -> list:
    return [*items[:index], *items[index + 1 :]]


# --- conditions ------------------------------------------------------------------------------


def _comparison(node: ast.Compare, _: Place) -> Iterator[Change]:
    for index, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
            yield _becomes(node, _instead(node, ops=ops))
    if len(node.ops) > 1:
        rest = ast.Compare(node.comparators[0], node.ops[1:], node.comparators[1:])
        yield _becomes(node, rest)
        yield _becomes(node, ast.Compare(node.left, node.ops[:-1], node.comparators[:-1]))


def _and_or(node: ast.BoolOp, place: Place) -> Iterator[Change]:
    yield _becomes(node, _instead(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And()))
    for index, operand in enumerate(node.values):
        rest = _without(node.values, index)
        new = rest[0] if len(rest) == 1 else _instead(node, values=rest)
        yield f"`{text_of(operand)}` is left out of `{text_of(node)}`", new
    if (
        isinstance(place.parent, ast.Return)
        and isinstance(node.op, ast.Or)
        and not _is_yes_or_no(place)
    ):
        # A table in which the first that answers wins.
        for index in range(len(node.values) - 1):
            first, second = node.values[index : index + 2]
            swapped = [*node.values[:index], second, first, *node.values[index + 2 :]]
            words = f"`{text_of(second)}` is asked before `{text_of(first)}`"
            yield words, _instead(node, values=swapped)


def _not(node: ast.UnaryOp, _: Place) -> Iterator[Change]:
    if isinstance(node.op, (ast.Not, ast.USub)):
        yield _becomes(node, node.operand)


def _condition(node: ast.If | ast.IfExp | ast.While, _: Place) -> Iterator[Change]:
    for value in (True, False):
        forced = _instead(node, test=ast.Constant(value))
        yield f"the condition `{text_of(node.test)}` is taken as {value}", forced


def _filter(node: ast.comprehension, _: Place) -> Iterator[Change]:
    for index, condition in enumerate(node.ifs):
        for value in (True, False):
            ifs = [*node.ifs[:index], ast.Constant(value), *node.ifs[index + 1 :]]
            words = f"the filter `{text_of(condition)}` is taken as {value}"
            yield words, _instead(node, ifs=ifs)


def _in_order(node: ast.If, place: Place) -> Iterator[Change]:
    """Two `if`s that both leave: the second is asked first."""
    following = place.following
    if not (_leaves(node) and isinstance(following, ast.If) and _leaves(following)):
        return
    if [ast.dump(each) for each in node.body] != [ast.dump(each) for each in following.body]:
        words = f"`if {text_of(following.test)}` is asked before `if {text_of(node.test)}`"
        yield words, ast.If(ast.Constant(value=True), [following, node], [])


def _leaves(node: ast.If) -> bool:
    return not node.orelse and isinstance(node.body[-1], (ast.Return, ast.Raise, ast.Continue))


def _cases(node: ast.Match, _: Place) -> Iterator[Change]:
    for index, case in enumerate(node.cases):
        guard = f" if {text_of(case.guard)}" if case.guard else ""
        words = f"`case {text_of(case.pattern)}{guard}`"
        yield f"{words} is left out", _instead(node, cases=_without(node.cases, index))
        if case.guard:
            for value in (True, False):
                changed = _instead(case, guard=ast.Constant(value))
                cases = [*node.cases[:index], changed, *node.cases[index + 1 :]]
                yield f"the guard of {words} is taken as {value}", _instead(node, cases=cases)


# --- values ----------------------------------------------------------------------------------


def _constant(node: ast.Constant, _: Place) -> Iterator[Change]:
    value = node.value
    others: tuple[object, ...] = ()
    if isinstance(value, bool):
        others = (not value,)
    elif isinstance(value, (int, float)):
        small = isinstance(value, int) and value < _BIG
        others = (value + 1, value - 1) if small else (value * 2, value // 2 or value / 2)
    elif isinstance(value, str):
        others = (f"{value}~x",)
    elif isinstance(value, bytes):
        others = (value + b"~x",)
    for other in others:
        yield _becomes(node, ast.Constant(other))


def _assembled(node: ast.JoinedStr, _: Place) -> Iterator[Change]:
    yield _becomes(node, ast.Constant("~"))


def _member(node: ast.Attribute, place: Place) -> Iterator[Change]:
    """Another word of the same enumeration."""
    if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
        members = place.enums.get(node.value.id, ())
        if node.attr in members and len(members) > 1:
            other = members[(members.index(node.attr) + 1) % len(members)]
            yield _becomes(node, _instead(node, attr=other))


def _arithmetic(node: ast.BinOp, _: Place) -> Iterator[Change]:
    if is_text(node.left) or is_text(node.right):
        return
    other = _ARITHMETIC.get(type(node.op))
    if other is not None:
        yield _becomes(node, _instead(node, op=other()))
    yield _becomes(node, node.left)


def _slice(node: ast.Slice, _: Place) -> Iterator[Change]:
    for bound in ("lower", "upper"):
        if getattr(node, bound) is not None:
            yield (
                f"the {bound} bound of `[{text_of(node)}]` is left out",
                _instead(node, **{bound: None}),
            )


def _elements(node: ast.Tuple | ast.List | ast.Set, place: Place) -> Iterator[Change]:
    fixed = isinstance(place.parent, (ast.Return, ast.Subscript, ast.Assign, ast.AnnAssign))
    if isinstance(node, ast.Tuple) and (fixed or not isinstance(node.ctx, ast.Load)):
        return
    for index, element in enumerate(node.elts):
        new = _instead(node, elts=_without(node.elts, index))
        if isinstance(node, ast.Set) and len(node.elts) == 1:
            new = ast.Call(ast.Name("set", ast.Load()), [], [])
        yield f"`{text_of(element)}` is left out of `{text_of(node)}`", new


def _entries(node: ast.Dict, _: Place) -> Iterator[Change]:
    for index, key in enumerate(node.keys):
        words = f"`{text_of(key)}`" if key else f"`**{text_of(node.values[index])}`"
        keys, values = _without(node.keys, index), _without(node.values, index)
        yield f"the entry {words} is left out", _instead(node, keys=keys, values=values)


# --- calls and loops -------------------------------------------------------------------------


def _call(node: ast.Call, _: Place) -> Iterator[Change]:
    function = node.func
    name = _name_of(function)
    if isinstance(function, ast.Name) and name in _OTHER_FUNCTION:
        other = ast.Name(_OTHER_FUNCTION[name], ast.Load())
        yield _becomes(node, _instead(node, func=other))
    elif isinstance(function, ast.Name) and name == "abs":
        yield _becomes(node, node.args[0])
    elif isinstance(function, ast.Attribute) and name in _OTHER_METHOD:
        yield _becomes(node, _instead(node, func=_instead(function, attr=_OTHER_METHOD[name])))
    elif isinstance(function, ast.Attribute) and name in _NEEDLESS_METHODS:
        yield _becomes(node, function.value)
    if name in _WITH_DEFAULT and len(node.args) > 1:
        yield _becomes(node, _instead(node, args=node.args[:-1]))
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None and not is_text(keyword.value):
            new = _instead(node, keywords=_without(node.keywords, index))
            yield f"`{text_of(keyword)}` is left out of the call of `{text_of(function)}`", new


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def _loop(node: ast.For | ast.comprehension, _: Place) -> Iterator[Change]:
    words = f"for {text_of(node.target)} in {text_of(node.iter)}"
    yield f"`{words}` goes over nothing", _instead(node, iter=ast.Tuple([], ast.Load()))
    first = ast.Subscript(
        ast.Call(ast.Name("list", ast.Load()), [node.iter], []),
        ast.Slice(None, ast.Constant(1)),
        ast.Load(),
    )
    yield f"`{words}` stops after the first", _instead(node, iter=first)


# --- statements ------------------------------------------------------------------------------


def _dropped(node: ast.stmt, place: Place) -> Iterator[Change]:
    if _can_be_dropped(node, place):
        yield f"`{text_of(node)}` is left out", ast.Pass()


def _can_be_dropped(node: ast.stmt, place: Place) -> bool:
    match node:
        case ast.Raise() | ast.Continue() | ast.Break() | ast.Delete() | ast.AugAssign():
            return True
        case ast.Return():
            return node.value is None
        case ast.Expr():
            return not isinstance(node.value, ast.Constant)
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            if place.function is None or node.value is None:
                return False
            return not isinstance(target, ast.Name) or _set_elsewhere(target, place.function)
    return False


def _set_elsewhere(target: ast.Name, function: ast.FunctionDef) -> bool:
    """Else leaving it out is only a NameError."""
    arguments = (*function.args.args, *function.args.kwonlyargs)
    return any(argument.arg == target.id for argument in arguments) or any(
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Store)
        and node is not target
        and node.id == target.id
        for node in ast.walk(function)
    )


def _return(node: ast.Return, place: Place) -> Iterator[Change]:
    if node.value is None or isinstance(node.value, ast.Constant):
        return
    for value in (True, False) if _is_yes_or_no(place) else (None,):
        yield f"`{text_of(node)}` returns {value}", _instead(node, value=ast.Constant(value))


def _is_yes_or_no(place: Place) -> bool:
    """Whether the function around it returns a bool."""
    returns = place.function.returns if place.function else None
    return isinstance(returns, ast.Name) and returns.id == "bool"


def _assignment_operator(node: ast.AugAssign, _: Place) -> Iterator[Change]:
    other = _ARITHMETIC.get(type(node.op))
    if other is not None and not is_text(node.value):
        yield _becomes(node, _instead(node, op=other()))


def _try(node: ast.Try, _: Place) -> Iterator[Change]:
    for index, handler in enumerate(node.handlers):
        words = f"`except {text_of(handler.type) if handler.type else ''}` is left out"
        rest = _without(node.handlers, index)
        if rest or node.finalbody:
            orelse = node.orelse if rest else []
            body = node.body if rest else [*node.body, *node.orelse]
            yield words, _instead(node, handlers=rest, body=body, orelse=orelse)
        else:
            yield words, ast.If(ast.Constant(value=True), [*node.body, *node.orelse], [])
    if node.finalbody:
        yield (
            f"`finally: {text_of(node.finalbody[0])}` is left out",
            _instead(node, finalbody=[ast.Pass()]),
        )


def _with(node: ast.With, _: Place) -> Iterator[Change]:
    if all(item.optional_vars is None for item in node.items):
        words = ", ".join(text_of(item) for item in node.items)
        yield f"`with {words}` is left out", ast.If(ast.Constant(value=True), node.body, [])


def _struct_field(node: ast.AnnAssign, place: Place) -> Iterator[Change]:
    """A field that must not be null, or one that must be there."""
    if not place.struct:
        return
    annotation = node.annotation
    if isinstance(annotation, ast.BinOp):
        yield _becomes(node, _instead(node, annotation=annotation.left))
    if node.value is not None and isinstance(node.value, ast.Constant):
        yield _becomes(node, _instead(node, value=None))


_OPERATORS: dict[type[ast.AST], tuple[Callable[..., Iterator[Change]], ...]] = {
    ast.Compare: (_comparison,),
    ast.BoolOp: (_and_or,),
    ast.UnaryOp: (_not,),
    ast.If: (_condition, _in_order),
    ast.IfExp: (_condition,),
    ast.While: (_condition,),
    ast.comprehension: (_filter, _loop),
    ast.Match: (_cases,),
    ast.Constant: (_constant,),
    ast.JoinedStr: (_assembled,),
    ast.Attribute: (_member,),
    ast.BinOp: (_arithmetic,),
    ast.Slice: (_slice,),
    ast.Tuple: (_elements,),
    ast.List: (_elements,),
    ast.Set: (_elements,),
    ast.Dict: (_entries,),
    ast.Call: (_call,),
    ast.For: (_loop,),
    ast.stmt: (_dropped,),
    ast.Return: (_return,),
    ast.AugAssign: (_assignment_operator,),
    ast.Try: (_try,),
    ast.With: (_with,),
    ast.AnnAssign: (_struct_field,),
}
