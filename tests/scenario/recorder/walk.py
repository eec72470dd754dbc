"""A random walk of a whole unit: hands, faults and cuts in any order, until all is mended and the officer goes home.

The walk acts on the simulated world and gives the agent's commands; what must be true stands in `walk_judge.py`.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import suppress
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from capture.errors import RecorderBusyError, RecorderError
from capture.events import DockStanding, DueTold
from capture.states import CAPTURING
from hal.values import ButtonName, TimeSource
from hw_sim.media.faults import Dead, Frozen
from sealing.errors import SealingError
from sealing.framing import file_name
from sealing.references import StoreReceipt
from sync.unit.spool import SealedFile, opening, read_ended
from tests.scenario.recorder.unit import OFFICERS, Unit, headers_of, opened, verified
from tests.scenario.recorder.walk_content import judge_content, merged
from tests.scenario.recorder.walk_judge import judge
from tests.scenario.recorder.walk_world import FULL_PERCENT, MIB, SHRILL, TROUBLES, Synced, mend_world
from tests.scenario.recorder.walked import UNITS, Drawn, Voices, place_of

HOUR_NS = 3_600_000_000_000
HOME_SECONDS = 150.0
EXPLANATION = "刚才摄像头的线松了，现在已经重新插好，我们继续检查。"
RECORD, MARK = ButtonName.RECORD, ButtonName.MARK


class UnitWalk(RuleBasedStateMachine):
    """One rule for each thing that hands, faults and cuts can do. A subclass sets `voices` and `directory`."""

    voices: Voices
    directory: Path
    steps = 0

    @initialize(drawn=UNITS)
    def take_the_unit(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.place = place_of(drawn, self.voices, self.directory)
        self.synced = Synced()
        self.recording_wanted = True
        self.unit = Unit(self.place).__enter__()

    # -- what every rule does behind itself ---------------------------------------------------------------------------

    def go_on(self, seconds: float) -> None:
        """Let the world go on; where the power went meanwhile, the unit starts again.

        Officers who find the unit idle begin a recording, so that most of what happens happens to one.
        """
        self.steps += 1
        if self.unit.state == "idle" and self.recording_wanted:
            self.unit.world.press(RECORD, 0.12)
        self.unit.wait(seconds)
        if self.unit.world.medium.gone:
            self.start_again()
            return
        dead = [worker.name for worker in self.unit.recorder.workers if not worker.alive]
        assert not dead, f"threads ended by themselves: {', '.join(dead)}"
        assert self.unit.recorder.status().refused_deliveries == 0
        self.synced.look(self.unit)

    def start_again(self) -> None:
        """The next process, behind whatever ended the one before; an empty pack is changed for a full one."""
        if not self.unit.crashed:
            self.unit.crash()
        if self.unit.world.battery.percent() <= 0:
            self.unit.world.exchange_battery(FULL_PERCENT)
        self.unit.__exit__(None, None, None)
        self.begin_anew()

    def begin_anew(self) -> None:
        self.synced.check(self.place)
        self.unit = Unit(self.place).__enter__()

    def button(self, name: ButtonName) -> ButtonName:
        """The button that is meant, or the one that there is."""
        return name if self.drawn.two_buttons else RECORD

    # -- hands --------------------------------------------------------------------------------------------------------

    @rule(button=st.sampled_from([RECORD, RECORD, MARK]), seconds=st.floats(0.5, 2.5))
    def press(self, button: ButtonName, seconds: float) -> None:
        self.unit.world.press(self.button(button), 0.12)
        self.go_on(seconds)

    @rule(button=st.sampled_from([RECORD, MARK, MARK]), seconds=st.floats(2.6, 4))
    def hold(self, button: ButtonName, seconds: float) -> None:
        self.unit.world.press(self.button(button), 2.3)
        self.go_on(seconds)

    @rule(
        button=st.sampled_from([RECORD, MARK]),
        listens=st.floats(2.5, 3.5),
        steps=st.integers(0, 4),
        confirms=st.sampled_from([True, True, False]),
        seconds=st.floats(0.5, 3),
    )
    def choose(self, button: ButtonName, listens: float, steps: int, seconds: float, *, confirms: bool) -> None:
        """Press, press and hold: category or ground, on one button the menu; step on, then take it or leave it."""
        self.unit.world.press(self.button(button), 0.12)
        self.unit.wait(0.3)
        self.unit.world.press(self.button(button), 2.3)
        self.unit.wait(listens)
        self._choose(steps, seconds, confirms=confirms)

    @rule(
        listens=st.floats(2.5, 3.5),
        steps=st.integers(0, 5),
        confirms=st.sampled_from([True, True, False]),
        seconds=st.floats(0.5, 3),
    )
    def announce_a_break(self, listens: float, steps: int, seconds: float, *, confirms: bool) -> None:
        """On one button, by its menu."""
        if self.drawn.two_buttons:
            self.unit.world.press(MARK, 2.3)
            self.unit.wait(listens)
            self._choose(steps, seconds, confirms=confirms)
        else:
            self.choose(RECORD, listens, 0, seconds, confirms=True)
            self._choose(steps, seconds, confirms=confirms)

    def _choose(self, steps: int, seconds: float, *, confirms: bool) -> None:
        for _ in range(steps):
            self.unit.world.press(self.button(MARK), 0.12)
            self.unit.wait(0.8)
        if confirms:
            self.unit.world.press(RECORD, 0.12 if self.drawn.two_buttons else 2.3)
        self.go_on(seconds)

    @rule(seconds=st.floats(1, 12))
    def let_time_pass(self, seconds: float) -> None:
        self.go_on(seconds)

    @rule()
    def speak(self) -> None:
        self.go_on(self.unit.world.say("甲某", EXPLANATION))

    @rule(odds=st.integers(0, 4))
    def change_hands(self, odds: int) -> None:
        # Not by a precondition: what is drawn next must not hang on what threads have done by now.
        if odds or self.unit.state != "idle" or self.unit.world.medium.read_only:
            return
        recorder = self.unit.recorder
        with suppress(RecorderBusyError):  # A recording that a restart took up may not have shown itself yet.
            if recorder.status().checkout_sequence is None:
                recorder.checkout(OFFICERS)
            else:
                recorder.checkin()
        self.go_on(0.5)

    @rule(docked=st.booleans(), standing=st.sampled_from(DockStanding), due=st.booleans())
    def dock(self, standing: DockStanding, *, docked: bool, due: bool) -> None:
        self.unit.world.move(docked=docked)
        self.unit.recorder.tell_dock(standing if docked else DockStanding.OUT)
        if due:
            self.unit.recorder.tell_due(DueTold(self.unit.hardware.clock.read().utc_ns + HOUR_NS))
        self.go_on(1)

    # -- commands -----------------------------------------------------------------------------------------------------

    @rule(command=st.sampled_from(["mark", "category", "exemption", "notice", "check"]), place=st.integers(0, 6))
    def command(self, command: str, place: int) -> None:
        """By the control socket; what cannot be done now is refused and changes nothing."""
        recorder, rules = self.unit.recorder, self.drawn.rules
        categories = [each.code for each in rules.profile.marks.categories] or ["none"]
        grounds = [each.code for each in rules.grounds] or ["none"]
        with suppress(RecorderError):
            match command:
                case "mark":
                    recorder.mark()
                case "category":
                    recorder.mark(categories[place % len(categories)])
                case "exemption":
                    recorder.exempt(grounds[place % len(grounds)])
                case "notice":
                    recorder.repeat_notice()
                case "check":
                    recorder.check()
        self.go_on(1)

    @rule()
    def the_agent_is_stopped(self) -> None:
        """SIGTERM, and systemd starts it again; on a medium that fails there is no orderly end."""
        with suppress(SealingError):
            self.unit.__exit__(None, None, None)
        self.begin_anew()
        self.go_on(1)

    @rule(frees=st.booleans())
    def receipts_arrive(self, *, frees: bool) -> None:
        """A store has some of the ended files; those whose receipt is sealed give their room back."""
        for file in self.unit.sealing.sealed_files():
            # The power may go in the middle of this: then there is no medium to read.
            with suppress(SealingError, OSError):
                if file.receipt_hash is None:
                    self._take_receipt(file.number)
                elif frees and file.freeable:
                    self._free(file.number, file.name)
        self.go_on(1)

    def _take_receipt(self, number: int) -> None:
        facts = self._uploaded(number)
        if facts is not None:
            self.unit.sealing.seal_receipt(
                StoreReceipt(number, facts.file_id, bytes([number % 256]) * 32, "store", number)
            )

    def _uploaded(self, number: int) -> SealedFile | None:
        """What the uploader makes of a file; none while only the file behind it can tell where it ends (SY-25)."""
        spool, medium = self.place.spool, self.unit.world.medium
        behind = min((path.name for path in spool.glob("*.evs") if path.name > file_name(number)), default=None)
        with medium.lock:
            begun = None if behind is None else medium.unsettled_files.get(behind)
            whole = behind is not None and (begun is None or begun.synced_bytes > 0)
            torn = medium.unsettled_files.get(file_name(number))
            if torn is not None and not medium.gone:
                torn.synced_bytes = torn.size_bytes  # The uploader puts on the medium what it reads.
        return read_ended(spool / file_name(number), opening(spool / behind) if behind is not None and whole else None)

    def _free(self, number: int, name: str) -> None:
        self.place.handed_over.mkdir(exist_ok=True)
        shutil.copyfile(self.place.spool / name, self.place.handed_over / name)
        self.unit.sealing.free_file(number)

    # -- faults -------------------------------------------------------------------------------------------------------

    @rule(troubles=st.lists(st.sampled_from(sorted(TROUBLES)), min_size=2, max_size=4), seconds=st.floats(1, 4))
    def everything_at_once(self, troubles: list[str], seconds: float) -> None:
        for trouble in troubles:
            TROUBLES[trouble](self.unit.world)
        self.go_on(seconds)

    @rule(seconds=st.floats(0.5, 2.5))
    def all_is_mended(self, seconds: float) -> None:
        mend_world(self.unit.world)
        self.go_on(seconds)

    @rule(plugged=st.booleans(), seconds=st.floats(0.3, 3))
    def camera(self, seconds: float, *, plugged: bool) -> None:
        self.unit.world.plug_camera(plugged=plugged)
        self.go_on(seconds)

    @rule(how=st.sampled_from(Frozen), covered=st.booleans(), seconds=st.floats(0.5, 3))
    def camera_sees_nothing_new(self, how: Frozen, seconds: float, *, covered: bool) -> None:
        self.unit.world.freeze_camera(how)
        self.unit.world.cover_camera(covered=covered)
        self.go_on(seconds)

    @rule(count=st.integers(1, 20), late=st.sampled_from([0.0, 0.4, 1.4]))
    def frames_are_dropped_or_late(self, count: int, late: float) -> None:
        self.unit.world.drop_frames(count)
        self.unit.world.delay_frame(late)
        self.go_on(0.4)

    @rule(how=st.sampled_from(Dead), plugged=st.booleans(), seconds=st.floats(0.3, 3))
    def microphone(self, how: Dead, seconds: float, *, plugged: bool) -> None:
        self.unit.world.kill_microphone(how)
        self.unit.world.plug_microphone(plugged=plugged)
        self.go_on(seconds)

    @rule(count=st.integers(100, 60_000))
    def samples_are_lost(self, count: int) -> None:
        self.unit.world.lose_samples(count)
        self.go_on(0.4)

    @rule(seconds=st.integers(1, 4))
    def a_siren_passes(self, seconds: int) -> None:
        for second in range(seconds):
            self.unit.world.air.say(SHRILL, self.unit.world.clock.boottime_ns() + second * 1_000_000_000)
        self.go_on(seconds)

    @rule(plugged=st.booleans())
    def speaker(self, *, plugged: bool) -> None:
        self.unit.world.plug_speaker(plugged=plugged)
        self.go_on(0.5)

    @rule(percent=st.sampled_from([0.4, 1.5, 5.0, 60.0]), charging=st.booleans(), seconds=st.floats(1, 9))
    def pack(self, percent: float, seconds: float, *, charging: bool) -> None:
        self.unit.world.exchange_battery(percent)
        self.unit.world.battery.plug_charger(plugged=charging)
        self.go_on(seconds)

    @rule(celsius=st.sampled_from([45.0, 79.0, 83.0, 95.0]), weak=st.booleans(), seconds=st.floats(1, 4))
    def board(self, celsius: float, seconds: float, *, weak: bool) -> None:
        self.unit.world.heat_board(celsius)
        self.unit.world.weaken_supply(weak=weak)
        self.go_on(seconds)

    @rule(stalled=st.floats(0.5, 12), seconds=st.floats(0.5, 3))
    def medium_stalls(self, stalled: float, seconds: float) -> None:
        self.unit.world.stall_storage(stalled)
        self.go_on(seconds)

    @rule(sync_seconds=st.sampled_from([0.004, 0.15, 0.6]), seconds=st.floats(1, 4))
    def medium_is_slow(self, sync_seconds: float, seconds: float) -> None:
        self.unit.world.medium.sync_seconds = sync_seconds
        self.go_on(seconds)

    @rule(operation=st.sampled_from(["append", "sync", "create"]), error=st.sampled_from([errno.EIO, errno.ENOSPC]))
    def medium_fails_once(self, operation: str, error: int) -> None:
        self.unit.world.fail_storage(operation, error)
        self.go_on(2)

    @rule(protected=st.booleans(), seconds=st.floats(0.5, 3))
    def medium_is_protected(self, seconds: float, *, protected: bool) -> None:
        self.unit.world.write_protect_storage(protected=protected)
        self.go_on(seconds)

    @rule(free_mib=st.sampled_from([20, 70, 110, 20_000, 20_000]), seconds=st.floats(0.5, 3))
    def medium_fills(self, free_mib: int, seconds: float) -> None:
        self.unit.world.fill_storage(free_mib * MIB)
        self.go_on(seconds)

    @rule(step=st.sampled_from([0.0, -90.0, -1.5, 3.0, 86_400.0]), source=st.sampled_from([None, *TimeSource]))
    def clock_steps(self, step: float, source: TimeSource | None) -> None:
        self.unit.world.step_clock(step)
        if source is not None:
            self.unit.world.set_clock_source(source)
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
        if not hasattr(self, "unit"):
            return
        try:
            self.recording_wanted = False
            mend_world(self.unit.world)
            self.go_on(3)
            self.go_home()
        finally:
            self.unit.__exit__(None, None, None)
        self.synced.check(self.place)
        assert verified(self.place.spool).intact
        files = merged([self.place.handed_over, self.place.spool], self.place.directory / "everything")
        records, world = list(headers_of(sorted(files.iterdir()))), self.place.directory / "world"
        judge(records, world, self.drawn.rules)
        judge_content(records, opened(files, self.place.directory / "opened"), world)
        shutil.rmtree(self.place.directory.parent)

    def go_home(self) -> None:
        """The officer holds record until the unit is idle and owes the chain nothing; it comes there from anywhere."""
        waited = 0.0
        while not self.at_home():
            assert waited < HOME_SECONDS, f"still {self.unit.state} after {waited:.0f} s"
            if self.unit.state in CAPTURING or self.unit.state == "interrupted":
                self.unit.world.press(RECORD, 2.3)
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
