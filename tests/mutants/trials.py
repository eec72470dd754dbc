"""Runs tests against mutants: the tests are imported once, and each mutant lives and dies in a forked child.

Nothing of a mutant can outlive its child, and no run of the tests starts anew for it.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).resolve().parents[2]
_CPU_SECONDS = 8
"""A mutant that comes to no end is ended; a room's tests take less than so much of a processor."""
_SECONDS = 120
_MEMORY_BYTES = 4 << 30
_SURVIVED, _KILLED = 0, 1

Answer = TypeVar("Answer")


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    STUCK = "stuck"
    """Its tests came to no end, or to a violent one: that is noticed, too."""
    SURVIVED = "survived"
    UNTESTED = "untested"
    """No test calls that place."""


class _InsteadOfRunning(Generic[Answer]):
    """Takes what pytest collected, and runs nothing."""

    def __init__(self, work: Callable[[Sequence[pytest.Item]], Answer]) -> None:
        self._work = work
        self.answers: list[Answer] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hand the tests over; True tells pytest that they are dealt with."""
        if not session.testsfailed:
            self.answers.append(self._work(session.items))
        return True


def with_collected(paths: Iterable[str], work: Callable[[Sequence[pytest.Item]], Answer]) -> Answer:
    """Collect the tests of some files as pytest does, and give them to `work`.

    Args:
        paths: Files or folders, from the root of the project.
        work: Called once, inside pytest's session.

    Raises:
        RuntimeError: The tests cannot be collected.
    """
    plugin = _InsteadOfRunning(work)
    arguments = ["-q", "-p", "no:cacheprovider", "-o", "timeout=0", f"--rootdir={ROOT}"]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        pytest.main([*arguments, *(str(ROOT / path) for path in paths)], plugins=[plugin])
    if not plugin.answers:
        raise RuntimeError(f"tests of {', '.join(paths)} cannot be collected; run pytest on them to see why")
    return plugin.answers[0]


def fate_of(apply: Callable[[], None], items: Sequence[pytest.Item]) -> Fate:
    """Apply a mutant in a child and run tests there, up to the first that fails."""

    def passes() -> bool:
        apply()
        return first_failure(items) is None

    return in_a_child(passes) if items else Fate.UNTESTED


def in_a_child(passes: Callable[[], bool], cpu_seconds: int = _CPU_SECONDS) -> Fate:
    """What a forked child says of `passes`: SURVIVED where it is true, KILLED where it is not or raises."""
    gc.freeze()  # or the child's first collection would copy every page
    child = os.fork()
    if child == 0:
        _be_the_child(passes, cpu_seconds)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Fate.STUCK
    return Fate.SURVIVED if os.WEXITSTATUS(status) == _SURVIVED else Fate.KILLED


def first_failure(items: Sequence[pytest.Item]) -> str | None:
    """Run tests in this process; the id of the first that fails, None where all pass."""
    for number, item in enumerate(items):
        following = items[number + 1] if number + 1 < len(items) else None
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
            return item.nodeid
    return None


def _be_the_child(passes: Callable[[], bool], cpu_seconds: int) -> None:
    status = _KILLED
    try:
        _bound(cpu_seconds)
        status = _SURVIVED if passes() else _KILLED
    finally:
        os._exit(status)


def _bound(cpu_seconds: int) -> None:
    """Hold the child to its time and memory, and let it say nothing."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_SECONDS)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
