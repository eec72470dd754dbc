"""Opens a verified chain for the back office: playable footage and the words of its events.

Rules of this module: it verifies first and opens nothing of a chain that is not intact; it writes a session's folder
whole or not at all, and never over another one unless it is told to.

    <out>/session-0001/run-01.mp4 …   one for each unbroken run
                       session.mp4    all runs, breaks collapsed, chapters naming runs and breaks
                       events.json    every event with its decrypted words
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

from sealing.errors import SealingError
from sealing.initsegment import init_segment
from sealing.labels import Words, duration, words
from sealing.layout import BEIJING, clock
from sealing.mp4 import Chapter, Film, MediaFileError, join, measure, remux
from sealing.opener_records import ClearRecord, clear_records, words_of
from sealing.opener_words import OpenedEvent, belongs, is_told, session_events
from sealing.reader import in_order, sealed_files
from sealing.records import Fragment, SessionStart
from sealing.report import Report, RunSummary, SessionSummary
from sealing.suites import RecipientPrivateKey
from sealing.trust import Trust
from sealing.verifier import Asked, verify_chain

Progress = Callable[[int, int], None]
"""Told bytes opened and bytes in all."""
_SESSION_VIDEO: Final = "session.mp4"
_EVENTS: Final = "events.json"


class OpenError(SealingError):
    """The chain cannot be opened into the folder that was named."""


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """One run as a film."""

    number: int
    path: Path
    frames: int
    seconds: float
    has_video: bool
    has_audio: bool


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What was written for one session."""

    session_id: str
    number: int
    directory: Path
    runs: tuple[OpenedRun, ...]
    session_video: Path | None
    """None where nothing was recorded."""
    events: Path


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """How a chain is opened."""

    require_evidence: bool = False
    """Refuse chains of the grade SIMULATED."""
    overwrite: bool = False
    """Replace folders of sessions that are there already."""
    language: str = "zh"
    """Language of chapter titles, zh or en."""
    zone: tzinfo = BEIJING
    """Zone of the times in them."""
    part: bool = False
    """The files are a part of a chain, such as an exported clip."""


_DEFAULTS: Final = OpenOptions()


def open_sealed(
    files: Sequence[Path],
    trust: Trust,
    recipient_keys: Sequence[RecipientPrivateKey],
    out_directory: Path,
    options: OpenOptions = _DEFAULTS,
    progress: Progress | None = None,
) -> tuple[OpenedSession, ...]:
    """Verify a chain, decrypt it and write each session's folder.

    Args:
        files: Sealed files, or folders of them.
        trust: What the caller trusts.
        recipient_keys: Private keys of recipients; one that the files are sealed to is enough.
        out_directory: Where the sessions' folders go; made if it is not there.
        options: How it is opened.
        progress: Told how far it has come.

    Raises:
        ChainError, NotEvidenceError, NotSealedError: As `verify_chain`; nothing was written.
        UndecryptableError: No key fits, or a payload does not open; nothing was written for its session.
        MediaFileError: Fragments do not make the film that the records promise.
        OpenError: A session's folder is there already.
        OSError: A file cannot be read or written.
    """
    report = verify_chain(files, trust, options.require_evidence, asked=Asked(part=options.part))
    paths = {path.name: path for path in in_order([each for path in files for each in sealed_files(path)])}
    targets = {session.session_id: out_directory / _folder(session) for session in report.sessions}
    if not options.overwrite:
        _refuse_existing(list(targets.values()))
    out_directory.mkdir(parents=True, exist_ok=True)
    staging = {session_id: _fresh(target) for session_id, target in targets.items()}
    try:
        opening = _Opening(report, staging)
        opening.read(paths, recipient_keys, progress)
        writer = _SessionWriter(report, opening, _Titles(options.language, options.zone))
        written = [writer.write(session, staging[session.session_id]) for session in report.sessions]
        return tuple(_publish(each, targets[each.session_id]) for each in written)
    finally:
        for folder in staging.values():
            shutil.rmtree(folder, ignore_errors=True)


def _folder(session: SessionSummary) -> str:
    return f"session-{session.number:04d}"


def _refuse_existing(targets: Sequence[Path]) -> None:
    there = [target for target in targets if target.exists()]
    if there:
        raise OpenError(f"{there[0]} is there already; name another folder, or say that it may be replaced")


def _fresh(target: Path) -> Path:
    """An empty folder beside the target; what a killed opening left there goes."""
    folder = target.with_name(f".{target.name}.partial")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _publish(session: OpenedSession, target: Path) -> OpenedSession:
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    session.directory.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    runs = tuple(
        OpenedRun(run.number, target / run.path.name, run.frames, run.seconds, run.has_video, run.has_audio)
        for run in session.runs
    )
    video = None if session.session_video is None else target / session.session_video.name
    return OpenedSession(session.session_id, session.number, target, runs, video, target / session.events.name)


class _Opening:
    """One pass over all files: fragments to streams, words to events."""

    def __init__(self, report: Report, staging: dict[str, Path]) -> None:
        self._report = report
        self._staging = staging
        self._stream: tuple[Path, BinaryIO] | None = None
        self.events: list[OpenedEvent] = []
        self.checkouts: dict[str, int | None] = {}
        """Sequence number of the CHECKOUT in force, by session id."""

    def read(self, paths: dict[str, Path], keys: Sequence[RecipientPrivateKey], progress: Progress | None) -> None:
        """Decrypt all files in the order of the chain."""
        total, done = sum(facts.size_bytes for facts in self._report.files), 0
        try:
            for facts in self._report.files:
                for record in clear_records(paths[facts.name], facts, keys):
                    self._record(record)
                done += facts.size_bytes
                if progress is not None:
                    progress(done, total)
        finally:
            self._end_stream()

    def stream_of(self, session_id: str, run: int) -> Path:
        """Path of a run's stream of fragments."""
        return self._staging[session_id] / f"run-{run:02d}.fragments"

    def _record(self, record: ClearRecord) -> None:
        body = record.header.body
        if isinstance(body, Fragment):
            self._fragment(record, body)
        elif is_told(record.header):
            self.events.append(OpenedEvent(record.header, record.file, words_of(record)))
        if isinstance(body, SessionStart):
            self.checkouts[body.session_id.hex()] = body.checkout_sequence

    def _fragment(self, record: ClearRecord, body: Fragment) -> None:
        run = record.run
        if run is None:
            raise MediaFileError(f"record {record.header.sequence} is a fragment outside a run")
        data, path = record.payload, self.stream_of(run.session_id.hex(), run.run)
        header = init_segment(data) if body.index == 0 else b""
        if body.index == 0 and record.suite.digest(header) != run.init_hash:
            raise MediaFileError(f"record {record.header.sequence}: the film's header is not the one that OPEN names")
        if self._stream is None or self._stream[0] != path:
            self._end_stream()
            self._stream = (path, path.open("ab"))
        stream = self._stream[1]
        # All files of a run share codec and tracks: the first one's header serves them all.
        stream.write(data if stream.tell() == 0 else data[len(header) :])

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None


class _Titles:
    """Names of chapters."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        self._english = language == "en"
        self._zone = zone

    def of_run(self, session: SessionSummary, run: RunSummary) -> str:
        """Name a run, and the break in front of it where there was one."""
        begin = clock(run.started_utc_ns, self._zone)[:-2]
        title = f"Run {run.number} {begin}" if self._english else f"第 {run.number} 段 {begin}"
        before = [each for each in session.breaks if each.resumed_media_time_ns is not None]
        broken = next((each for each in before if _leads_to(each.resumed_media_time_ns, run)), None)
        if broken is None:
            return title
        cause, length = words("cause", broken.cause), duration(broken.duration_ns or 0)
        both = Words(
            f"（中断 {broken.number}：{cause.zh}，{length.zh}后）",
            f" (after break {broken.number}: {cause.en}, {length.en})",
        )
        return title + (both.en if self._english else both.zh)


_NEAR_NS: Final = 2_000_000_000


def _leads_to(resumed_ns: int | None, run: RunSummary) -> bool:
    return resumed_ns is not None and abs(resumed_ns - run.media_start_ns) < _NEAR_NS


class _SessionWriter:
    """Writes sessions' folders from what was decrypted."""

    def __init__(self, report: Report, opening: _Opening, titles: _Titles) -> None:
        self._report = report
        self._opening = opening
        self._titles = titles
        self._timeline = {entry.sequence: entry for entry in report.timeline if entry.code != "RUN"}

    def write(self, session: SessionSummary, folder: Path) -> OpenedSession:
        """Write one session into an empty folder."""
        films = [self._run(session, run, folder) for run in session.runs]
        video = folder / _SESSION_VIDEO if films else None
        if video is not None:
            join(films, video, self._chapters(session, films))
        runs = tuple(
            OpenedRun(run.number, film.path, film.frames, float(film.seconds), film.has_video, film.has_audio)
            for run, film in zip(session.runs, films, strict=True)
        )
        return OpenedSession(
            session.session_id, session.number, folder, runs, video, self._events(session, folder / _EVENTS)
        )

    def _run(self, session: SessionSummary, run: RunSummary, folder: Path) -> Film:
        stream = self._opening.stream_of(session.session_id, run.number)
        film = remux(measure(stream), folder / f"run-{run.number:02d}.mp4")
        stream.unlink()
        if film.frames != run.frames:
            raise MediaFileError(f"run {run.number} has {film.frames} frames; {run.frames} were sealed")
        return film

    def _chapters(self, session: SessionSummary, films: Sequence[Film]) -> list[Chapter]:
        chapters, position = [], Fraction(0)
        for run, film in zip(session.runs, films, strict=True):
            end = position + film.seconds
            chapters.append(Chapter(self._titles.of_run(session, run), position, end))
            position = end
        return chapters

    def _events(self, session: SessionSummary, path: Path) -> Path:
        checkout = self._opening.checkouts.get(session.session_id)
        mine = [event for event in self._opening.events if belongs(event, session, checkout)]
        told = session_events(self._report.device_id or "", session, mine, self._timeline)
        path.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return path
