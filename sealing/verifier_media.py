"""Continuity of footage without a key: frames, samples, times, runs, breaks (step 12 of `FORMAT.md`, section 8).

Rules of this module: no I/O; only records that carry the chain on come here. Where the chain has a hole, the numbers
begin anew: the hole itself is reported elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.records import Boot, Break, Close, FileKind, Fragment, Open, Resume, RunFacts, SessionEnd, SessionStart

_BEFORE_ALL = -1
"""Generation of a session whose footage so far was freed: its numbers begin with the next file."""


@dataclass(slots=True)
class _Session:
    """Where the numbers of one session stand."""

    generation: int
    next_frame: int
    next_sample: int
    run: int = 0
    run_file: int = 0
    last_video_pts: int = -1
    last_audio_pts: int = -1
    breaks: set[int] = field(default_factory=set)
    pending: bool = False
    """A BREAK stands and its RESUME does not."""
    restarted: bool = False
    """The agent started anew since the last fragment, and no BREAK was sealed."""
    announced: int = 0
    """Run that the last RESUME begins; the agent may end before a file of it opens."""
    runs: int = 0
    frames: int = 0
    complete: bool = False
    """All of it was read, from its SESSION_START."""


class Media:
    """Follows sessions and their footage.

    Args:
        findings: Where faults go.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._sessions: dict[bytes, _Session] = {}
        self._run: RunFacts | None = None
        self._fragments: int | None = None
        self._kind: FileKind | None = None

    def begin_file(self) -> None:
        """Forget the file before: its OPEN says nothing of this one."""
        self._run, self._fragments, self._kind = None, None, None

    def record(self, header: RecordHeader, place: Place, generation: int) -> None:
        """Check what a record says of footage."""
        body = header.body
        match body:
            case Open():
                self._open(body, place, generation)
            case Fragment():
                self._fragment(body, place, generation)
            case Close():
                self._close(body, place, generation)
            case SessionStart():
                self._sessions[body.session_id] = _Session(generation, 0, 0, complete=True)
            case Break():
                self._break(body, header, place, generation)
            case Resume():
                self._resume(body, place, generation)
            case SessionEnd():
                self._end(body, place, generation)
            case Boot():
                for session in self._sessions.values():
                    session.restarted = session.runs > 0
            case _:
                pass

    def _open(self, body: Open, place: Place, generation: int) -> None:
        self._kind, self._run, self._fragments = body.kind, body.run, 0
        run = body.run
        if run is None:
            return
        session = self._sessions.get(run.session_id)
        if session is None or session.generation != generation:
            session = self._anew(run, generation, session)
        if (run.first_frame, run.first_sample) != (session.next_frame, session.next_sample):
            numbers = f"frame {run.first_frame}, sample {run.first_sample}"
            wanted = f"frame {session.next_frame}, sample {session.next_sample}"
            self._fault(place, f"the file is to begin at {numbers}; {wanted} come next")
        self._check_run(run, session, place)

    def _check_run(self, run: RunFacts, session: _Session, place: Place) -> None:
        if run.run == session.run:
            if run.run_file != session.run_file + 1:
                self._fault(place, f"file {run.run_file} of run {run.run} follows file {session.run_file}")
            if session.restarted:
                self._fault(place, f"run {run.run} goes on over a new start of the agent")
        elif run.run < session.run or run.run_file != 0:
            self._fault(place, f"run {run.run}, file {run.run_file} follows run {session.run}, file {session.run_file}")
        else:
            session.runs += 1
        session.run, session.run_file = run.run, run.run_file

    def _anew(self, run: RunFacts, generation: int, before: _Session | None) -> _Session:
        """Take a session's numbers as the file gives them, for what came before is unknown."""
        session = _Session(generation, run.first_frame, run.first_sample, run.run, run.run_file - 1)
        session.breaks = set() if before is None else before.breaks
        session.runs = 1
        self._sessions[run.session_id] = session
        return session

    def _fragment(self, body: Fragment, place: Place, generation: int) -> None:
        session = None if self._run is None else self._sessions.get(self._run.session_id)
        if session is None or self._run is None:
            return
        if session.generation != generation:
            session.generation, session.complete = generation, False
            session.next_frame, session.next_sample = body.first_frame, body.first_sample
            self._fragments = body.index
        self._check_numbers(body, session, place)
        self._check_tracks(body, self._run, place)
        self._check_times(body, session, place)
        if session.pending:
            self._fault(place, "footage between a BREAK and its RESUME")
        session.next_frame = body.first_frame + body.frame_count
        session.next_sample = body.first_sample + body.sample_count
        session.frames += body.frame_count
        session.restarted = False
        self._fragments = body.index + 1

    def _check_numbers(self, body: Fragment, session: _Session, place: Place) -> None:
        if body.index != self._fragments:
            self._fault(place, f"fragment {body.index} stands where fragment {self._fragments} comes next")
        for name, found, wanted in (
            ("frame", body.first_frame, session.next_frame),
            ("sample", body.first_sample, session.next_sample),
        ):
            if found != wanted:
                what = "missing" if found > wanted else "repeated"
                self._fault(place, f"{name}s {what}: the fragment begins at {found}, {wanted} comes next")

    def _check_tracks(self, body: Fragment, run: RunFacts, place: Place) -> None:
        if not body.frame_count and not body.sample_count:
            self._fault(place, "a fragment without a frame or a sample")
        if (body.frame_count and not run.has_video) or (body.sample_count and not run.has_audio):
            self._fault(place, "a fragment carries a track that its file does not have")

    def _check_times(self, body: Fragment, session: _Session, place: Place) -> None:
        if body.frame_count:
            span = body.last_video_pts - body.first_video_pts
            if body.first_video_pts <= session.last_video_pts or span < body.frame_count - 1:
                self._fault(place, f"frame times do not rise ({body.first_video_pts} to {body.last_video_pts}, 90 kHz)")
            session.last_video_pts = body.last_video_pts
        if body.sample_count:
            if body.first_audio_pts <= session.last_audio_pts:
                self._fault(place, f"sample times do not rise ({body.first_audio_pts}, 48 kHz)")
            session.last_audio_pts = body.first_audio_pts

    def _close(self, body: Close, place: Place, generation: int) -> None:
        session = None if self._run is None else self._sessions.get(self._run.session_id)
        if self._kind is FileKind.LEDGER and body.fragments:
            self._fault(place, f"CLOSE of a ledger file counts {body.fragments} fragments")
        if session is not None and session.generation == generation:
            said = (body.fragments, body.next_frame, body.next_sample)
            found = (self._fragments, session.next_frame, session.next_sample)
            if said != found:
                self._fault(place, f"CLOSE says fragments, next frame, next sample {said}; the file has {found}")
        self._run = None

    def _break(self, body: Break, header: RecordHeader, place: Place, generation: int) -> None:
        session = self._sessions.setdefault(body.session_id, _Session(_BEFORE_ALL, 0, 0))
        session.breaks.add(header.sequence)
        session.pending, session.restarted = True, False
        if session.generation == generation and session.run and body.run not in (session.run, session.announced):
            self._fault(place, f"BREAK ends run {body.run}; run {session.run} was the last")

    def _resume(self, body: Resume, place: Place, generation: int) -> None:
        session = self._sessions.setdefault(body.session_id, _Session(_BEFORE_ALL, 0, 0))
        if session.generation == generation and body.break_sequence not in session.breaks:
            self._fault(place, f"RESUME names record {body.break_sequence}, which is no BREAK of the session")
        session.pending, session.announced = False, body.run

    def _end(self, body: SessionEnd, place: Place, generation: int) -> None:
        session = self._sessions.pop(body.session_id, None)
        if session is None or session.generation != generation or not session.complete:
            return
        if body.frames != session.frames:
            detail = f"SESSION_END counts {body.frames} frames; {session.frames} were sealed"
            self._findings.add(Code.COUNTS_DIFFER, place, detail)

    def _fault(self, place: Place, detail: str) -> None:
        self._findings.add(Code.CONTINUITY, place, detail)
