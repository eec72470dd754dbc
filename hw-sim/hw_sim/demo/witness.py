"""Follows a world's journal while a unit lives in it, and tells what a bystander perceives.

Rules of this module: reads what the world writes, line by line as it comes; the world does not know of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hw_sim.demo.happenings import told
from hw_sim.demo.telling import Both, Telling
from hw_sim.files import Entry
from hw_sim.memory import remembered

_NS = 1_000_000_000
_BEIJING = timezone(timedelta(hours=8))
_BUTTONS = {"record": Both("录制键", "record"), "mark": Both("标记键", "mark")}
_HOLD_SECONDS = 1.0
_TONE = "tone "
"""Begins the label of a sound without words."""


@dataclass(frozen=True, slots=True)
class Line:
    """One happening as it is shown."""

    sign: str
    style: str
    what: str


class Witness:
    """Reads a journal from its beginning, further at every look.

    Args:
        world: The world's directory.
        telling: Where happenings are shown.
    """

    def __init__(self, world: Path, telling: Telling) -> None:
        self._journal = world / "journal.jsonl"
        self._memory_page = world / "memory.page"
        self._telling = telling
        self._read_bytes = 0
        self._utc_ns: int | None = None
        """True civil time at world time 0."""
        self.spoken: list[str] = []
        """What the unit has said so far."""
        self.scenario: tuple[str, str] | None = None
        """How the scenario ended, and the detail."""

    def look(self) -> None:
        """Tell what has happened since the last look."""
        for entry in self._fresh():
            self._learn(entry)
            line = shown(entry, self._telling.words)
            if line is not None:
                self._telling.happening(self._time(entry), line.sign, line.style, line.what)

    def progress(self) -> tuple[int, float]:
        """How many steps of the scenario are done, and the world's time in seconds."""
        steps = remembered(self._memory_page, "scenario")
        time = remembered(self._memory_page, "time")
        return (0 if steps is None else steps[1]), (0.0 if time is None else time[0] / _NS)

    def _fresh(self) -> Iterator[Entry]:
        if not self._journal.exists():
            return
        with self._journal.open("rb") as file:
            file.seek(self._read_bytes)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read_bytes += len(line)
                yield json.loads(line)

    def _learn(self, entry: Entry) -> None:
        if entry["kind"] == "power" and entry["on"]:
            self._utc_ns = int(entry["utc_ns"] or 0) - int(entry["world_ns"] or 0)
        elif entry["kind"] == "spoken" and entry["speaker"] == "unit":
            self.spoken.append(str(entry["words"]))
        elif entry["kind"] == "scenario":
            self.scenario = (str(entry["state"]), str(entry.get("detail") or ""))

    def _time(self, entry: Entry) -> str:
        utc_ns = (self._utc_ns or 0) + int(entry["world_ns"] or 0)
        return f"{datetime.fromtimestamp(utc_ns // _NS, UTC).astimezone(_BEIJING):%H:%M:%S}"


def shown(entry: Entry, words: Callable[[Both], str]) -> Line | None:
    """How a happening is shown; None for those that are not."""
    match entry["kind"]:
        case "spoken" if entry["complete"] and not str(entry["words"]).startswith(_TONE):
            return _spoken(entry, words)
        case "press":
            return Line("▶", "green", _pressed(entry, words))
        case "fault":
            return _fault(entry, words)
        case "power":
            return _power(entry, words)
        case "dock":
            both = Both("放入底座", "docked") if entry["docked"] else Both("取出底座", "undocked")
            return Line("▣", "blue", words(both))
        case "battery" | "clock":
            return _changed(entry, words)
        case "note":
            return Line("·", "dim", str(entry["words"]))
        case _:
            return None


def _spoken(entry: Entry, words: Callable[[Both], str]) -> Line:
    if entry["speaker"] == "unit":
        return Line("◆", "cyan", f"{words(Both('设备', 'unit'))}: {entry['words']}")
    return Line("○", "white", f"{entry['speaker']}: {entry['words']}")


def _fault(entry: Entry, words: Callable[[Both], str]) -> Line:
    both, over = told(entry)
    return Line("✓", "green", words(both)) if over else Line("✗", "red", words(both))


def _changed(entry: Entry, words: Callable[[Both], str]) -> Line:
    if entry["kind"] == "clock":
        return Line("·", "dim", words(Both(f"时间来源：{entry['source']}", f"clock from {entry['source']}")))
    percent = f"{float(entry['percent'] or 0):g}"
    return Line("●", "green", words(Both(f"换上电量 {percent}% 的电池", f"another pack, {percent} %")))


def _pressed(entry: Entry, words: Callable[[Both], str]) -> str:
    button = _BUTTONS[str(entry["button"])]
    held = float(entry["held_seconds"] or 0)
    if held < _HOLD_SECONDS:
        return words(Both(f"按{button.zh}", f"press {button.en}"))
    return words(Both(f"长按{button.zh}", f"hold {button.en}"))


def _power(entry: Entry, words: Callable[[Both], str]) -> Line:
    if not entry["on"]:
        return Line("✗", "red", words(Both("断电", "the power is cut")))
    if entry["new_boot"]:
        return Line("●", "green", words(Both("上电启动", "power is on, the unit starts")))
    return Line("●", "green", words(Both("程序重新启动", "the agent starts again")))
