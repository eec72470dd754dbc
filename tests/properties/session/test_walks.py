"""Random walks of a recorder whose parts answer late, out of turn, or badly (CS-1, CS-10).

Whatever happens: nothing stops without a BREAK or a SESSION_END, every break is resumed or ended, nothing is kept
before PREFLIGHT, no explanation is sealed twice, and the way back to idle is always open.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from capture import effects as fx
from capture import events as ev
from capture.conditions import Condition
from capture.profile import ExemptionGround
from capture.states import CAPTURING, State
from sealing.records import Break, CheckVerdict, Preflight, Resume, SessionEnd, SessionStart, VoicePurpose, VoiceWindow
from tests.unit.capture_session.script import ASSIGNMENT, STATEMENT, Driver, machine, profile, result

PROFILES = st.sampled_from(
    [
        profile(),
        profile(notice=None, statement=STATEMENT),
        profile(statement={**STATEMENT, "moment": "during"}),
        profile(notice=None, interruptions={}),
        profile(preflight={"blocking": True}),
        profile(warnings={"break_on": ("camera-frozen", "microphone-fault")}),
        profile(marks={"categories": [{"code": "scene", "zh": "现场", "en": "scene"}]}),
    ]
)
VERDICTS = st.sampled_from(list(CheckVerdict))


@dataclass
class Shell:
    """What a recorder owes the machine: answers to effects, given in any order."""

    driver: Driver
    taken: int = 0
    camera_wanted: bool = False
    camera_started: bool = False
    checking: bool = False
    running: bool = False
    held: bool = False
    speeches: list[fx.Speak] = field(default_factory=list)
    windows: list[fx.OpenWindow] = field(default_factory=list)
    marks: list[fx.LocateMark] = field(default_factory=list)
    ends: int = 0
    answers: list[fx.Seal] = field(default_factory=list)

    def take(self) -> None:
        for effect in self.driver.effects[self.taken :]:
            self._take(effect)
        self.taken = len(self.driver.effects)

    def _take(self, effect: fx.Effect) -> None:
        self._take_capture(effect)
        match effect:
            case fx.Measure():
                self.checking = True
            case fx.Speak():
                self.speeches.append(effect)
            case fx.Hush():
                self.speeches.clear()
            case fx.OpenWindow():
                self.windows.append(effect)
            case fx.DropWindow():
                self.windows = [window for window in self.windows if window.window != effect.window]
            case fx.LocateMark():
                self.marks.append(effect)
            case fx.Seal(answer=answer) if answer is not None:
                self.answers.append(effect)
            case _:
                pass

    def _take_capture(self, effect: fx.Effect) -> None:
        match effect:
            case fx.StartCapture():
                self.camera_wanted, self.camera_started = True, False
            case fx.StopCapture():
                self.camera_wanted = self.camera_started = False
            case fx.EndRun():
                assert self.running, "a run ends that was never begun"
                self.running = False
                self.ends += 1
                self.camera_wanted, self.camera_started = effect.camera is fx.CameraOrder.RESTART, False
            case fx.BeginRun():
                assert not self.running, "a run begins inside another"
                assert self.camera_started, "a run begins without frames"
                self.running = True
            case _:
                pass


PRESSES = [
    ev.BreakPressed,
    ev.CauseStepped,
    ev.CauseConfirmed,
    ev.ResumePressed,
    ev.CategoryPressed,
    ev.NoticePressed,
    ev.GroundPressed,
    ev.MenuPressed,
]
GROUNDS = (
    ExemptionGround(code="secrets", zh="涉及国家秘密的", en="secrets", stops=True),
    ExemptionGround(code="emergency", zh="情况紧急的", en="emergency"),
)


EXEMPTING = frozenset({State.IDLE, State.NOTICE, State.STATEMENT, State.RECORDING, State.RESUMING, State.INTERRUPTED})
"""In the other states whoever asks by command is refused."""


class Walk(RuleBasedStateMachine):
    """One rule per thing that can happen to a recorder."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver()
        self.shell = Shell(self.driver)
        self.sessions = 0

    def feed(self, event: ev.Event) -> None:
        self.driver.feed(event)
        self.shell.take()

    @property
    def state(self) -> State:
        return self.driver.state()

    @precondition(lambda self: self.driver.effects == [])
    @rule(policy=PROFILES)
    def load_profile(self, policy: object) -> None:
        self.driver.machine = machine(policy, GROUNDS)  # type: ignore[arg-type]

    @rule(seconds=st.floats(0.05, 30))
    def wait(self, seconds: float) -> None:
        self.driver.wait(seconds)

    @rule()
    def press_start(self) -> None:
        if not self.shell.checking:
            self.sessions += 1
            self.feed(ev.StartPressed(self.driver.now_ns, self.sessions.to_bytes(16, "big")))

    @rule(kind=st.sampled_from(PRESSES))
    def press_anything(self, kind: type[ev.BreakPressed]) -> None:
        self.feed(kind(self.driver.now_ns))

    @rule()
    def press_finish(self) -> None:
        self.feed(ev.FinishPressed(self.driver.now_ns))

    @rule()
    def press_mark(self) -> None:
        self.feed(ev.MarkPressed(self.driver.now_ns))

    @rule(category=st.sampled_from([None, "scene"]))
    def mark_by_command(self, category: str | None) -> None:
        self.feed(ev.MarkPressed(self.driver.now_ns, category))

    @precondition(lambda self: self.state in EXEMPTING and self.driver.machine.rules.grounds)
    @rule(ground=st.sampled_from(["secrets", "emergency"]))
    def exempt_by_command(self, ground: str) -> None:
        self.feed(ev.Exempted(ground, self.driver.now_ns))

    @precondition(lambda self: self.shell.camera_wanted and not self.shell.camera_started)
    @rule()
    def camera_delivers(self) -> None:
        self.shell.camera_started = True
        self.driver.frame()
        self.shell.take()

    @precondition(lambda self: self.shell.camera_started)
    @rule(cause=st.sampled_from(["camera-fault", "storage-full", "battery"]))
    def camera_stops(self, cause: str) -> None:
        self.feed(ev.CaptureLost(cause, self.driver.now_ns))

    @precondition(lambda self: self.shell.checking)
    @rule(verdict=VERDICTS)
    def checks_are_through(self, verdict: CheckVerdict) -> None:
        self.shell.checking = False
        self.feed(ev.PreflightDone(result(("camera", verdict))))

    @precondition(lambda self: self.shell.speeches)
    @rule(heard=st.sampled_from([True, False, None]), complete=st.booleans())
    def something_is_said(self, *, heard: bool | None, complete: bool) -> None:
        said, now_ns = self.shell.speeches.pop(0), self.driver.now_ns
        self.feed(ev.PromptEnded(said.speech, said.kind, now_ns, now_ns, complete, b"h", "words", heard))

    @precondition(lambda self: self.shell.windows)
    @rule(accepted=st.booleans())
    def a_window_closes(self, *, accepted: bool) -> None:
        window, now_ns = self.shell.windows.pop(0), self.driver.now_ns
        self.feed(ev.WindowClosed(window.window, now_ns, now_ns, accepted, 1200, 600))

    @precondition(lambda self: self.shell.marks)
    @rule()
    def a_mark_is_found(self) -> None:
        mark = self.shell.marks.pop(0)
        self.feed(ev.MarkLocated(mark.number, 5, 5, mark.pressed_boottime_ns))

    @precondition(lambda self: self.shell.ends)
    @rule(frames=st.integers(1, 500))
    def the_run_is_over(self, frames: int) -> None:
        while self.shell.marks:
            self.a_mark_is_found()
        self.shell.ends -= 1
        self.driver.run_ended(frames=frames)
        self.shell.take()

    @precondition(lambda self: self.shell.answers)
    @rule()
    def the_writer_answers(self) -> None:
        body = self.shell.answers.pop(0).body
        self.driver.sequence += 1
        if isinstance(body, Break):
            self.feed(ev.BreakSealed(self.driver.sequence, body.session_id, body.number))
        else:
            self.feed(ev.CheckoutSealed(self.driver.sequence))

    @rule(timer=st.sampled_from(list(ev.Timer)))
    def a_timer_fires(self, timer: ev.Timer) -> None:
        self.feed(ev.TimerFired(timer))

    @precondition(lambda self: self.state is State.IDLE)
    @rule()
    def give_back(self) -> None:
        self.feed(ev.CheckedIn())

    @precondition(lambda self: self.state is State.IDLE)
    @rule()
    def change_hands(self) -> None:
        self.feed(ev.CheckedOut(ASSIGNMENT))

    @precondition(lambda self: not self.shell.ends)
    @rule(odds=st.integers(0, 5))
    def chain_is_lost_and_back(self, odds: int) -> None:
        if odds:
            return
        self.feed(ev.SealingLost("EIO"))
        if self.shell.ends:
            self.the_run_is_over(7)
        self.feed(ev.SealingBack())

    @rule(odds=st.integers(0, 9))
    def agent_ends(self, odds: int) -> None:
        if odds == 0:
            self.feed(ev.StopRequested())

    @rule(step_ns=st.integers(-(10**12), 10**12))
    def clock_steps(self, step_ns: int) -> None:
        self.feed(ev.ClockStepped(step_ns, "rtc", "network"))

    @rule(condition=st.sampled_from(list(Condition)), present=st.booleans())
    def something_goes_wrong_or_is_over(self, condition: Condition, *, present: bool) -> None:
        self.feed(ev.ConditionChanged(condition, present, self.driver.now_ns, 12))

    @rule(steps=st.integers(1, 12))
    def things_go_well(self, steps: int) -> None:
        for _ in range(steps):
            self.step_well()

    def step_well(self) -> None:
        """What a healthy recorder and a patient officer do next."""
        shell = self.shell
        if shell.camera_wanted and not shell.camera_started:
            self.camera_delivers()
        elif shell.checking:
            self.checks_are_through(CheckVerdict.PASS)
        elif shell.ends:
            self.the_run_is_over(30)
        elif shell.answers:
            self.the_writer_answers()
        elif shell.speeches:
            self.something_is_said(heard=True, complete=True)
        elif shell.windows:
            self.a_window_closes(accepted=True)
        elif self.state is State.IDLE:
            self.press_start()
        elif self.state is State.INTERRUPTED:
            self.feed(ev.ResumePressed(self.driver.now_ns))

    @invariant()
    def what_is_kept_is_capturing(self) -> None:
        if self.shell.running:
            assert self.state in CAPTURING | {State.FINISHING}
        elif self.state in CAPTURING:
            raise AssertionError(f"{self.state.value}, and nothing is kept")

    @invariant()
    def nothing_is_kept_before_its_preflight(self) -> None:
        checked = False
        for effect in self.driver.effects:
            if isinstance(effect, fx.Seal) and isinstance(effect.body, SessionStart):
                checked = False
            elif isinstance(effect, fx.Seal) and isinstance(effect.body, Preflight):
                checked = True
            elif isinstance(effect, fx.BeginRun):
                assert checked

    @invariant()
    def every_break_is_resumed_or_ended(self) -> None:
        open_break = False
        for body in self.driver.order():
            match body:
                case Break():
                    assert not open_break
                    open_break = True
                case Resume():
                    assert open_break
                    open_break = False
                case SessionEnd():
                    open_break = False
                case _:
                    pass
        if self.state in CAPTURING:
            assert not open_break

    @invariant()
    def a_run_behind_another_stands_behind_a_resume(self) -> None:
        since: list[object] = []
        for effect in self.driver.effects:
            if isinstance(effect, fx.BeginRun):
                assert since, "nothing was sealed between two runs"
                assert effect.run == 1 or any(isinstance(body, Resume) for body in since)
                since = []
            elif isinstance(effect, fx.Seal):
                since.append(effect.body)

    def teardown(self) -> None:
        """The way back to idle is open from wherever the walk ended, and nothing is owed there."""
        for _ in range(200):
            if self.state is State.IDLE and not self.shell.ends:
                break
            self.step_home()
        assert self.state is State.IDLE
        assert self.driver.snapshot.session_id is None if self.driver.all(fx.SetState) else True
        starts, ends = self.driver.sealed(SessionStart), self.driver.sealed(SessionEnd)
        assert [start.session_id for start in starts] == [end.session_id for end in ends]
        self.check_explanations()

    def step_home(self) -> None:
        if self.shell.ends:
            self.the_run_is_over(3)
        elif self.shell.answers:
            self.the_writer_answers()
        elif self.state is State.FINISHING and self.shell.speeches:
            self.something_is_said(heard=True, complete=True)
        elif self.state is State.STARTING:
            self.shell.checking = False
            self.feed(ev.PreflightDone(result()))
        else:
            self.feed(ev.FinishPressed(self.driver.now_ns))

    def check_explanations(self) -> None:
        """Of one break, at most one window is the last, and SESSION_END counts the missing ones."""
        missing = [
            window.break_sequence
            for window in self.driver.sealed(VoiceWindow)
            if window.purpose is VoicePurpose.EXPLANATION and window.final
        ]
        assert len(missing) == len(set(missing))


Walk.TestCase.settings = settings(max_examples=300, stateful_step_count=60)
TestWalks = Walk.TestCase
