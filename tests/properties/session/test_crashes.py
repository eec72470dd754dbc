"""Random walks with crashes and losses of power in between (CS-2, CS-9).

The chain here keeps what a writer would: an OPEN with the snapshot in force, and the records behind it, of which a
crash takes the last ones away. Whatever is left, the next start goes on from it: no frame number is given twice, no
break is silent, no session stays open.
"""

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from capture import effects as fx
from capture import events as ev
from capture.moves.standing import held_assignment
from capture.resume import SealedBody, fold, plan, settled
from capture.states import State, snapshot
from hal.values import ClockReading, TimeSource
from sealing.records import Break, Fragment, Mark, Resume, SessionEnd, SessionStart, StateSnapshot
from tests.properties.session.shell import Shell
from tests.properties.session.test_walks import Walk
from tests.unit.capture_session.script import SECOND_NS

FRAME_NS = SECOND_NS // 15
LIMIT_SECONDS = 120.0


@dataclass
class Chain:
    """What has reached the medium."""

    pending: StateSnapshot
    opened: StateSnapshot
    is_open: bool = True
    behind: list[SealedBody] = field(default_factory=list)
    everything: list[object] = field(default_factory=list)
    sequence: int = 0
    numbers: dict[int, int] = field(default_factory=dict)
    """Identity of a sealed body → its sequence number."""

    def seal(self, body: object, now_ns: int, utc_ns: int) -> None:
        if not self.is_open:
            self.open(self.pending)
        self.sequence += 1
        self.behind.append(SealedBody(self.sequence, utc_ns, now_ns, body))
        self.everything.append(body)
        self.numbers[id(body)] = self.sequence

    def open(self, state: StateSnapshot) -> None:
        self.is_open, self.opened, self.behind = True, state, []

    def lose(self, count: int) -> None:
        """A crash takes the last records of the open file away."""
        for _ in range(min(count, len(self.behind))):
            lost = self.behind.pop()
            self.everything.pop()
            assert lost.body is not None

    @property
    def session_id(self) -> bytes | None:
        """Of the last session that was begun."""
        starts = [body.session_id for body in self.everything if isinstance(body, SessionStart)]
        return starts[-1] if starts else None

    @property
    def next_frame(self) -> int:
        """First frame number of the open session that no durable fragment has."""
        reached = 0
        for body in self.everything:
            if isinstance(body, SessionStart):
                reached = 0
            elif isinstance(body, Fragment):
                reached = body.first_frame + body.frame_count
        return reached


class CrashingWalk(Walk):
    """As `Walk`, and the agent may end at any moment."""

    def __init__(self) -> None:
        super().__init__()
        state = snapshot(self.driver.machine)
        self.chain = Chain(state, state)
        self.seen = 0
        self.boots = 1

    def feed(self, event: ev.Event) -> None:
        super().feed(event)
        self.keep()

    def keep(self) -> None:
        """Let the writer do what was wanted since the last look."""
        driver = self.driver
        for effect in driver.effects[self.seen :]:
            match effect:
                case fx.SetState():
                    self.chain.pending = self.overlaid(effect.snapshot)
                case fx.Seal():
                    self.chain.seal(effect.body, driver.now_ns, driver.now_ns + driver.civil_offset_ns)
                case fx.RollLedger():
                    self.chain.is_open = False
                case fx.BeginRun():
                    assert effect.next_frame == self.chain.next_frame, "a frame number is given twice, or left out"
                    self.chain.open(replace(self.chain.pending, run=effect.run, next_frame=effect.next_frame))
                case _:
                    pass
        self.seen = len(driver.effects)

    def overlaid(self, state: StateSnapshot) -> StateSnapshot:
        """What the recorder's way into the chain adds: the newest numbers."""
        if state.session_id != self.chain.session_id:
            return state
        return replace(state, next_frame=max(state.next_frame, self.chain.next_frame))

    def fragment(self, frames: int) -> None:
        driver, first = self.driver, self.chain.next_frame
        media_ns = driver.now_ns - (driver.session.zero_boottime_ns or 0)
        pts = max(0, media_ns) * 9 // 100_000
        body = Fragment(
            index=0,
            first_frame=first,
            frame_count=frames,
            first_video_pts=pts,
            last_video_pts=pts + (frames - 1) * 6_000,
            first_sample=0,
            sample_count=0,
            first_audio_pts=0,
            dropped_frames=0,
            lost_samples=0,
            captured_boottime_ns=driver.now_ns,
            before_notice=False,
        )
        self.chain.seal(body, driver.now_ns, driver.now_ns + driver.civil_offset_ns)
        driver.now_ns += frames * FRAME_NS

    @rule(frames=st.integers(1, 60))
    def a_fragment_is_sealed(self, frames: int) -> None:
        self.keep()
        if self.shell.running and self.chain.is_open:
            self.fragment(frames)

    def the_run_is_over(self, frames: int) -> None:
        """The run's frames are those that are sealed, and those that come out at its end."""
        self.keep()
        if not self.shell.ends:
            return
        while self.shell.marks:
            self.a_mark_is_found()
        self.shell.ends -= 1
        self.fragment(frames)
        self.chain.is_open = False
        self.chain.pending = self.overlaid(self.chain.pending)
        kept = self.chain.next_frame - self.driver.session.next_frame
        self.driver.run_ended(frames=kept)
        self.shell.take()
        self.keep()

    @rule(
        lost=st.integers(0, 4),
        away_seconds=st.sampled_from([1, 30, 300, -40]),
        reboot=st.booleans(),
        source=st.sampled_from([TimeSource.RTC, TimeSource.UNSET]),
    )
    def the_agent_ends_suddenly(self, lost: int, away_seconds: int, source: TimeSource, *, reboot: bool) -> None:
        self.keep()
        self.chain.lose(lost)
        driver = self.driver
        utc_ns = driver.now_ns + driver.civil_offset_ns + away_seconds * SECOND_NS
        driver.now_ns = 20 * SECOND_NS if reboot else driver.now_ns + abs(away_seconds) * SECOND_NS
        driver.civil_offset_ns = utc_ns - driver.now_ns
        self.boots += reboot
        reading = ClockReading(utc_ns, driver.now_ns, source, 0, f"boot-{self.boots}")
        known = fold(self.chain.opened, driver.now_ns, self.chain.behind)
        self.chain.open(settled(known))
        self.chain.pending = settled(known)
        self.start_again(reading)
        resumption = plan(known, "power-loss" if reboot else "crash", reading, LIMIT_SECONDS)
        if resumption is not None:
            self.feed(ev.Recovered(resumption, driver.now_ns))

    def start_again(self, reading: ClockReading) -> None:
        known = fold(self.chain.opened, 0, [])
        self.shell = Shell(self.driver, taken=len(self.driver.effects))
        self.driver.machine = replace(
            self.driver.machine,
            state=State.IDLE,
            session=None,
            boot_id=reading.boot_id,
            session_number=known.snapshot.session_number,
            assignment=held_assignment(known),
            checkout_sequence=known.snapshot.checkout_sequence,
        )

    @invariant()
    def every_break_is_resumed_or_ended(self) -> None:
        self.keep()
        open_break: Break | None = None
        for body in self.chain.everything:
            match body:
                case Break():
                    open_break = body
                case Resume():
                    assert open_break is not None
                    open_break = None
                case SessionEnd():
                    open_break = None
                case _:
                    pass
        assert open_break is None or self.driver.machine.session is not None

    @invariant()
    def a_run_behind_another_stands_behind_a_resume(self) -> None:
        """On the chain, that is: what a crash took away was never there."""
        cut = False
        for body in self.chain.everything:
            match body:
                case SessionStart() | Resume():
                    cut = False
                case Break() | SessionEnd():
                    cut = True
                case Fragment():
                    assert not cut, "footage behind a break without a RESUME"
                case _:
                    pass

    @invariant()
    def nothing_is_kept_before_its_preflight(self) -> None:
        """Shown by `Walk` where nothing is lost; here a lost PREFLIGHT has to be sealed again."""

    def teardown(self) -> None:
        for _ in range(300):
            if self.state is State.IDLE and not self.shell.ends:
                break
            self.step_home()
            self.keep()
        assert self.state is State.IDLE
        self.keep()
        self.check_sessions()
        self.check_rules(self.chain.everything)

    def sequence_of(self, body: Break) -> int:
        """What the chain gave it."""
        self.keep()
        return self.chain.numbers[id(body)]

    def check_sessions(self) -> None:
        """Every session that was begun is ended, and its end counts what stands before it."""
        open_session: bytes | None = None
        breaks: list[int] = []
        marks = 0
        for body in self.chain.everything:
            match body:
                case SessionStart():
                    assert open_session is None
                    open_session, breaks, marks = body.session_id, [], 0
                case Break():
                    breaks.append(body.number)
                case Mark():
                    marks += 1
                case SessionEnd():
                    assert body.session_id == open_session
                    assert breaks == list(range(1, len(breaks) + 1))
                    assert body.breaks == len(breaks)
                    assert body.marks >= marks
                    open_session = None
                case _:
                    pass
        assert open_session is None


CrashingWalk.TestCase.settings = settings(max_examples=300, stateful_step_count=60)
TestCrashes = CrashingWalk.TestCase
