"""Random walks of a recorder whose parts answer late, out of turn, or badly (CS-1, CS-10).

Whatever happens: nothing stops without a BREAK or a SESSION_END, every break is resumed or ended, nothing is kept
before PREFLIGHT, no explanation is sealed twice, and the way back to idle is always open.
"""

from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.profile import shipped_profiles
from capture import effects as fx
from capture import events as ev
from capture.conditions import Condition
from capture.profile import ExemptionGround
from capture.states import CAPTURING, State
from sealing.records import (
    Break,
    CheckVerdict,
    Event,
    Mark,
    Preflight,
    Resume,
    SessionEnd,
    SessionStart,
    VoicePurpose,
    VoiceWindow,
)
from tests.properties.session.shell import Shell
from tests.support.session_rules import Rules, judge_rules, shipped_rules
from tests.unit.capture_session.script import ASSIGNMENT, STATEMENT, Driver, machine, profile, result

GROUNDS = (
    ExemptionGround(code="secrets", zh="涉及国家秘密的", en="secrets", stops=True),
    ExemptionGround(code="emergency", zh="情况紧急的", en="emergency"),
)


def own_rules(**sections: object) -> Rules:
    return Rules("own", profile(**sections), GROUNDS)


RULES = st.sampled_from(
    [
        own_rules(),
        own_rules(notice=None, statement=STATEMENT),
        own_rules(statement={**STATEMENT, "moment": "during"}),
        own_rules(notice=None, interruptions={}),
        own_rules(preflight={"blocking": True}),
        own_rules(warnings={"break_on": ("camera-frozen", "microphone-fault")}),
        own_rules(marks={"categories": [{"code": "scene", "zh": "现场", "en": "scene"}]}),
        *map(shipped_rules, shipped_profiles()),
    ]
)
VERDICTS = st.sampled_from(list(CheckVerdict))


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

EXEMPTING = frozenset({State.IDLE, State.NOTICE, State.STATEMENT, State.RECORDING, State.RESUMING, State.INTERRUPTED})
"""In the other states whoever asks by command is refused."""


class Walk(RuleBasedStateMachine):
    """One rule per thing that can happen to a recorder."""

    def __init__(self) -> None:
        super().__init__()
        self.agency = Rules("own", profile(), ())
        self.driver = Driver(machine(self.agency.profile))
        self.shell = Shell(self.driver)
        self.sessions = 0
        self.pressed_marks: set[tuple[bytes, int]] = set()

    def feed(self, event: ev.Event) -> None:
        self.driver.feed(event)
        self.shell.take()

    @property
    def state(self) -> State:
        return self.driver.state()

    @precondition(lambda self: self.driver.effects == [])
    @rule(rules=RULES)
    def load_profile(self, rules: Rules) -> None:
        self.agency = rules
        self.driver.machine = machine(rules.profile, rules.grounds)

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
        self.mark(None)

    @precondition(lambda self: self.agency.profile.marks.categories)
    @rule(place=st.integers(0, 9))
    def mark_by_command(self, place: int) -> None:
        categories = self.agency.profile.marks.categories
        self.mark(categories[place % len(categories)].code)

    def mark(self, category: str | None) -> None:
        self.feed(ev.MarkPressed(self.driver.now_ns, category))
        if self.state in CAPTURING:
            self.pressed_marks.add((self.driver.session.session_id, self.driver.session.marks))

    @precondition(lambda self: self.state in EXEMPTING and self.agency.grounds)
    @rule(place=st.integers(0, 9))
    def exempt_by_command(self, place: int) -> None:
        self.feed(ev.Exempted(self.agency.grounds[place % len(self.agency.grounds)].code, self.driver.now_ns))

    @precondition(lambda self: self.shell.camera_wanted and not self.shell.camera_started)
    @rule()
    def camera_delivers(self) -> None:
        self.shell.camera_started = True
        self.driver.frame()
        self.shell.take()

    @precondition(lambda self: self.shell.camera_started)
    @rule(cause=st.sampled_from(["camera-fault", "storage-full", "battery", "overheating"]))
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
        if isinstance(body, Break):
            self.feed(ev.BreakSealed(self.sequence_of(body), body.session_id, body.number))
        else:
            self.driver.sequence += 1
            self.feed(ev.CheckoutSealed(self.driver.sequence))

    def sequence_of(self, body: Break) -> int:
        """The number that a break gets."""
        self.driver.sequence += 1
        del body
        return self.driver.sequence

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

    @rule(odds=st.integers(0, 4))
    def chain_is_lost(self, odds: int) -> None:
        if odds == 0:
            self.feed(ev.SealingLost("EIO"))

    @precondition(lambda self: self.state is State.FAULT)
    @rule()
    def chain_is_back(self) -> None:
        self.feed(ev.SealingBack())

    @rule(standing=st.sampled_from(ev.DockStanding), due=st.booleans())
    def dock_and_office_are_heard_of(self, standing: ev.DockStanding, *, due: bool) -> None:
        self.feed(ev.DueTold(self.driver.now_ns) if due else ev.DockTold(standing))

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
        elif self.state is State.FAULT:
            self.feed(ev.SealingBack())

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
        self.check_rules(self.driver.order())
        self.check_marks(self.driver.order())
        self.check_reasons()

    def step_home(self) -> None:
        if self.shell.ends:
            self.the_run_is_over(3)
        elif self.shell.answers:
            self.the_writer_answers()
        elif self.state is State.FINISHING and self.shell.speeches:
            self.something_is_said(heard=True, complete=True)
        elif self.state is State.FINISHING and self.shell.windows:
            self.a_window_closes(accepted=True)
        elif self.state is State.FAULT:
            self.feed(ev.SealingBack())
        elif self.state is State.STARTING:
            self.shell.checking = False
            self.feed(ev.PreflightDone(result()))
        else:
            self.feed(ev.FinishPressed(self.driver.now_ns))

    def check_rules(self, sealed: Iterable[object]) -> None:
        """Every recording is as the profile has it."""
        session: list[object] = []
        for body in sealed:
            if session or isinstance(body, SessionStart):
                session.append(body)
            if isinstance(body, SessionEnd):
                judge_rules(session, self.agency)
                session = []

    def check_marks(self, sealed: Iterable[object]) -> None:
        """Every mark that was answered is sealed (CS-12)."""
        assert self.pressed_marks <= {(body.session_id, body.number) for body in sealed if isinstance(body, Mark)}

    def check_reasons(self) -> None:
        """Every announcement was heard, and was withdrawn or is sealed (CS-10)."""
        driver = self.driver
        opened = [each for each in driver.all(fx.OpenWindow) if each.purpose is VoicePurpose.BREAK_REASON]
        sealed = [body for body in driver.sealed(VoiceWindow) if body.purpose is VoicePurpose.BREAK_REASON]
        withdrawn = [body for body in driver.sealed(Event) if body.code == "break-withdrawn"]
        assert all(body.final for body in sealed)
        assert len(opened) - len(withdrawn) <= len(sealed) <= len(opened)


Walk.TestCase.settings = settings(max_examples=300, stateful_step_count=60)
TestWalks = Walk.TestCase
