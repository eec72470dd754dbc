"""Which changes to the code that decides no test notices."""

from __future__ import annotations

import ast
import builtins
import gc
import pickle
import random
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.abc import SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from tests.mutants.code_changes import MARK, MODULE, CodeChange, code_changes, marked
from tests.mutants.trials import ROOT, Fate, fate_of, first_failure, in_a_child, with_collected

SEED = 5
_COLLECTING_CPU_SECONDS = 60
PROJECT = frozenset({"agent", "capture", "hal", "hw_sim", "sealing", "sync", "tests"})


@dataclass(frozen=True)
class Room:
    """Files that decide, and the tests that are theirs."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


ROOMS: Mapping[str, Room] = {
    "capture": Room(
        (
            *(f"capture/{name}.py" for name in ("session", "preflight", "conditions", "endurance", "gestures")),
            *(f"capture/{name}.py" for name in ("resume", "turn")),
            *(f"capture/moves/{name}.py" for name in ("breaking", "choosing", "duties", "ending", "runs")),
            *(f"capture/moves/{name}.py" for name in ("standing", "starting", "warning")),
        ),
        ("tests/unit/capture_session",),
    ),
    "agent": Room(
        tuple(f"agent/{name}.py" for name in ("due", "duties", "working_days")),
        tuple(
            f"tests/unit/agent/test_{name}.py"
            for name in ("articles", "due", "due_book", "labels", "profiles", "working_days")
        ),
    ),
    "sync": Room(
        ("sync/deadlines.py",), tuple(f"tests/unit/sync/test_{name}.py" for name in ("deadlines", "rules_and_sessions"))
    ),
}


@dataclass(frozen=True)
class Result:
    """One change and what became of it."""

    file: str
    change: CodeChange
    fate: Fate

    @property
    def reason(self) -> str | None:
        """Why no test can notice: the changed code does the same; None where that was not found of it."""
        return equivalents().get((self.file, self.change.function, self.change.change))

    @property
    def missed(self) -> bool:
        """No test noticed what makes a difference."""
        return self.fate is Fate.SURVIVED and self.reason is None


@cache
def equivalents() -> Mapping[tuple[str, str, str], str]:
    """Changes that change nothing, with the reason, by file, function and change (`equivalent.toml`)."""
    entries = tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text("utf-8")).get("equivalent", [])
    return {
        (entry["file"], entry["function"], change): entry["reason"] for entry in entries for change in entry["changes"]
    }


Place = tuple[str, str, int]
"""File, dotted name and first line of a function."""
Functions = dict[Place, list[FunctionType]]


def try_changes(room: Room, sample: int | None = None) -> list[Result]:
    """Make each change to a room's files, or a fixed sample of them, and see whether a test notices.

    Raises:
        RuntimeError: A test fails without any change.
    """
    wanted = [(file, change) for file in room.files for change in code_changes((ROOT / file).read_text("utf-8"))]
    if sample is not None and sample < len(wanted):
        wanted = sorted(random.Random(SEED).sample(wanted, sample), key=lambda each: (each[0], each[1].line))
    inside = [each for each in wanted if each[1].function != MODULE]
    found = with_collected(room.tests, partial(_try_functions, inside, room.files)) if inside else []
    untried = [Result(file, change, Fate.UNTESTED) for file, change in wanted if change.function == MODULE]
    return [_tried_by_import(each, room) if each.fate is Fate.UNTESTED else each for each in (*found, *untried)]


def _tried_by_import(result: Result, room: Room) -> Result:
    """What no test calls may be called while modules are imported, as what makes tables is."""
    return replace(result, fate=_fate_of_module(result.file, result.change, room))


def _fate_of_module(file: str, change: CodeChange, room: Room) -> Fate:
    """What stands outside of functions is in force when it is imported: import everything of the project again."""

    def passes() -> bool:
        for name in [name for name in sys.modules if name.partition(".")[0] in PROJECT]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Changed(file, change))
        return with_collected(room.tests, first_failure) is None

    return in_a_child(passes, _COLLECTING_CPU_SECONDS)


class _Changed(SourceLoader):
    """Finds and loads one module with the change in it."""

    def __init__(self, file: str, change: CodeChange) -> None:
        self._name = file.removesuffix(".py").replace("/", ".")
        self._file, self._change = ROOT / file, change

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """As a finder: this one module."""
        return spec_from_file_location(name, self._file, loader=self) if name == self._name else None

    def get_filename(self, fullname: str) -> str:
        """Where the module lies."""
        return str(self._file)

    def get_data(self, path: str) -> bytes:
        """Nothing is read: the code is made from the changed tree."""
        raise OSError(path)

    def get_code(self, fullname: str) -> CodeType:
        """The changed code."""
        return compile(self._change.tree(), str(self._file), "exec", dont_inherit=True)


def _try_functions(
    wanted: Iterable[tuple[str, CodeChange]], files: Sequence[str], items: Sequence[pytest.Item]
) -> list[Result]:
    functions = _functions_of(files)
    users = _users_of(files, functions, items)
    found = []
    for file, change in wanted:
        place = (file, change.function, change.function_line)
        tests = [items[number] for number in users.get(place, ())]
        found.append(Result(file, change, fate_of(partial(_change, file, change, functions), tests)))
    return found


def _change(file: str, change: CodeChange, functions: Functions) -> None:
    """Give one function, whoever holds it, its changed code."""
    _replace(
        file,
        change.tree(),
        {place: each for place, each in functions.items() if place[1:] == (change.function, change.function_line)},
    )


def _replace(file: str, tree: ast.Module, functions: Functions) -> None:
    """Give functions of a file the code that they have in a tree."""
    for code in _codes(compile(tree, str(ROOT / file), "exec", dont_inherit=True)):
        for function in functions.get((file, code.co_qualname, code.co_firstlineno), ()):
            function.__code__ = code


def _codes(code: CodeType) -> Iterable[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _functions_of(files: Iterable[str]) -> Functions:
    """Every function of the files that there is, however it was wrapped."""
    names = {str(ROOT / file): file for file in files}
    found: Functions = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename in names:
            code = each.__code__
            found.setdefault((names[code.co_filename], code.co_qualname, code.co_firstlineno), []).append(each)
    return found


def _users_of(files: Sequence[str], functions: Functions, items: Sequence[pytest.Item]) -> dict[Place, list[int]]:
    """Which tests run each function, those first that run the fewest.

    Raises:
        RuntimeError: A test fails.
    """
    with tempfile.NamedTemporaryFile() as answer:
        if (
            in_a_child(partial(_watch, files, functions, items, Path(answer.name)), _COLLECTING_CPU_SECONDS)
            is not Fate.SURVIVED
        ):
            raise RuntimeError("a test fails as it is; run pytest to see which")
        ran: list[set[Place]] = pickle.loads(Path(answer.name).read_bytes())  # noqa: S301 - our own child wrote it
    users: dict[Place, list[int]] = {}
    for number in sorted(range(len(ran)), key=lambda each: len(ran[each])):
        for place in ran[number]:
            users.setdefault(place, []).append(number)
    return users


def _watch(files: Sequence[str], functions: Functions, items: Sequence[pytest.Item], answer: Path) -> bool:
    """Run every test with marked functions, and write down which it ran."""
    ran: list[set[Place]] = [set()]
    for file in files:
        _replace(file, marked((ROOT / file).read_text("utf-8"), file), functions)
    vars(builtins)[MARK] = lambda *place: ran[-1].add(place)
    for item in items:
        if first_failure([item]) is not None:
            return False
        ran.append(set())
    answer.write_bytes(pickle.dumps(ran[:-1]))
    return True
