"""A unit's day as its officers live it: hands, voices and the dock; the world's clock goes as fast as the machine.

Nothing here reads a profile: what a text asks for is found in what the unit says, shows and seals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import JsonValue

from agent.control_wire import CheckinRequest, CheckoutRequest, OfficerEntry, Request, StatusRequest
from agent.errors import AgentError
from capture.errors import CaptureError
from hal.values import ButtonName
from sync.unit.config import PROGRESS_NAME
from sync.unit.progress_file import Progress
from tests.scenario.agencies.office import DAY, Office
from tests.support.agent_in_world import Scene, running_in_world

OFFICERS = (
    OfficerEntry(name="张某", certificate_number="ZF-0001"),
    OfficerEntry(name="李某", certificate_number="ZF-0002"),
)
"""Placeholders for two officers who are on record with name and certificate number."""
BECAUSE = "刚才设备的线松了，现在已经重新插好，我们继续进行检查。"
"""What an officer says when asked for a reason."""
_STEP_SECONDS = 0.1
_ENTRIES_MAX = 20


@dataclass
class Day:
    """A day that goes on. Times are the world's, in seconds."""

    office: Office
    scene: Scene
    menus: dict[str, list[str]] = field(default_factory=dict)
    """What each menu offered, in its order, as it was heard."""
    due: list[dict[str, JsonValue]] = field(default_factory=list)
    """What `recorder status` showed as owed at each docking."""
    remarks: list[str] = field(default_factory=list)
    """What the command of each check-out remarked."""
    answers: list[str] = field(default_factory=list)
    """What it answered to things that the text does not have."""
    hints: list[tuple[JsonValue, JsonValue]] = field(default_factory=list)
    """What it told of wearing the unit and of what is to be recorded."""

    def wait(self, seconds: float) -> None:
        self.scene.wait(seconds)

    @property
    def state(self) -> str:
        return self.scene.agent.summary().partition(",")[0]

    def heard(self, start: int = 0) -> list[str]:
        """What the unit has said to its end, since a place of the world's journal."""
        happenings = self.scene.world.journal.since(start)
        return [str(each["words"]) for each in happenings if each["kind"] == "spoken" and each["speaker"] == "unit"]

    def until(self, state: str, within_seconds: float = 90.0) -> None:
        """Let time pass until the unit is in a state."""
        self._until(lambda: self.state == state, f"state {state}", within_seconds)

    def hear(self, words: str, within_seconds: float = 60.0) -> str:
        """Let time pass until the unit has said something; gives the whole sentence."""
        start = len(self.scene.world.journal)
        self._until(lambda: any(words in said for said in self.heard(start)), f"«{words}»", within_seconds)
        return next(said for said in self.heard(start) if words in said)

    def _until(self, condition: Callable[[], bool], what: str, within_seconds: float) -> None:
        waited = 0.0
        while not condition():
            assert waited < within_seconds, f"{what} not within {within_seconds} s; now {self.state}: {self.heard()}"
            self.wait(_STEP_SECONDS)
            waited += _STEP_SECONDS

    def press(self, button: str = "record", held_seconds: float = 0.12) -> None:
        self.scene.world.press(ButtonName(button), held_seconds)
        self.wait(held_seconds + 0.2)

    def hold(self, button: str = "record") -> None:
        self.press(button, 2.3)

    def press_and_hold(self, button: str) -> None:
        """A press, and the next one held: the menu of a mark's category, or of the grounds of an exemption."""
        self.scene.world.press(ButtonName(button), 0.1)
        self.wait(0.25)
        self.hold(button)

    def say(self, words: str = BECAUSE) -> None:
        """Let an officer speak, to the end."""
        self.wait(self.scene.world.say("张某", words))

    # -- what officers do --------------------------------------------------------------------------------------------

    def check_out(self, *officers: OfficerEntry, **given: str | dict[str, str]) -> None:
        """Take the unit from its keeper; its words are played back to their end."""
        told = self.scene.agent.answer(CheckoutRequest.model_validate({"officers": officers or OFFICERS, **given}))
        found = told["remarks"]
        assert isinstance(found, list)
        self.remarks.append(" ".join(str(one["zh"]) for one in found if isinstance(one, dict)))
        self.hints.append((told["wearing"], told["content"]))
        self.hear("已领用")
        self.wait(2)

    def refused(self, request: Request) -> str:
        """Ask what the unit refuses; gives its answer."""
        with pytest.raises((AgentError, CaptureError)) as refused:
            self.scene.agent.answer(request)
        return str(refused.value)

    def check_in(self) -> None:
        """Give it back."""
        self.scene.agent.answer(CheckinRequest())
        self.hear("已归还")

    def choose(self, menu: str, wanted: str, *, hear_all: bool = False) -> None:
        """Step through a menu to an entry and take it; with `hear_all`, once it was heard all around to its end."""
        offered = [self.hear("按录制键确认。").rpartition("按录制键确认。")[2]]
        while hear_all or offered[-1] != f"{wanted}。":
            entry = self._step()
            if entry == offered[0]:
                break
            offered.append(entry)
            assert len(offered) < _ENTRIES_MAX, f"{wanted!r} is not offered, or the menu has no end: {offered}"
        self.menus[menu] = [each.removesuffix("。") for each in offered]
        if hear_all:
            for _ in range(self.menus[menu].index(wanted)):
                self.press("mark")
                self.wait(0.3)
        self.press("record")

    def _step(self) -> str:
        start = len(self.scene.world.journal)
        self.press("mark")
        self._until(lambda: any(said.endswith("。") for said in self.heard(start)), "a menu's next entry", 20)
        return next(said for said in self.heard(start) if said.endswith("。"))

    def begin(self) -> None:
        """Press record, and wait until everything that the text asks for at the beginning was said."""
        self.press("record")
        self.until("recording")
        self.wait(3)

    def finish(self) -> None:
        """Hold record."""
        self.hold("record")
        self.until("idle")
        self.wait(1)

    def break_off(self, cause: str) -> None:
        """Announce a break for the cause of that wording, once the whole list was heard."""
        self.hold("mark")
        self.choose("break", cause, hear_all=True)
        self.until("interrupted", 5)
        self.hear("录制中断")
        self.wait(10)

    def resume(self) -> None:
        """Go on after an announced break."""
        self.press("record")
        self.until("resuming", 5)

    def repair_camera(self) -> None:
        """Its cable is put back: the unit goes on by itself."""
        self.scene.world.plug_camera(plugged=True)
        self.until("resuming", 10)

    def explain(self, words: str = BECAUSE) -> None:
        """Answer when the unit asks why it broke off."""
        self.hear("请说明中断原因")
        self.say(words)
        self.until("recording")

    def lose_camera(self) -> None:
        """Its cable comes off."""
        self.scene.world.plug_camera(plugged=False)
        self.until("interrupted", 5)
        self.wait(3)

    def dock(self) -> None:
        """Put the unit into its dock; what it owes by then is kept."""
        self.scene.world.move(docked=True)
        self.hear("开始上传")
        self.wait(8)
        owed = self.scene.agent.answer(StatusRequest())["due"]
        assert isinstance(owed, dict)
        self.due.append(owed)

    def upload(self) -> None:
        """The store takes in what lies in the dock, and its receipts come back."""
        now_utc_ns = self.scene.world.civil_utc_ns(self.scene.world.clock.boottime_ns())
        self.office.take_in(now_utc_ns)
        self._until(lambda: not any(self.office.unit.paths.inbox.glob("*.receipt")), "receipts", 60)
        ended = max(int(path.stem) for path in self.office.unit.paths.receipts.glob("*.receipt"))
        progress = Progress(event="done", receipted_to=ended).model_dump_json()
        (self.office.unit.paths.run / PROGRESS_NAME).write_text(progress, encoding="utf-8")
        self.hear("全部上传完成")

    def undock(self) -> None:
        self.scene.world.move(docked=False)
        self.wait(2)


@contextmanager
def day_of(office: Office, voice: Path) -> Iterator[Day]:
    """A unit that is switched on at nine in the morning, an hour by its network's clock."""
    with running_in_world(office.unit, voice, start_utc=DAY.isoformat(), frames_per_second=5.0) as scene:
        day = Day(office, scene)
        day.wait(5)
        yield day
