"""The whole daemon with the shipped configuration while its parts fail one after the other, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest
from pydantic import JsonValue

from hal.drivers.common.clock_unit import UnitClock
from sealing.errors import NotSealedError
from sealing.records import Boot, Break, CheckVerdict, Fault, Fragment, Halt, Preflight, SessionEnd
from tests.scenario.recorder.unit import bodies
from tests.tiers.a_chroot import numbered_pictures
from tests.tiers.a_chroot.room import Room, Samples, speech
from tests.tiers.a_chroot.shipped_unit import RiggedAgent, ShippedUnit, run

pytestmark = pytest.mark.timeout(480)

Found = TypeVar("Found")

_OFFICERS = ("--officer", "甲某:A001", "--officer", "乙某:A002")
_EXPLANATION = "摄像头线缆松动，录制中断，现已重新插好，继续录制。"
_SPOOL_MIB = 512
_LEFT_BYTES = 80 << 20
"""More than the writer's reserve, less than a recording wants."""
_SEVEN_YEARS_SECONDS = 7 * 366 * 86_400
_CLOSING_SECONDS = 20.0
_LOOKS = 20


@dataclass
class Scene:
    """A unit on the bench, its room, and the officer's words."""

    unit: ShippedUnit
    room: Room
    words: Samples

    def fault_told(self, code: str, *, present: bool) -> None:
        """Wait until a fault is sealed as found, or as over."""

        def told() -> bool:
            faults = [fault for fault in so_far(self.unit, Fault) if fault.code == code]
            return bool(faults) and faults[-1].present is present

        self.unit.wait_until(told, f"fault {code}, present {present}")

    def footage_grows(self, during: Callable[[], None]) -> None:
        """Do something; the recording must go on meanwhile."""
        before = frames(self.unit)
        during()
        self.unit.wait_until(lambda: frames(self.unit) > before + 60, "more frames")
        assert self.unit.state() == "recording"

    def record(self, agent: RiggedAgent) -> None:
        agent.order("press", 0.12)
        self.unit.wait_for("recording")

    def resume(self) -> None:
        self.unit.wait_for("resuming")
        self.unit.explain(self.room, self.words)


def so_far(unit: ShippedUnit, kind: type[Found]) -> list[Found]:
    """What a running unit has sealed; a file that was made this moment and not begun is looked at again."""
    for _ in range(_LOOKS):
        try:
            return bodies(unit.spool, kind)
        except NotSealedError:
            unit.pass_time(0.05)
    return bodies(unit.spool, kind)


def frames(unit: ShippedUnit) -> int:
    return sum(fragment.frame_count for fragment in so_far(unit, Fragment))


@pytest.fixture(name="scene", scope="module")
def scene_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A provisioned unit with its evidence on a medium of its own."""
    directory, clock = tmp_path_factory.mktemp("faults"), UnitClock()
    unit = ShippedUnit(directory, numbered_pictures.draw(directory), clock)
    room = Room(directory / "sound", clock)
    try:
        unit.install()
        unit.put_spool_on(directory / "medium.img", _SPOOL_MIB)
        room.start()
        yield Scene(unit, room, speech(_EXPLANATION, directory))
    finally:
        room.stop()
        unit.remove()


def verify(unit: ShippedUnit) -> None:
    run("recorder", "verify", str(unit.spool), "--trust", str(unit.agency / "trust"), "--require", "evidence")


@pytest.mark.requirement("R18", "all")
def test_parts_that_fail_while_it_records_are_told_and_the_end_is_in_order(scene: Scene) -> None:
    """DR-9, DR-20, DR-21, DR-22, DR-26: gauge, sound card, cable, a `stop` that hangs; SIGTERM seals and says so."""
    unit, room = scene.unit, scene.room
    with unit.running(room.environment) as agent:
        assert unit.source() in {"rtc", "network"}
        run("recorder", "checkout", *_OFFICERS)
        scene.record(agent)

        scene.footage_grows(lambda: unit.set_gauge(fitted=False))
        unit.wait_until(lambda: unit.status().get("battery", "unasked") is None, "a unit that knows no charge")
        unit.set_gauge(fitted=True)
        unit.wait_until(lambda: unit.status().get("battery") is not None, "a known charge")

        scene.footage_grows(room.unplug)
        scene.fault_told("microphone-fault", present=True)
        room.plug()
        scene.fault_told("microphone-fault", present=False)

        agent.order("unplug")
        unit.wait_for("interrupted")
        agent.order("plug")
        scene.resume()

        agent.order("hang")
        unit.wait_for("interrupted")
        unit.pass_time(5.0)
        assert unit.state() == "interrupted"
        assert unit.status()["unhealthy"] == []
        agent.order("let_go")
        scene.resume()

        before_ns = unit.clock.boottime_ns()
        exit_code, _, left = agent.terminate()
        assert unit.clock.boottime_ns() - before_ns < _CLOSING_SECONDS * 1e9
    assert (exit_code, left) == (0, ["MainThread"])
    verify(unit)
    assert [broken.cause for broken in bodies(unit.spool, Break)] == ["camera-fault", "camera-fault"]
    (end,) = bodies(unit.spool, SessionEnd)
    assert (end.reason, end.unexplained_breaks) == ("stop", 0)
    assert len(bodies(unit.spool, Halt)) == 1


def test_a_full_medium_and_one_that_turns_read_only(scene: Scene) -> None:
    """DR-8, DR-15: and an RTC of 2019; the recording ends in order, resumes, and what was confirmed stays whole."""
    unit, room = scene.unit, scene.room
    unit.rtc_late_seconds = _SEVEN_YEARS_SECONDS
    ballast = unit.spool / ".ballast"
    with unit.running(room.environment) as agent:
        run("recorder", "checkout", *_OFFICERS)
        scene.record(agent)
        run("fallocate", "-l", str(free_bytes(unit) - _LEFT_BYTES), str(ballast))
        unit.wait_for("interrupted")
        ballast.unlink()
        agent.order("press", 0.12)
        scene.resume()
        if unit.can_break_medium:
            unit.break_medium()
            unit.wait_until(lambda: "Read-only" in str(sealing(unit)["fault"]), "a word of the medium")
        source = unit.source()
        agent.terminate()
    verify(unit)
    assert bodies(unit.spool, Break)[-1].cause == "storage-full"
    verdicts = {check.verdict for check in bodies(unit.spool, Preflight)[-1].checks if check.check == "clock"}
    # A machine whose own clock is disciplined needs no RTC.
    assert source == "network" or (source == "unset" and verdicts - {CheckVerdict.PASS})
    assert len(bodies(unit.spool, Boot)) == 2


def sealing(unit: ShippedUnit) -> dict[str, JsonValue]:
    found = unit.status()["sealing"]
    assert isinstance(found, dict)
    return found


def free_bytes(unit: ShippedUnit) -> int:
    spool = unit.status()["spool"]
    assert isinstance(spool, dict)
    return int(str(spool["free_bytes"]))
