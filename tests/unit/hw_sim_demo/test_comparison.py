"""The demo fails when what was sealed is not what really happened."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hw_sim.demo.comparison import Compared, Opened, compare, to_plain
from hw_sim.demo.documents import Document
from hw_sim.demo.rules import Rules
from hw_sim.demo.truth import Shot, shots

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
RULES = Rules("any", "某机关", notice=True, notice_by_officer=False, statement=None, explanation=True, causes=())
Change = Callable[[dict[str, Any]], None]


def shot(begin: float, end: float, *, cut_short: bool = False) -> Shot:
    times = range(START + round(begin * SECOND), START + round(end * SECOND), SECOND // 10)
    return Shot(tuple(times), cut_short)


FIRST, SECOND_SHOT = shot(1, 11), shot(15, 20)


def report() -> dict[str, Any]:
    broken = {
        "number": 1,
        "cause": "camera-fault",
        "origin": "announced",
        "began_utc_ns": FIRST.last_utc_ns,
        "ended_utc_ns": SECOND_SHOT.first_utc_ns,
        "explained": True,
    }
    session = {
        "number": 1,
        "started_utc_ns": START,
        "ended_utc_ns": START + 21 * SECOND,
        "frames": 150,
        "notice": "heard",
        "statement": "none",
        "breaks": [broken],
        "spans": [{"kind": "break-reason", "good": True}],
    }
    return {"sessions": [session]}


OPENED = (Opened(1, 1, 100, rising=True), Opened(1, 2, 50, rising=True), Opened(1, None, 150, rising=True))


def failing(found: tuple[Compared, ...]) -> list[str]:
    return [each.what.en for each in found if not each.holds]


def test_what_is_as_it_was_holds() -> None:
    found = compare(RULES, Document(report(), "report"), (FIRST, SECOND_SHOT), OPENED)
    assert failing(found) == []
    assert len(found) == 8
    assert all(each["holds"] for each in to_plain(found))


def _set(name: str, value: object) -> Change:
    def change(session: dict[str, Any]) -> None:
        session[name] = value

    return change


def _break(name: str, value: object) -> Change:
    def change(session: dict[str, Any]) -> None:
        session["breaks"][0][name] = value

    return change


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_set("frames", 149), "session 1: frames captured, opened"),
        (_set("frames", 151), "session 1: frames captured, opened"),
        (_set("notice", "not-heard"), "session 1: notice"),
        (_set("breaks", []), "session 1: breaks"),
        (_break("explained", value=False), "session 1: spoken reasons"),
        (_break("explained", None), "session 1: spoken reasons"),
        (_break("began_utc_ns", FIRST.last_utc_ns + 60_000_000), "session 1: break 1, camera-fault"),
        (_break("began_utc_ns", FIRST.last_utc_ns - 60_000_000), "session 1: break 1, camera-fault"),
        (_break("ended_utc_ns", None), "session 1: break 1, camera-fault"),
        (_set("spans", [{"kind": "break-reason", "good": False}]), "session 1: reasons at the announcement"),
    ],
)
def test_what_is_not_as_it_was_is_named(change: Change, complaint: str) -> None:
    document = copy.deepcopy(report())
    change(document["sessions"][0])
    found = compare(RULES, Document(document, "report"), (FIRST, SECOND_SHOT), OPENED)
    assert complaint in failing(found)


def test_a_film_that_lacks_a_frame_is_named() -> None:
    films = (OPENED[0], replace(OPENED[1], frames=49), OPENED[2])
    found = compare(RULES, Document(report(), "report"), (FIRST, SECOND_SHOT), films)
    assert failing(found) == ["session 1: frames captured, opened"]


def test_a_film_whose_times_do_not_rise_is_named() -> None:
    films = (OPENED[0], OPENED[1], replace(OPENED[2], rising=False))
    found = compare(RULES, Document(report(), "report"), (FIRST, SECOND_SHOT), films)
    assert failing(found) == ["session 1: time stamps rise"]


@pytest.mark.parametrize(("lost", "complaints"), [(29, 0), (31, 2)])
def test_a_loss_of_power_may_cost_three_seconds_and_no_more(lost: int, complaints: int) -> None:
    document = report()
    session = document["sessions"][0]
    session["frames"] -= lost
    session["breaks"][0]["began_utc_ns"] -= lost * SECOND // 10
    films = (replace(OPENED[0], frames=100 - lost), OPENED[1], replace(OPENED[2], frames=150 - lost))
    cut = replace(FIRST, cut_short=True)
    found = compare(RULES, Document(document, "report"), (cut, SECOND_SHOT), films)
    assert len(failing(found)) == complaints


def test_pictures_outside_of_all_sessions_are_found() -> None:
    found = compare(RULES, Document(report(), "report"), (FIRST, SECOND_SHOT, shot(40, 41)), OPENED)
    assert failing(found) == ["pictures outside all sessions"]


def test_the_truth_of_two_boots_lies_on_one_axis() -> None:
    simulation: dict[str, Any] = {
        "power": [
            {"on": True, "boot_id": "a", "utc_ns": START, "boottime_ns": 9 * SECOND},
            {"on": False},
            {"on": True, "boot_id": "b", "utc_ns": START + 90 * SECOND, "boottime_ns": 9 * SECOND},
        ],
        "frames": {
            "runs": [
                {"boot_id": "a", "captured_boottime_ns": [10 * SECOND, 11 * SECOND]},
                {"boot_id": "b", "captured_boottime_ns": [], "stopped": "unplugged"},
                {"boot_id": "b", "captured_boottime_ns": [12 * SECOND], "stopped": "stop"},
            ]
        },
    }
    found = shots(Document(simulation, "simulation.json"))
    assert found == (
        Shot((START + SECOND, START + 2 * SECOND), cut_short=True),
        Shot((START + 93 * SECOND,), cut_short=False),
    )
