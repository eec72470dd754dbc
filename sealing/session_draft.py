"""One session while its records are being read.

Rules of this module: no I/O; a record in, nothing out until `summary`. What is missing from the files stays None.
"""

from __future__ import annotations

from dataclasses import replace

from sealing.framing import RecordHeader
from sealing.records import (
    Break,
    Checkout,
    Fragment,
    Mark,
    Open,
    Preflight,
    Prompt,
    PromptKind,
    Resume,
    RunFacts,
    SessionEnd,
    SessionStart,
    StateSnapshot,
    VoicePurpose,
    VoiceWindow,
)
from sealing.report import BreakSummary, CheckSummary, MarkSummary, SessionSummary, SpanSummary
from sealing.run_tally import RunTally, civil_ns


class SessionDraft:
    """Gathers one session.

    Args:
        session_id: Its id.
        header: The first record that names it.
        checkout: The CHECKOUT in force, if one was read.
    """

    def __init__(self, session_id: bytes, header: RecordHeader, checkout: Checkout | None) -> None:
        self.session_id = session_id
        self._header = header
        self._checkout = checkout
        self._start: SessionStart | None = header.body if isinstance(header.body, SessionStart) else None
        self._snapshot: StateSnapshot | None = None
        self._preflight: Preflight | None = None
        self._end: tuple[SessionEnd, int] | None = None
        self._facts: RunFacts | None = None
        self._file_number = 0
        self._runs: dict[int, RunTally] = {}
        self._breaks: dict[int, BreakSummary] = {}
        self._spans: list[SpanSummary] = []
        self._marks: list[MarkSummary] = []

    @property
    def run_number(self) -> int:
        """Number of the run that is being read."""
        return 0 if self._facts is None else self._facts.run

    @property
    def run_media_start_ns(self) -> int:
        """Media time of the beginning of that run."""
        run = self._runs.get(self.run_number)
        return 0 if run is None else run.media_start_ns

    def record(self, header: RecordHeader) -> None:
        """Take a record of the session, any but a FRAGMENT."""
        body = header.body
        match body:
            case Open():
                self._snapshot, self._facts, self._file_number = body.snapshot, body.run, body.file_number
            case Preflight():
                self._preflight = body
            case Prompt():
                self._prompt(header, body)
            case VoiceWindow():
                self._window(header, body)
            case Mark():
                self._mark(header, body)
            case Break():
                self._break(header, body)
            case Resume():
                self._resume(body)
            case SessionEnd():
                self._end = (body, civil_ns(header, body.ended_boottime_ns))
            case _:
                pass

    def fragment(self, header: RecordHeader, body: Fragment) -> bool:
        """Take a fragment; tells whether it is the first one of a run."""
        facts = self._facts
        if facts is None:
            return False
        known = self._runs.get(facts.run)
        run = known or self._runs.setdefault(facts.run, RunTally(header, body, facts))
        run.add(body, facts, self._file_number)
        return known is None

    def _prompt(self, header: RecordHeader, body: Prompt) -> None:
        start, end = body.started_media_time_ns, body.ended_media_time_ns
        self._spans.append(
            SpanSummary(
                body.kind.value, False, header.sequence, start, end, body.heard, None, body.repetition, final=True
            )
        )

    def _window(self, header: RecordHeader, body: VoiceWindow) -> None:
        self._spans.append(
            SpanSummary(
                kind=body.purpose.value,
                listening=True,
                sequence=header.sequence,
                start_ns=body.opened_media_time_ns,
                end_ns=body.closed_media_time_ns,
                good=body.accepted,
                speech_ms=body.speech_ms,
                repetition=body.attempt,
                final=body.final,
            )
        )
        known = self._breaks.get(body.break_sequence or 0)
        if known is not None and (body.accepted or body.final):
            self._breaks[known.sequence] = replace(known, explained=known.explained or body.accepted)

    def _mark(self, header: RecordHeader, body: Mark) -> None:
        utc_ns = civil_ns(header, body.pressed_boottime_ns)
        mark = MarkSummary(body.number, header.sequence, body.frame, body.media_time_ns, utc_ns, body.category)
        self._marks = [*(each for each in self._marks if each.number != body.number), mark]

    def _break(self, header: RecordHeader, body: Break) -> None:
        self._breaks[header.sequence] = BreakSummary(
            number=body.number,
            sequence=header.sequence,
            cause=body.cause,
            origin=body.origin.value,
            cause_allowed=body.cause_allowed,
            began_utc_ns=header.utc_ns if body.last_frame_utc_ns is None else body.last_frame_utc_ns,
            media_time_ns=body.media_time_ns,
            ended_utc_ns=None,
            resumed_media_time_ns=None,
            duration_ns=None,
            duration_certain=False,
            automatic=False,
            explained=None,
        )

    def _resume(self, body: Resume) -> None:
        known = self._breaks.get(body.break_sequence)
        if known is not None:
            self._breaks[known.sequence] = replace(
                known,
                ended_utc_ns=body.first_frame_utc_ns,
                resumed_media_time_ns=body.media_time_ns,
                duration_ns=body.duration_ns,
                duration_certain=body.duration_certain,
                automatic=body.automatic,
            )

    def summary(self) -> SessionSummary:
        """The session as far as its records were read."""
        start, snapshot, header = self._start, self._snapshot, self._header
        runs = tuple(run.summary() for run in self._runs.values())
        checks = () if self._preflight is None else self._preflight.checks
        profile = start or snapshot
        return SessionSummary(
            session_id=self.session_id.hex(),
            number=start.session_number if start else snapshot.session_number if snapshot else 0,
            profile_id=profile.profile_id if profile else "",
            profile_hash=profile.profile_hash.hex() if profile else "",
            checked_out=(start or snapshot) is not None and (start or snapshot).checkout_sequence is not None,  # type: ignore[union-attr]
            officer_ids=self._officers(),
            activity_id=snapshot.activity_id if snapshot else None,
            category=snapshot.category if snapshot else None,
            label=snapshot.label if snapshot else None,
            started_utc_ns=civil_ns(header, start.pressed_boottime_ns) if start else header.utc_ns,
            ended_utc_ns=self._end[1] if self._end else None,
            end_reason=self._end[0].reason if self._end else None,
            time_source=header.time_source,
            uncertainty_ns=header.uncertainty_ns,
            preflight=self._preflight.verdict.value if self._preflight else None,
            checks=tuple(
                CheckSummary(each.check, each.verdict.value, each.figure, each.threshold, each.unit) for each in checks
            ),
            notice=self._notice(),
            statement=self._statement(),
            runs=runs,
            breaks=tuple(self._breaks.values()),
            spans=tuple(self._spans),
            marks=tuple(self._marks),
            frames=sum(run.frames for run in runs),
            samples=sum(run.samples for run in runs),
            dropped_frames=sum(run.dropped_frames for run in runs),
            media_start_ns=min((run.media_start_ns for run in runs), default=0),
            media_end_ns=max((run.media_end_ns for run in runs), default=0),
        )

    def _officers(self) -> tuple[str, ...]:
        if self._snapshot is not None:
            return self._snapshot.officer_ids
        return () if self._checkout is None else self._checkout.officer_ids

    def _notice(self) -> str:
        purpose = VoicePurpose.NOTICE_BY_OFFICER.value
        spoken = [span for span in self._spans if span.kind in (PromptKind.NOTICE.value, purpose)]
        if any(span.good for span in spoken):
            return "heard"
        if any(span.good is False for span in spoken):
            return "not-heard"
        return "spoken" if spoken else "none"

    def _statement(self) -> str:
        windows = [span for span in self._spans if span.kind == VoicePurpose.STATEMENT.value]
        if any(span.good for span in windows):
            return "given"
        return "missing" if windows else "none"
