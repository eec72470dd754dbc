"""Every state of the protocol's model: freed means promised, promised means whole, and there is always a way on."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support import protocol_model as model
from tests.support.protocol_model import PIECES, RULES, State, explore, reaching


def broken_promises(graph: dict[State, tuple[State, ...]]) -> list[State]:
    """States in which something stands that must never stand."""
    return [
        s
        for s in graph
        if (s.freed and not (s.row and s.object_whole))
        or (s.inbox and not s.row)
        or (s.row and not (s.object_ and s.object_whole))
        or s.rows_ever > 1
        or (s.parked and s.row)
        or (s.parked and s.freed)
    ]


def stuck(graph: dict[State, tuple[State, ...]]) -> set[State]:
    """States without a way to freeing or parking, though fate has struck for the last time."""
    return {s for s in graph if not s.faults_left} - reaching(graph, lambda s: s.freed or s.parked)


def test_every_state_keeps_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    """SY-13, SY-14, SY-19, SY-23, SY-24: deleted means promised, and promised means that the object is the file."""
    graph = explore()
    with capsys.disabled():
        sys.stdout.write(f"\n{len(graph)} states, {sum(map(len, graph.values()))} transitions\n")
    assert len(graph) > 1000
    assert not broken_promises(graph)
    assert not stuck(graph)
    assert any(s.freed for s in graph)
    assert any(s.parked for s in graph)


def test_the_search_finds_the_livelock_of_a_unit_that_sends_no_empty_patch() -> None:
    """SY-13: without it, all bytes here and no promise is a place without a way on."""

    def no_empty_patch(s: State) -> Iterator[State]:
        for after in model.unit_hears(s):
            if not (after.asks == "patch" and after.offset == PIECES):
                yield after

    assert stuck(explore(_instead_of(model.unit_hears, no_empty_patch)))


def test_the_search_finds_a_promise_before_the_rename() -> None:
    """SY-19."""

    def promise_first(s: State) -> Iterator[State]:
        if s.judged and not s.row:
            yield replace(s, row=True, rows_ever=s.rows_ever + 1)
        else:
            yield from model.store_promises(s)

    assert broken_promises(explore(_instead_of(model.store_promises, promise_first)))


def test_the_search_finds_a_promise_without_judging() -> None:
    """SY-14."""

    def take_all(s: State) -> Iterator[State]:
        for after in model.store_judges(replace(s, part=None if s.part is None else (True,) * len(s.part))):
            yield replace(after, part=s.part)

    assert broken_promises(explore(_instead_of(model.store_judges, take_all)))


def test_the_search_finds_a_store_that_forgets_its_objects() -> None:
    """SY-19: without the look at its start, an object whose row was not written yet is lost from sight."""

    def forget(s: State) -> Iterator[State]:
        if s.faults_left:
            yield replace(s, asks="", answer="", judged=False, faults_left=s.faults_left - 1)

    graph = explore(_instead_of(model.store_dies, forget))
    assert any(s.object_ and not s.row and not s.judged for s in graph)


def _instead_of(rule: model.Rule, other: model.Rule) -> tuple[model.Rule, ...]:
    return tuple(other if one is rule else one for one in RULES)
