"""Every small change that can be made to the decisions of a source file: one operator, boundary or statement at a time.

Rules of this module: pure; source text in, syntax trees out.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

MODULE = "(module)"
"""Where a change stands that no function holds."""

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SHOWN_MAX = 90

MARK = "__this_function_ran__"
"""Name that marked code calls, with the file, the function's name and its first line."""

Step = tuple[str, int | None]
Holder = tuple[str, int]
Edit = Callable[[ast.AST], ast.AST]
"""Takes a copy of a node and gives what shall stand in its place."""


@dataclass(frozen=True)
class CodeChange:
    """One place of a file changed."""

    function: str
    """Dotted name of the outermost function that holds it, or `MODULE`."""
    function_line: int
    line: int
    change: str
    """What stood there, and what stands there now."""
    tree: Callable[[], ast.Module]
    """Makes the file's tree with the change in it."""


def code_changes(source: str) -> Iterator[CodeChange]:
    """Every change to a source text, in its order; docstrings and annotations stay as they are."""
    tree = ast.parse(source)
    for path, holder in _nodes(tree, (), None):
        node = _at(tree, path)
        for edit in _edits(node):
            other = edit(copy.deepcopy(node))
            change = f"{_shown(node)}  →  {_shown(other)}"
            name, first = holder or (MODULE, 0)
            yield CodeChange(name, first, getattr(node, "lineno", 0), change, partial(_replaced, tree, path, other))


def marked(source: str, file: str) -> ast.Module:
    """The tree of a source text in which each outermost function first says that it runs."""
    tree = ast.parse(source)
    for node, holder in [(_at(tree, path), holder) for path, holder in _nodes(tree, (), None)]:
        if isinstance(node, _FUNCTIONS) and holder is not None and holder[0].rpartition(".")[2] == node.name:
            said: list[ast.expr] = [ast.Constant(file), ast.Constant(holder[0]), ast.Constant(holder[1])]
            call = ast.Call(ast.Name(MARK, ast.Load()), said, [])
            node.body.insert(0, ast.copy_location(ast.Expr(call), node.body[0]))
    return ast.fix_missing_locations(tree)


def _nodes(
    node: ast.AST, path: tuple[Step, ...], holder: Holder | None, prefix: str = ""
) -> Iterator[tuple[tuple[Step, ...], Holder | None]]:
    """Paths of the nodes that may change, with the outermost function around each."""
    if isinstance(node, ast.ClassDef):
        prefix = f"{prefix}{node.name}."
    elif isinstance(node, _FUNCTIONS) and holder is None:
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        holder = (f"{prefix}{node.name}", first)
    yield path, holder
    if isinstance(node, ast.arguments):
        holder = (MODULE, 0)  # a default is made when its function is
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases"} or _is_docstring(value):
            continue
        if isinstance(value, ast.AST):
            yield from _nodes(value, (*path, (name, None)), holder, prefix)
        elif isinstance(value, list):
            for number, each in enumerate(value):
                if isinstance(each, ast.AST) and not _is_docstring(each):
                    yield from _nodes(each, (*path, (name, number)), holder, prefix)


def _edits(node: ast.AST) -> Iterator[Edit]:
    if isinstance(node, ast.Compare):
        yield from (_compared(number) for number, op in enumerate(node.ops) if type(op) in _COMPARISONS)
    elif isinstance(node, ast.BoolOp):
        yield _joined
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield _calculated
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda found: found.operand  # type: ignore[attr-defined]
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node)
    elif isinstance(node, ast.IfExp):
        yield _swapped
    elif isinstance(node, ast.If | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield _negated
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        yield _called
    elif _may_go(node):
        yield lambda found: ast.copy_location(ast.Pass(), found)


def _other_constants(node: ast.Constant) -> Iterator[Edit]:
    value = node.value
    if isinstance(value, bool):
        yield lambda found: ast.copy_location(ast.Constant(not value), found)
    elif isinstance(value, int | float):
        yield lambda found: ast.copy_location(ast.Constant(value + 1), found)
        yield lambda found: ast.copy_location(ast.Constant(value - 1), found)


def _may_go(node: ast.AST) -> bool:
    """Statements without which a function still runs."""
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
    return isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Return | ast.Continue | ast.Break)


def _compared(number: int) -> Edit:
    def edit(found: ast.AST) -> ast.AST:
        assert isinstance(found, ast.Compare)
        found.ops[number] = _COMPARISONS[type(found.ops[number])]()
        return found

    return edit


def _joined(found: ast.AST) -> ast.AST:
    assert isinstance(found, ast.BoolOp)
    found.op = ast.Or() if isinstance(found.op, ast.And) else ast.And()
    return found


def _calculated(found: ast.AST) -> ast.AST:
    assert isinstance(found, ast.BinOp)
    found.op = _ARITHMETIC[type(found.op)]()
    return found


def _swapped(found: ast.AST) -> ast.AST:
    assert isinstance(found, ast.IfExp)
    found.body, found.orelse = found.orelse, found.body
    return found


def _negated(found: ast.AST) -> ast.AST:
    assert isinstance(found, ast.If | ast.While)
    found.test = ast.copy_location(ast.UnaryOp(ast.Not(), found.test), found.test)
    return found


def _called(found: ast.AST) -> ast.AST:
    assert isinstance(found, ast.Call)
    assert isinstance(found.func, ast.Name)
    found.func.id = _CALLS[found.func.id]
    return found


def _is_docstring(value: object) -> bool:
    return isinstance(value, ast.Expr) and isinstance(value.value, ast.Constant)


def _shown(node: ast.AST) -> str:
    """The first line of a node's text."""
    text = ast.unparse(ast.fix_missing_locations(node)).partition("\n")[0]
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 1]}…"


def _at(tree: ast.AST, path: tuple[Step, ...]) -> ast.AST:
    for name, number in path:
        value = getattr(tree, name)
        tree = value if number is None else value[number]
    return tree


def _replaced(tree: ast.Module, path: tuple[Step, ...], other: ast.AST) -> ast.Module:
    changed = copy.deepcopy(tree)
    if not path:
        return changed
    above = _at(changed, path[:-1])
    name, number = path[-1]
    if number is None:
        setattr(above, name, other)
    else:
        getattr(above, name)[number] = other
    return ast.fix_missing_locations(changed)
