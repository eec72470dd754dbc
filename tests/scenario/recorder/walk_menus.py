"""What an officer heard of the menus in a walk, held against the profile's lists: every entry, in their order (R8, R7).

The words are taken from the world's journal, the lists from the profile: the recorder is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sealing.framing import RecordHeader
from sealing.records import Boot, Break, BreakOrigin
from tests.scenario.recorder.walk_truth import Perceived
from tests.support.session_rules import Rules

STOP = "。"
NOT_STATED = "未说明的原因"
CAUSES, GROUNDS, CATEGORIES = "请选择中断原因。", "请选择不录制的情形。", "请选择标记类别。"
UNCLASSIFIED = "unclassified"


@dataclass(frozen=True)
class Heard:
    """One entry of a menu that was begun to be said."""

    boot: str
    at_ns: int
    opening: str
    """How the menu began, which tells what it offers."""
    place: int
    """Of the entry in its list, from 0."""
    steps: int
    """Entries that were heard in this menu before."""


def lists_of(rules: Rules) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Opening of a menu → code and words of what it has to offer, in order."""
    stopping = [ground for ground in rules.grounds if ground.stops]
    announced = [cause for cause in rules.profile.interruptions.causes if cause.announced]
    return {
        CAUSES: [
            *((each.code, each.zh) for each in announced),
            *((each.code, each.zh) for each in stopping),
            (UNCLASSIFIED, NOT_STATED),
        ],
        GROUNDS: [(each.code, each.zh) for each in rules.grounds],
        CATEGORIES: [(each.code, each.zh) for each in rules.profile.marks.categories],
    }


def heard_of(perceived: Perceived, rules: Rules) -> Iterator[Heard]:
    """What was heard of the menus, in its order."""
    lists, opening, steps = lists_of(rules), "", 0
    for entry in perceived.words:
        words = str(entry["words"])
        if entry["speaker"] != "unit":
            continue
        begun = next((each for each in lists if words.startswith(each)), None)
        if begun is None and opening and words.strip(STOP) not in [zh for _, zh in lists[opening]]:
            opening = ""
        if begun is not None:
            opening, steps = begun, 0
        if opening:
            said = words[len(opening) :] if begun is not None else words
            places = [place for place, (_, zh) in enumerate(lists[opening]) if _ends_with(said, zh)]
            assert places, f"the menu «{opening}» offers «{words}», which the profile has not"
            boot, at_ns = perceived.boot_at(entry["world_ns"]), entry["started_boottime_ns"]
            yield Heard(boot, at_ns, opening, places[0], steps)
            steps += 1


def judge_menus(records: Sequence[RecordHeader], perceived: Perceived, rules: Rules) -> int:
    """Raise AssertionError where an entry was offered out of turn, or another cause sealed than was heard last.

    Returns:
        How many entries were heard.
    """
    heard, lists = list(heard_of(perceived, rules)), lists_of(rules)
    for each in heard:
        in_turn = each.place == each.steps % len(lists[each.opening])
        assert in_turn or perceived.may_be_mute(each.boot, each.at_ns), (
            f"entry {each.place + 1} of «{each.opening}» was offered at place {each.steps + 1}"
        )
    boot = ""
    for record in records:
        match record.body:
            case Boot() as body:
                boot = body.kernel_boot_id
            case Break(origin=BreakOrigin.ANNOUNCED) as body if not perceived.may_be_mute(boot, record.boottime_ns):
                offered = [each for each in heard if (each.boot, each.opening) == (boot, CAUSES)]
                last = [each for each in offered if each.at_ns <= record.boottime_ns][-1]
                code = lists[CAUSES][last.place][0]
                assert code == body.cause, f"{code} was heard and {body.cause} sealed"
            case _:
                pass
    return len(heard)


def _ends_with(said: str, words: str) -> bool:
    return said.strip(STOP) == words or said.strip(STOP).endswith(STOP + words)
