"""One step of the session machine under way: what handlers write into.

Rules of this module: a turn lives for one event and is never seen outside; the values in it stay immutable, so that an
event that is refused has changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

from capture.assignment import Assignment
from capture.conditions import Condition
from capture.cues import Cue
from capture.effects import Answer, Effect, GiveCue, Phrase, Seal, Speak
from capture.errors import CaptureError
from capture.events import DockStanding, FirstFrame, MarkLocated, PromptEnded, RunEnded, WindowClosed
from capture.states import CAMERA_FAULT, Ask, Gap, Machine, Menu, OpenSession, State, Waiting
from sealing.codec import Private
from sealing.records import ClockStep, Fault, Prompt, PromptKind, SessionBody, VoicePurpose, VoiceWindow
from sealing.records import Event as EventRecord


class IllegalEventError(CaptureError):
    """The session machine was told something that cannot happen in its state; nothing was changed."""


class MachineChange(TypedDict, total=False):
    """Fields of `Machine` that a handler may set."""

    state: State
    assignment: Assignment | None
    checkout_sequence: int | None
    session_number: int
    session: OpenSession | None
    speeches: int
    windows: int
    conditions: frozenset[Condition]
    camera_out: bool
    dock: DockStanding
    clock_owed: ClockStep | None


class SessionChange(TypedDict, total=False):
    """Fields of `OpenSession` that a handler may set."""

    zero_boottime_ns: int
    run: int
    next_frame: int
    next_sample: int
    media_time_ns: int
    dropped_frames: int
    marks: int
    breaks: int
    unexplained: int
    notice_done: bool
    notice_attempt: int
    statement_done: bool
    checked: bool
    flowing: bool
    lost: str | None
    gap: Gap | None
    ask: Ask | None
    speech: int | None
    cause_index: int
    menu: Menu | None
    menu_index: int
    actions: tuple[str, ...]
    last_mark: MarkLocated | None
    mark_categories: tuple[tuple[int, str], ...]
    reminded: int
    reason_window: int | None
    reason_heard: WindowClosed | None
    end_reason: str
    ended_boottime_ns: int


class GapChange(TypedDict, total=False):
    """Fields of `Gap` that a handler may set."""

    waiting: Waiting
    asked: bool
    automatic: bool
    same_boot: bool
    sequence: int
    ended: RunEnded
    returned: FirstFrame | None
    last_frame_boottime_ns: int | None
    last_frame_utc_ns: int | None


@dataclass(slots=True)
class Turn:
    """The machine as it becomes, and the effects gathered so far."""

    machine: Machine
    effects: list[Effect] = field(default_factory=list)

    @property
    def session(self) -> OpenSession:
        """The open recording.

        Raises:
            IllegalEventError: None is open.
        """
        if self.machine.session is None:
            raise IllegalEventError(f"state {self.machine.state.value} without an open session")
        return self.machine.session

    @property
    def gap(self) -> Gap:
        """The pending break.

        Raises:
            IllegalEventError: None is pending.
        """
        if self.session.gap is None:
            raise IllegalEventError(f"state {self.machine.state.value} without a pending break")
        return self.session.gap

    def go(self, state: State) -> None:
        """Enter a state."""
        self.set(state=state)

    def set(self, **changes: Unpack[MachineChange]) -> None:
        """Change the machine."""
        self.machine = replace(self.machine, **changes)

    def note(self, **changes: Unpack[SessionChange]) -> None:
        """Change the open recording."""
        self.machine = replace(self.machine, session=replace(self.session, **changes))

    def note_gap(self, **changes: Unpack[GapChange]) -> None:
        """Change the pending break."""
        self.note(gap=replace(self.gap, **changes))

    def do(self, *effects: Effect) -> None:
        """Want effects, in this order."""
        self.effects += effects

    def cue(self, cue: Cue) -> None:
        """Answer without words."""
        self.do(GiveCue(cue))

    def seal(self, body: SessionBody, private: Private | None = None, answer: Answer | None = None) -> None:
        """Want a record sealed."""
        self.do(Seal(body, private, answer))

    def seal_event(self, code: str, *values: tuple[str, int]) -> None:
        """Want an EVENT sealed."""
        session = self.machine.session
        self.seal(EventRecord(code, None if session is None else session.session_id, tuple(values)))

    def seal_fault(self, part: str, code: str, *, present: bool) -> None:
        """Want a FAULT sealed, of the recording that is going on if one is."""
        session = self.machine.session
        self.seal(Fault(part, code, present, None if session is None else session.session_id))

    def note_camera(self, *, out: bool) -> None:
        """Want the camera's FAULT sealed, or its end, where that is new (R18, CS-38)."""
        if self.machine.camera_out is not out:
            self.set(camera_out=out)
            self.seal_fault("camera", CAMERA_FAULT, present=out)

    def say(
        self,
        kind: PromptKind,
        phrase: Phrase,
        *,
        cause: str | None = None,
        at_utc_ns: int | None = None,
        codes: tuple[str, ...] = (),
        proof: bool = False,
        number: int | None = None,
    ) -> int:
        """Want something said.

        Returns:
            The speech's number.
        """
        speech = self.machine.speeches + 1
        self.set(speeches=speech)
        self.do(Speak(speech, kind, phrase, cause, at_utc_ns, codes, proof, number))
        return speech

    def media_time_ns(self, boottime_ns: int) -> int:
        """Session time of a moment; 0 before there is a session time."""
        zero_ns = self.session.zero_boottime_ns
        return 0 if zero_ns is None else max(0, boottime_ns - zero_ns)

    def seal_prompt(self, ended: PromptEnded, kind: PromptKind, repetition: int = 0) -> None:
        """Want a PROMPT sealed: the words as payload, the proof in the clear (CS-6)."""
        body = Prompt(
            session_id=self.session.session_id,
            kind=kind,
            started_media_time_ns=self.media_time_ns(ended.started_boottime_ns),
            ended_media_time_ns=self.media_time_ns(ended.ended_boottime_ns),
            started_boottime_ns=ended.started_boottime_ns,
            ended_boottime_ns=ended.ended_boottime_ns,
            complete=ended.complete,
            clip_hash=ended.clip_hash,
            heard=ended.heard,
            agreement_permille=ended.agreement_permille,
            delay_ms=ended.delay_ms,
            level_dbfs=ended.level_dbfs,
            repetition=repetition,
        )
        self.seal(body, {"words": ended.words})

    def seal_window(self, closed: WindowClosed, purpose: VoicePurpose, attempt: int, *, final: bool) -> None:
        """Want a VOICE_WINDOW sealed."""
        gap = self.session.gap
        explains = purpose is VoicePurpose.EXPLANATION and gap is not None
        body = VoiceWindow(
            session_id=self.session.session_id,
            purpose=purpose,
            opened_media_time_ns=self.media_time_ns(closed.opened_boottime_ns),
            closed_media_time_ns=self.media_time_ns(closed.closed_boottime_ns),
            accepted=closed.accepted,
            speech_ms=closed.speech_ms,
            longest_run_ms=closed.longest_run_ms,
            attempt=attempt,
            break_sequence=gap.sequence if explains and gap is not None else None,
            final=final,
        )
        self.seal(body)
