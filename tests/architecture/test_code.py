"""Rules that every Python file keeps, and the proof that each rule bites."""

import ast
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch

import pytest

from tests.architecture import checks, rules, tree

SOURCES = tuple(tree.python(*rules.SOURCES))
PRODUCTION = tuple(tree.python(*rules.ROOMS))
TESTS = tuple(tree.python("tests"))


def breaches(check: checks.Check, names: Iterable[str], exempt: Mapping[str, str] | None = None) -> list[str]:
    """What breaks the rule in the files, `path:line: what`, but for the exempt patterns."""
    return [
        f"{name}:{breach}"
        for name in names
        if not any(fnmatch(name, pattern) for pattern in exempt or {})
        for breach in check(tree.parsed(name))
    ]


def test_there_is_something_to_check() -> None:
    assert {name.partition("/")[0] for name in SOURCES} >= {*rules.ROOMS, "hw-sim"}
    assert "tests/architecture/test_code.py" in TESTS


def test_the_pure_core_touches_nothing_outside_itself() -> None:
    assert not breaches(checks.impurity, tree.pure_core_files())


def test_nobody_but_a_clock_reads_the_time() -> None:
    assert not breaches(checks.clock_reading, (*SOURCES, *TESTS), rules.REAL_TIME)


def test_every_thread_of_the_unit_is_a_worker() -> None:
    assert not breaches(checks.thread_start, SOURCES, rules.THREAD_STARTERS)


@pytest.mark.parametrize("check", [checks.sleeping, checks.mocking], ids=lambda check: str(check.__name__))
def test_tests_neither_sleep_nor_mock(check: checks.Check) -> None:
    assert not breaches(check, TESTS)


def test_production_code_does_not_ask_whether_it_is_simulated() -> None:
    assert not breaches(checks.simulation_branch, PRODUCTION)
    assert not [name for name in PRODUCTION if "hw_sim" in tree.text(name) or "hw-sim" in tree.text(name)]


@pytest.mark.parametrize(
    "check",
    [checks.long_function, checks.unannotated, checks.swallowed_error, checks.boolean_verdict],
    ids=lambda check: str(check.__name__),
)
def test_all_code_keeps(check: checks.Check) -> None:
    assert not breaches(check, (*SOURCES, *TESTS))


def test_every_public_name_is_documented() -> None:
    assert not breaches(checks.undocumented, SOURCES)


def test_files_do_one_thing() -> None:
    limits = dict.fromkeys(SOURCES, rules.SOURCE_FILE_LINES_MAX) | dict.fromkeys(TESTS, rules.TEST_FILE_LINES_MAX)
    lines = {name: len(tree.text(name).splitlines()) for name in limits}
    assert not {name: count for name, count in lines.items() if count > limits[name]}


def test_the_reading_side_of_sealing_knows_neither_hardware_nor_writer() -> None:
    reading = [name for name in tree.python("sealing") if tree.module_name(name) not in rules.SEALING_WRITING_SIDE]
    refused = tuple(f"{module}." for module in ("hal", *rules.SEALING_WRITING_SIDE))
    assert not [
        f"{name}:{line}: imports {module}"
        for name in reading
        for line, module in checks.imported(tree.parsed(name))
        if f"{module}.".startswith(refused)
    ]


LONG = "def f() -> None:\n" + "    x = 1\n" * rules.FUNCTION_LINES_MAX


@pytest.mark.parametrize(
    ("check", "offence"),
    [
        (checks.impurity, "import socket"),
        (checks.impurity, "from threading import Thread"),
        (checks.impurity, "data = open('x').read()"),
        (checks.impurity, "import datetime\nstamp = datetime.datetime.now(datetime.UTC)"),
        (checks.clock_reading, "import time"),
        (checks.clock_reading, "from time import monotonic"),
        (checks.clock_reading, "from datetime import date\ntoday = date.today()"),
        (checks.thread_start, "import threading\nthreading.Thread(target=print).start()"),
        (checks.sleeping, "import time\ntime.sleep(1)"),
        (checks.sleeping, "from time import sleep"),
        (checks.mocking, "from unittest.mock import Mock"),
        (checks.mocking, "from unittest import mock"),
        (checks.mocking, "import unittest.mock"),
        (checks.simulation_branch, "if config.simulated:\n    pass"),
        (checks.simulation_branch, "rate = 1 if sim else 2"),
        (checks.long_function, LONG),
        (checks.undocumented, '"""M."""\nclass Public:\n    """P."""\n    def method(self) -> None: ...'),
        (checks.undocumented, "x = 1"),
        (checks.unannotated, "def f(x) -> None: ..."),
        (checks.unannotated, "def f(x: int): ..."),
        (checks.boolean_verdict, "def verify_seal(data: bytes) -> bool: ..."),
        (checks.swallowed_error, "try:\n    f()\nexcept:\n    raise"),
        (checks.swallowed_error, "try:\n    f()\nexcept Exception:\n    pass"),
        (checks.swallowed_error, "from contextlib import suppress\nwith suppress(Exception):\n    f()"),
    ],
)
def test_a_rule_finds_its_offence(check: checks.Check, offence: str) -> None:
    assert list(check(ast.parse(offence)))


@pytest.mark.parametrize(
    ("check", "fine"),
    [
        (checks.impurity, "import struct\nfrom dataclasses import dataclass"),
        (checks.clock_reading, "from datetime import UTC, datetime\nstamp = datetime.fromtimestamp(0, UTC)"),
        (checks.simulation_branch, "if grade is Grade.SIMULATED:\n    pass"),
        (checks.long_function, LONG.rpartition("    x")[0]),
        (checks.undocumented, '"""M."""\ndef _private() -> None: ...'),
        (checks.boolean_verdict, "def verify_seal(data: bytes) -> Report: ..."),
        (checks.swallowed_error, "try:\n    f()\nexcept FileNotFoundError:\n    pass"),
    ],
)
def test_a_rule_lets_good_code_be(check: checks.Check, fine: str) -> None:
    assert not list(check(ast.parse(fine)))
