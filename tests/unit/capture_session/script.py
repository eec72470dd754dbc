"""A teaching driver for the session machine: feeds events and answers the effects as a healthy recorder would."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from capture import effects as fx
from capture import events as ev
from capture.assignment import Assignment, Officer
from capture.preflight import PreflightResult
from capture.profile import CaptureProfile, ExemptionGround
from capture.session import advance
from capture.states import Machine, OpenSession, SessionRules, State
from sealing.records import Break, CheckResult, CheckVerdict, SessionBody, StateSnapshot, VoicePurpose

SECOND_NS = 1_000_000_000
SESSION_ID = bytes(range(16))
CIVIL_OFFSET_NS = 1_800_000_000 * SECOND_NS
BOOT = "boot-one"
CAUSES: list[dict[str, object]] = [
    {"code": "equipment", "zh": "设备故障、损坏", "en": "equipment", "covers": ["camera-fault", "crash"]},
    {"code": "weather", "zh": "天气情况恶劣", "en": "weather"},
    {"code": "lunch", "zh": "其他", "en": "other", "allowed": False},
]
NOTICE = {"wording": "我们是执法人员×××，本次执法全程录音录像。", "name_slot": "×××"}
STATEMENT: dict[str, object] = {"moment": "first", "items": ["时间", "地点"]}
INTERRUPTIONS = {"causes": CAUSES, "explanation": {"window_seconds": 15}}
ASSIGNMENT = Assignment((Officer("A001", "甲某"), Officer("A002", "乙某")), activity_id="activity-1")

Found = TypeVar("Found")


def profile(**sections: object) -> CaptureProfile:
    """A profile with a notice, causes and the duty to explain, but for the sections given."""
    base: dict[str, object] = {"notice": NOTICE, "interruptions": INTERRUPTIONS}
    return CaptureProfile.model_validate({**base, **sections})


def machine(policy: CaptureProfile | None = None, grounds: Sequence[ExemptionGround] = ()) -> Machine:
    """An idle machine."""
    return Machine(SessionRules.of(policy or profile(), grounds), "sample", b"\x01" * 32, BOOT)


def result(*verdicts: tuple[str, CheckVerdict]) -> PreflightResult:
    """A preflight result with these verdicts, everything else passing."""
    checks = tuple(CheckResult(code, verdict, 1, 1, "ok") for code, verdict in verdicts)
    worst = max((verdict for _, verdict in verdicts), key=list(CheckVerdict).index, default=CheckVerdict.PASS)
    return PreflightResult(worst, checks)


@dataclass
class Driver:
    """Feeds the machine; `now_ns` moves only when told; effects of all events are kept."""

    machine: Machine = field(default_factory=machine)
    now_ns: int = 100 * SECOND_NS
    effects: list[fx.Effect] = field(default_factory=list)
    sequence: int = 500
    civil_offset_ns: int = CIVIL_OFFSET_NS

    def feed(self, event: ev.Event) -> tuple[fx.Effect, ...]:
        """Let one event happen; returns its effects alone."""
        self.machine, made = advance(self.machine, event)
        self.effects += made
        return made

    def last(self, kind: type[Found]) -> Found:
        """The latest effect of a kind."""
        return self.all(kind)[-1]

    def all(self, kind: type[Found]) -> list[Found]:
        """All effects of a kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def sealed(self, kind: type[Found]) -> list[Found]:
        """All bodies of a kind that were to be sealed."""
        return [effect.body for effect in self.all(fx.Seal) if isinstance(effect.body, kind)]

    def order(self) -> list[SessionBody]:
        """Every sealed body, in order."""
        return [effect.body for effect in self.all(fx.Seal)]

    def state(self) -> State:
        """The machine's state."""
        return self.machine.state

    @property
    def session(self) -> OpenSession:
        """The open session."""
        assert self.machine.session is not None
        return self.machine.session

    @property
    def snapshot(self) -> StateSnapshot:
        """The snapshot in force."""
        return self.last(fx.SetState).snapshot

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * SECOND_NS)

    def press(self) -> None:
        """Press record on the idle unit."""
        self.feed(ev.StartPressed(self.now_ns, SESSION_ID))

    def frame(self) -> None:
        """The camera delivers its first frame."""
        self.feed(ev.FirstFrame(self.now_ns, self.now_ns + self.civil_offset_ns))

    def start(self, outcome: PreflightResult | None = None) -> None:
        """Press, first frame, checks."""
        self.press()
        self.wait(0.3)
        self.frame()
        self.wait(1.4)
        self.feed(ev.PreflightDone(outcome or result()))

    def spoken(self, *, heard: bool | None = None, complete: bool = True) -> None:
        """The latest thing asked for has been said."""
        speak = self.last(fx.Speak)
        began = self.now_ns
        self.wait(3)
        outcome = heard if heard is not None or not speak.proof else True
        self.feed(ev.PromptEnded(speak.speech, speak.kind, began, self.now_ns, complete, bytes(32), "words", outcome))

    def answered(self, *, accepted: bool = True) -> None:
        """The latest window is over."""
        window = self.last(fx.OpenWindow)
        opened = self.now_ns
        self.wait(0 if window.purpose is VoicePurpose.BREAK_REASON else 5)
        speech_ms = 2_000 if accepted else 100
        self.feed(ev.WindowClosed(window.window, opened, self.now_ns, accepted, speech_ms, speech_ms // 2))

    def until(self, state: State, *, limit: int = 12) -> None:
        """Answer speeches and windows well until the machine is in `state`."""
        for _ in range(limit):
            if self.state() is state:
                return
            ask = self.session.ask
            if ask is not None and ask.window is not None:
                self.answered()
            else:
                self.spoken()
        raise AssertionError(f"still {self.state()}")

    def record(self) -> None:
        """Everything up to plain recording."""
        self.start()
        self.until(State.RECORDING)
        self.wait(10)

    def run_ended(self, *, frames: int = 300) -> None:
        """The media path ended the run."""
        session = self.session
        last = session.next_frame + frames - 1
        self.feed(
            ev.RunEnded(
                run=session.run + 1,
                last_frame=last,
                last_frame_boottime_ns=self.now_ns,
                last_frame_utc_ns=self.now_ns + self.civil_offset_ns,
                media_time_ns=self.now_ns - (session.zero_boottime_ns or 0),
                next_frame=last + 1,
                next_sample=session.next_sample + frames * 1_600,
                dropped_frames=2,
            )
        )

    def break_sealed(self) -> int:
        """The writer sealed the BREAK."""
        self.sequence += 1
        (*_, sealed) = self.sealed(Break)
        self.feed(ev.BreakSealed(self.sequence, sealed.session_id, sealed.number))
        return self.sequence

    def lose_camera(self) -> int:
        """The camera goes away while recording; the break is sealed. Returns its sequence number."""
        self.feed(ev.CaptureLost("camera-fault", self.now_ns))
        self.run_ended()
        return self.break_sealed()

    def announce(self, steps: int = 0) -> int:
        """An announced break with the cause so many steps down the menu. Returns its sequence number."""
        self.feed(ev.BreakPressed(self.now_ns))
        for _ in range(steps):
            self.wait(1)
            self.feed(ev.CauseStepped(self.now_ns))
        self.wait(1)
        self.feed(ev.CauseConfirmed(self.now_ns))
        self.answered(accepted=False)
        self.run_ended()
        return self.break_sealed()

    def finish(self) -> None:
        """Hold record, closing words, end of the run."""
        self.feed(ev.FinishPressed(self.now_ns))
        self.spoken()
        self.run_ended()


Step = Callable[[Driver], None]
