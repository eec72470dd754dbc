"""The judges of the random walks find what is missing, doubled or out of turn: a judge who never objects is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sealing.opener import OpenedSession
from tests.scenario.recorder.unit import Place, Unit, copy_of, headers, opened, sample_profile
from tests.scenario.recorder.walk_content import judge_content
from tests.scenario.recorder.walk_menus import judge_menus
from tests.scenario.recorder.walk_truth import Perceived
from tests.support.session_rules import Rules

Entry = dict[str, Any]
RULES = Rules("sample", sample_profile(), ())


@pytest.fixture(scope="module", name="recorded")
def recorded_fixture(
    rendered: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Place, tuple[OpenedSession, ...]]:
    """A recording with lost sound and pictures, whose menu is stepped through until its second cause breaks it off."""
    directory = tmp_path_factory.mktemp("judged")
    (directory / "unit").mkdir()
    place = Place(directory / "unit", copy_of(rendered, directory), sample_profile(), {})
    with Unit(place) as unit:
        unit.press()
        unit.wait_for("recording")
        unit.world.lose_samples(7_000)
        unit.world.drop_frames(3)
        unit.wait(3)
        unit.hold("mark")
        unit.wait_for_words("设备故障")
        unit.press("mark")
        unit.wait_for_words("天气情况恶劣")
        unit.press("record")
        unit.wait_for("interrupted")
        unit.wait(2)
    return place, opened(place.spool, directory / "opened")


def judged(
    recorded: tuple[Place, tuple[OpenedSession, ...]], directory: Path, doctored: Callable[[list[Entry]], None]
) -> None:
    """Judge the recording by a truth that was changed."""
    place, sessions = recorded
    world = Path(shutil.copytree(place.directory / "world", directory / "world"))
    entries = [json.loads(line) for line in (world / "truth.jsonl").read_text("utf-8").splitlines()]
    doctored(entries)
    (world / "truth.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    judge_content(list(headers(place.spool)), sessions, world)


def of_kind(entries: list[Entry], kind: str) -> list[Entry]:
    return [entry for entry in entries if entry["kind"] == kind]


def another_picture(entries: list[Entry]) -> None:
    """A picture was captured between two others and is in no film."""
    first, second = of_kind(entries, "camera_frame")[40:42]
    between = (first["captured_boottime_ns"] + second["captured_boottime_ns"]) // 2
    entries.insert(entries.index(second), {**first, "captured_boottime_ns": between})


def picture_behind(entries: list[Entry]) -> None:
    """Two pictures were captured behind the last that is in the film."""
    last = of_kind(entries, "camera_frame")[-1]
    for count in (1, 2):
        at_ns = last["captured_boottime_ns"] + count * 66_000_000
        entries.insert(entries.index(last) + count, {**last, "captured_boottime_ns": at_ns})


def other_content(entries: list[Entry]) -> None:
    """The film shows another picture at its place."""
    of_kind(entries, "camera_frame")[50]["picture_number"] += 1


def block_more(entries: list[Entry]) -> None:
    """A block that the records count as lost was given all the same."""
    blocks = of_kind(entries, "microphone_samples")
    behind = next(block for block in blocks if block["lost"])
    ns = 960 * 1_000_000_000 // 48_000
    given = {"first_sample": behind["first_sample"] - 960, "captured_boottime_ns": behind["captured_boottime_ns"] - ns}
    entries.insert(entries.index(behind), {**behind, **given})


def block_less(entries: list[Entry]) -> None:
    """A block that the film counts in was never given."""
    entries.remove(of_kind(entries, "microphone_samples")[100])


def blocks_later(entries: list[Entry]) -> None:
    """What the card gave stands a block later in the film."""
    blocks = of_kind(entries, "microphone_samples")
    powers = [block["mean_square"] for block in blocks]
    for block, power in zip(blocks, powers[1:], strict=False):
        block["mean_square"] = power


def other_sound(entries: list[Entry]) -> None:
    """Of what the card gave before it lost something, the film holds the second half in both places."""
    blocks = of_kind(entries, "microphone_samples")
    whole = next(place for place, block in enumerate(blocks) if block["lost"])
    for block, first in zip(blocks[whole // 2 : whole], blocks, strict=False):
        block["mean_square"] = first["mean_square"]


@pytest.mark.requirement("R6", "all")
def test_a_film_that_holds_what_was_captured_is_passed(
    recorded: tuple[Place, tuple[OpenedSession, ...]], tmp_path: Path
) -> None:
    judged(recorded, tmp_path, lambda _entries: None)


@pytest.mark.parametrize(
    "doctored", [another_picture, picture_behind, other_content, block_more, block_less, blocks_later, other_sound]
)
def test_a_film_that_holds_something_else_is_not(
    recorded: tuple[Place, tuple[OpenedSession, ...]], tmp_path: Path, doctored: Callable[[list[Entry]], None]
) -> None:
    with pytest.raises(AssertionError, match=r"captured|shows|missing|sound"):
        judged(recorded, tmp_path, doctored)


@pytest.mark.requirement("R8", "all")
def test_a_menu_in_the_profiles_order_is_passed_and_in_another_not(
    recorded: tuple[Place, tuple[OpenedSession, ...]],
) -> None:
    place, _ = recorded
    records, perceived = list(headers(place.spool)), Perceived.of(place.directory / "world")
    assert judge_menus(records, perceived, RULES) == 2
    section = RULES.profile.interruptions
    turned = section.model_copy(update={"causes": section.causes[::-1]})
    other = replace(RULES, profile=RULES.profile.model_copy(update={"interruptions": turned}))
    with pytest.raises(AssertionError, match="at place 1"):
        judge_menus(records, perceived, other)
    fewer = section.model_copy(update={"causes": section.causes[:1]})
    lacking = replace(RULES, profile=RULES.profile.model_copy(update={"interruptions": fewer}))
    with pytest.raises((AssertionError, IndexError)):
        judge_menus(records, perceived, lacking)
