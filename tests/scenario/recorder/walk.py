"""A random walk of a whole unit: hands, faults and cuts in any order; and what must be true whatever happened.

The walk acts on the simulated world alone; the judge reads the sealed files and what a bystander perceived, never the
recorder's own opinion of itself.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from capture.states import CAPTURING
from hal.values import ButtonName
from hw_sim.media.faults import Dead, Frozen
from hw_sim.simulation import simulation
from sealing.framing import RecordHeader
from sealing.records import Boot, Break, Fragment, Prompt, PromptKind, Resume, SessionEnd, SessionStart
from tests.scenario.recorder.unit import OFFICERS, Place, Unit, headers, verified

SECOND_NS = 1_000_000_000
MIB = 1 << 20
PTS_PER_SECOND = 90_000
GAP_SECONDS = 0.6
"""Between two fragments without a break: one frame, and what a card's late start may take."""
TOLD_SECONDS = 8.0
"""Longest from the last frame of a run that broke off to the sign that it did."""
END_SECONDS = 25.0
"""Longest from the last frame to the end of a recording that no break precedes: the closing words, a stalled medium."""
HOME_SECONDS = 150.0
RESTART_CAUSES = frozenset({"crash", "power-loss"})


@dataclass
class Synced:
    """What had reached the medium for good when somebody looked: file → length and digest."""

    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    def look(self, unit: Unit) -> None:
        """Note what can no longer be lost."""
        medium = unit.world.medium
        for path in sorted(unit.place.spool.glob("*.evs")):
            with medium.lock:
                open_file = medium.unsettled_files.get(path.name)
                size = path.stat().st_size if open_file is None else open_file.synced_bytes
            self.files[path.name] = (size, _digest(path, size))

    def check(self, spool: Path) -> None:
        """Find every synced byte where it was."""
        for name, (size, digest) in self.files.items():
            path = spool / name
            if size == 0:
                continue  # A file without a beginning holds no record; the next start sets it aside.
            assert path.exists(), f"{name} is gone"
            assert path.stat().st_size >= size, f"{name} was {size} bytes when it was synced"
            assert _digest(path, size) == digest, f"{name} is not what was synced"


def _digest(path: Path, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size)).hexdigest()


class UnitWalk(RuleBasedStateMachine):
    """One rule for each thing that hands, faults and cuts can do. A subclass sets `place`."""

    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.synced = Synced()
        self.steps = 0
        self.recording_wanted = True
        self.unit = Unit(self.place).__enter__()

    # -- what every rule does behind itself ---------------------------------------------------------------------------

    def go_on(self, seconds: float) -> None:
        """Let the world go on; where the power went meanwhile, the unit starts again.

        Officers who find the unit idle begin a recording, so that most of what happens happens to one.
        """
        self.steps += 1
        if self.unit.state == "idle" and self.recording_wanted:
            self.unit.world.press(ButtonName("record"), 0.12)
        self.unit.wait(seconds)
        if self.unit.world.medium.gone:
            self.start_again()
            return
        dead = [worker.name for worker in self.unit.recorder.workers if not worker.alive]
        assert not dead, f"threads ended by themselves: {', '.join(dead)}"
        self.synced.look(self.unit)

    def start_again(self) -> None:
        """The next process, behind whatever ended the one before."""
        if not self.unit.crashed:
            self.unit.crash()
        self.unit.__exit__(None, None, None)
        self.synced.check(self.place.spool)
        self.unit = Unit(self.place).__enter__()

    # -- hands --------------------------------------------------------------------------------------------------------

    @rule(button=st.sampled_from(["record", "record", "mark"]), seconds=st.floats(0.5, 5))
    def press(self, button: str, seconds: float) -> None:
        self.unit.world.press(ButtonName(button), 0.12)
        self.go_on(seconds)

    @rule(button=st.sampled_from(["record", "mark", "mark"]), seconds=st.floats(2.6, 6))
    def hold(self, button: str, seconds: float) -> None:
        self.unit.world.press(ButtonName(button), 2.3)
        self.go_on(seconds)

    @rule(seconds=st.floats(1, 12))
    def let_time_pass(self, seconds: float) -> None:
        self.go_on(seconds)

    @rule()
    def speak(self) -> None:
        self.go_on(self.unit.world.say("甲某", "刚才摄像头的线松了，现在已经重新插好，我们继续检查。"))

    @rule(odds=st.integers(0, 4))
    def change_hands(self, odds: int) -> None:
        # Not by a precondition: what is drawn next must not hang on what threads have done by now.
        if odds or self.unit.state != "idle" or self.unit.world.medium.read_only:
            return
        if self.unit.recorder.status().checkout_sequence is None:
            self.unit.recorder.checkout(OFFICERS)
        else:
            self.unit.recorder.checkin()
        self.go_on(0.5)

    @rule(docked=st.booleans())
    def dock(self, *, docked: bool) -> None:
        self.unit.world.move(docked=docked)
        self.go_on(1)

    # -- faults -------------------------------------------------------------------------------------------------------

    @rule(plugged=st.booleans(), seconds=st.floats(0.3, 4))
    def camera(self, seconds: float, *, plugged: bool) -> None:
        self.unit.world.plug_camera(plugged=plugged)
        self.go_on(seconds)

    @rule(how=st.sampled_from(Frozen), seconds=st.floats(0.5, 4))
    def camera_hangs(self, how: Frozen, seconds: float) -> None:
        self.unit.world.freeze_camera(how)
        self.go_on(seconds)

    @rule(count=st.integers(1, 20))
    def frames_are_dropped(self, count: int) -> None:
        self.unit.world.drop_frames(count)
        self.go_on(0.4)

    @rule(how=st.sampled_from(Dead), plugged=st.booleans(), seconds=st.floats(0.3, 4))
    def microphone(self, how: Dead, seconds: float, *, plugged: bool) -> None:
        self.unit.world.kill_microphone(how)
        self.unit.world.plug_microphone(plugged=plugged)
        self.go_on(seconds)

    @rule(count=st.integers(100, 60_000))
    def samples_are_lost(self, count: int) -> None:
        self.unit.world.lose_samples(count)
        self.go_on(0.4)

    @rule(plugged=st.booleans())
    def speaker(self, *, plugged: bool) -> None:
        self.unit.world.plug_speaker(plugged=plugged)
        self.go_on(0.5)

    @rule(stalled=st.floats(0.5, 12), seconds=st.floats(0.5, 6))
    def medium_stalls(self, stalled: float, seconds: float) -> None:
        self.unit.world.stall_storage(stalled)
        self.go_on(seconds)

    @rule(operation=st.sampled_from(["append", "sync", "create"]), error=st.sampled_from([errno.EIO, errno.ENOSPC]))
    def medium_fails_once(self, operation: str, error: int) -> None:
        self.unit.world.fail_storage(operation, error)
        self.go_on(2)

    @rule(protected=st.booleans(), seconds=st.floats(0.5, 6))
    def medium_is_protected(self, seconds: float, *, protected: bool) -> None:
        self.unit.world.write_protect_storage(protected=protected)
        self.go_on(seconds)

    @rule(free_mib=st.sampled_from([20, 70, 20_000, 20_000]), seconds=st.floats(0.5, 6))
    def medium_fills(self, free_mib: int, seconds: float) -> None:
        self.unit.world.fill_storage(free_mib * MIB)
        self.go_on(seconds)

    @rule(step=st.sampled_from([-90.0, -1.5, 3.0, 86_400.0]))
    def clock_steps(self, step: float) -> None:
        self.unit.world.step_clock(step)
        self.go_on(1.5)

    # -- cuts ---------------------------------------------------------------------------------------------------------

    @rule(off_seconds=st.sampled_from([5.0, 40.0, 400.0]))
    def power_is_cut(self, off_seconds: float) -> None:
        self.unit.cut_power(off_seconds)
        self.start_again()
        self.go_on(1)

    @rule(operation=st.sampled_from(["append", "sync", "create"]), off_seconds=st.sampled_from([5.0, 400.0]))
    def power_is_cut_in_the_middle_of_a_write(self, operation: str, off_seconds: float) -> None:
        self.unit.world.cut_power_during(operation, off_seconds)
        self.go_on(2)

    @rule()
    def the_process_ends(self) -> None:
        self.unit.crash()
        self.start_again()
        self.go_on(1)

    # -- the end ------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Mend everything, go home, read what was sealed."""
        try:
            self.mend()
            self.go_home()
        finally:
            self.unit.__exit__(None, None, None)
        self.synced.check(self.place.spool)
        assert verified(self.place.spool).intact
        judge(list(headers(self.place.spool)), self.place.directory / "world")

    def mend(self) -> None:
        """Take every fault away; from now on nobody begins a recording."""
        self.recording_wanted = False
        world = self.unit.world
        world.plug_camera(plugged=True)
        world.freeze_camera(Frozen.NO)
        world.plug_microphone(plugged=True)
        world.kill_microphone(Dead.NO)
        world.plug_speaker(plugged=True)
        world.write_protect_storage(protected=False)
        world.fill_storage(20_000 * MIB)
        self.go_on(3)

    def go_home(self) -> None:
        """The officer holds record until the unit is idle and owes the chain nothing; it comes there from anywhere."""
        waited = 0.0
        while not self.at_home():
            assert waited < HOME_SECONDS, f"still {self.unit.state} after {waited:.0f} s"
            if self.unit.state in CAPTURING or self.unit.state == "interrupted":
                self.unit.world.press(ButtonName("record"), 2.3)
            self.go_on(5)
            waited += 5

    def at_home(self) -> bool:
        """Idle, and still idle a while later: a cut or a failure that was waiting for the end has come and gone."""
        quiet = self.unit.state == "idle" and self.unit.recorder.status().chain_writable
        if quiet:
            unit = self.unit
            self.go_on(5)
            quiet = unit is self.unit and self.unit.state == "idle" and self.unit.recorder.status().chain_writable
        return quiet


def judge(records: Sequence[RecordHeader], world: Path) -> None:
    """What must be true of sealed files and of what a bystander perceived, whatever happened."""
    judge_sessions(records)
    judge_gaps(records)
    judge_told(records, _seen(world))
    judge_markers(records)


def judge_sessions(records: Iterable[RecordHeader]) -> None:
    """Every session ends; no footage stands outside of one or behind a break that nothing resumed."""
    session: SessionStart | None = None
    broken = False
    breaks = 0
    for record in records:
        match record.body:
            case SessionStart() as body:
                assert session is None, "a session begins inside another"
                session, broken, breaks = body, False, 0
            case Fragment():
                assert session is not None, "footage outside of a session"
                assert not broken, "footage behind a break without a RESUME"
            case Break():
                assert not broken, "a break inside a break"
                broken, breaks = True, breaks + 1
            case Resume():
                assert broken, "a resumption without a break"
                broken = False
            case SessionEnd() as body:
                assert session is not None, "an end without a beginning"
                assert body.session_id == session.session_id
                assert body.breaks == breaks, "the end counts other breaks than were sealed"
                session = None
            case _:
                pass
    assert session is None, "a session that nobody ended"


def judge_gaps(records: Sequence[RecordHeader]) -> None:
    """Never stops recording without a sealed cause: what stands apart in time has a BREAK or the officer's END."""
    said = (SessionStart, Fragment, Break, Resume, SessionEnd)
    kept = [record for record in records if isinstance(record.body, said)]
    for before, after in pairwise(kept):
        first, second = before.body, after.body
        if isinstance(first, Fragment) and isinstance(second, Fragment):
            dropped = second.dropped_frames * PTS_PER_SECOND / 15
            apart = second.first_video_pts - first.last_video_pts
            assert apart <= GAP_SECONDS * PTS_PER_SECOND + dropped, f"{apart / PTS_PER_SECOND:.2f} s without a word"
        if isinstance(first, Fragment) and isinstance(second, SessionEnd) and after.boot_number == before.boot_number:
            apart_ns = second.media_time_ns - first.last_video_pts * 100_000 // 9
            assert apart_ns < END_SECONDS * SECOND_NS, f"ended {apart_ns / SECOND_NS:.1f} s behind its last frame"


def judge_told(records: Iterable[RecordHeader], signs: Sequence[tuple[str, int]]) -> None:
    """Never silent about a break: the unit's lamp leaves «recording» at once, while it has power.

    Args:
        records: The chain.
        signs: When the lamp showed that nothing is kept: id of the boot and CLOCK_BOOTTIME.
    """
    boot = ""
    for record in records:
        match record.body:
            case Boot() as body:
                boot = body.kernel_boot_id
            case Break() as body if body.cause not in RESTART_CAUSES and body.last_frame_boottime_ns is not None:
                at_ns = body.last_frame_boottime_ns
                told = [seen for on, seen in signs if on == boot and 0 <= seen - at_ns < TOLD_SECONDS * SECOND_NS]
                assert told, f"nobody was told of break {body.number} ({body.cause})"
            case _:
                pass


def judge_markers(records: Sequence[RecordHeader]) -> None:
    """Every resumption is marked aloud, or broken off again before it could be."""
    told = [record.body for record in records if isinstance(record.body, (Resume, Prompt, Break, SessionEnd, Boot))]
    for place, body in enumerate(told):
        if isinstance(body, Resume):
            then = next(
                each
                for each in told[place + 1 :]
                if not isinstance(each, Prompt) or each.kind is PromptKind.RESUME_MARKER
            )
            assert not isinstance(then, Resume), "a resumption that nobody spoke of"


def _seen(world: Path) -> list[tuple[str, int]]:
    """Boot and time of every lamp that says «not recording»."""
    document = simulation(world)
    power, lamps = document["power"], document["lamps"]
    assert isinstance(power, list)
    assert isinstance(lamps, list)
    boots = [(entry["world_ns"], entry["boot_id"]) for entry in power if entry["on"]]
    return [
        (next(boot for begun, boot in reversed(boots) if begun <= entry["world_ns"]), entry["boottime_ns"])
        for entry in lamps
        if entry["meaning"] in {"interrupted", "fault", "finishing", "idle"}
    ]
