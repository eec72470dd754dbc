"""The rules that a syntax tree can be held to: each takes a tree and yields what breaks the rule, with its line."""

import ast
import re
from collections.abc import Callable, Iterator

from tests.architecture import rules

Function = ast.FunctionDef | ast.AsyncFunctionDef
Check = Callable[[ast.Module], Iterator[str]]

_CLOCK_METHODS = frozenset({"now", "today", "utcnow"})
_CALENDAR_CLASSES = frozenset({"date", "datetime"})
_VERDICT_NAME = re.compile(r"_*(verify|is_valid|validate)")
_SIMULATION_NAME = re.compile(r"(is_)?sim(ulat(ed|ion|or))?")
_UNDOCUMENTED_BY_DECORATOR = frozenset({"overload", "override", "setter"})


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every imported name, dotted, with its line: `from time import sleep` gives `time.sleep`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)


def impurity(tree: ast.Module) -> Iterator[str]:
    """Imports and calls that reach outside the process, or into its clocks and threads."""
    for line, name in imported(tree):
        if name.partition(".")[0] in rules.IMPURE_MODULES:
            yield f"{line}: imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in rules.IMPURE_CALLS:
            yield f"{node.lineno}: calls {node.func.id}()"
    yield from clock_reading(tree)


def clock_reading(tree: ast.Module) -> Iterator[str]:
    """Readings of the system's clocks."""
    for line, name in imported(tree):
        if name.partition(".")[0] == "time":
            yield f"{line}: imports {name}; time comes from the clock that is handed in"
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in _CLOCK_METHODS
            and _last_name(node.value) in _CALENDAR_CLASSES
        ):
            yield f"{node.lineno}: reads {ast.unparse(node)}; time comes from the clock that is handed in"


def thread_start(tree: ast.Module) -> Iterator[str]:
    """Threads that are started by hand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in {"Thread", "Timer", "ThreadPoolExecutor"}:
            yield f"{node.lineno}: starts a {_last_name(node.func)}; threads are workers of hal.worker"


def sleeping(tree: ast.Module) -> Iterator[str]:
    """Sleeps, by whatever name the module goes."""
    for line, name in imported(tree):
        if name == "time.sleep":
            yield f"{line}: imports time.sleep"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "sleep" and _last_name(node.value) == "time":
            yield f"{node.lineno}: sleeps; wait for what the test is about"


def mocking(tree: ast.Module) -> Iterator[str]:
    """Imports of unittest.mock."""
    for line, name in imported(tree):
        if name.startswith(("unittest.mock", "mock.")) or name == "mock":
            yield f"{line}: imports {name}; the simulator and small fakes take its place"


def simulation_branch(tree: ast.Module) -> Iterator[str]:
    """Branches on whether this is a simulation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            names = {_last_name(part) for part in ast.walk(node.test)}
            yield from (
                f"{node.lineno}: branches on {name}; a driver set makes the difference, not the code above it"
                for name in sorted(names)
                if _SIMULATION_NAME.fullmatch(name)
            )


def long_function(tree: ast.Module) -> Iterator[str]:
    """Functions longer than the limit, their docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
            if lines > rules.FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {lines} lines; at most {rules.FUNCTION_LINES_MAX}"


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Modules and public classes and functions without a docstring."""
    if ast.get_docstring(tree) is None:
        yield "1: the module says nothing of itself"
    for node in _public(tree):
        if ast.get_docstring(node) is None and not _UNDOCUMENTED_BY_DECORATOR & _decorators(node):
            yield f"{node.lineno}: {node.name} has no docstring"


def unannotated(tree: ast.Module) -> Iterator[str]:
    """Functions with a parameter or a result of unwritten type."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            arguments = node.args
            named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
            bare = [each.arg for each in named if each.annotation is None and each.arg not in {"self", "cls"}]
            if bare or node.returns is None:
                yield f"{node.lineno}: {node.name} leaves types unwritten: {', '.join(bare) or 'its result'}"


def boolean_verdict(tree: ast.Module) -> Iterator[str]:
    """Verification that returns a bool which a caller can forget to look at."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and _VERDICT_NAME.match(node.name) and _returns_bool(node):
            yield f"{node.lineno}: {node.name} returns bool; verification raises"


def swallowed_error(tree: ast.Module) -> Iterator[str]:
    """Handlers that catch everything by silence, or everything and do nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield f"{node.lineno}: bare except; name the errors"
            elif _catch_everything([node.type]) and all(_does_nothing(statement) for statement in node.body):
                yield f"{node.lineno}: swallows every error"
        elif isinstance(node, ast.Call) and _last_name(node.func) == "suppress" and _catch_everything(node.args):
            yield f"{node.lineno}: suppresses every error"


def _public(tree: ast.AST) -> Iterator[Function | ast.ClassDef]:
    """Public classes, functions and methods; what stands inside a function is nobody else's business."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def _decorators(node: Function | ast.ClassDef) -> set[str]:
    return {_last_name(decorator) for decorator in node.decorator_list}


def _docstring_lines(node: Function) -> int:
    if ast.get_docstring(node, clean=False) is None:
        return 0
    text = node.body[0]
    return (text.end_lineno or text.lineno) - text.lineno + 1


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _catch_everything(caught: list[ast.expr]) -> bool:
    parts = [part for node in caught for part in (node.elts if isinstance(node, ast.Tuple) else [node])]
    return any(_last_name(part) in {"BaseException", "Exception"} for part in parts)


def _returns_bool(node: Function) -> bool:
    return node.returns is not None and ast.unparse(node.returns).strip("'\"") == "bool"


def _does_nothing(statement: ast.stmt) -> bool:
    is_ellipsis = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_ellipsis or isinstance(statement, ast.Pass | ast.Continue)
