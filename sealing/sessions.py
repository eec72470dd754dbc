"""Gathers what the records say into sessions and a timeline.

Rules of this module: no I/O; only records that carry the chain on come here, so that nothing untrue is told. What it
keeps grows with events and runs, not with fragments.
"""

from __future__ import annotations

from dataclasses import replace

from sealing.findings import Place
from sealing.framing import RecordHeader
from sealing.labels import Words
from sealing.narrative import line_of
from sealing.records import (
    Boot,
    Break,
    Checkout,
    Delete,
    Fragment,
    Mark,
    Open,
    Preflight,
    Prompt,
    ReceiptSeal,
    Resume,
    SessionEnd,
    SessionStart,
    VoiceWindow,
)
from sealing.report import Entry, Level, SessionSummary
from sealing.run_tally import civil_ns
from sealing.session_draft import SessionDraft

_COUNTED = {
    "RECEIPT": Words("存储端签收 {} 个文件", "{} files receipted by the store"),
    "DELETE": Words("释放已签收的文件 {} 个", "{} receipted files freed"),
}


class SessionBook:
    """Takes records in the order of the chain; gives sessions and the timeline at the end."""

    def __init__(self) -> None:
        self._drafts: dict[bytes, SessionDraft] = {}
        self._current: SessionDraft | None = None
        self._entries: list[tuple[tuple[int, int, int], Entry]] = []
        self._checkout: Checkout | None = None
        self._boot_boottime_ns = 0
        self._versions: dict[str, None] = {}
        self._drivers: dict[str, None] = {}
        self._counting: tuple[str, int] = ("", 0)

    @property
    def software_versions(self) -> tuple[str, ...]:
        """Versions that recorded, in order."""
        return tuple(self._versions)

    @property
    def driver_sets(self) -> tuple[str, ...]:
        """Driver sets that recorded, in order."""
        return tuple(self._drivers)

    def sessions(self) -> tuple[SessionSummary, ...]:
        """All sessions, in the order of their beginning."""
        return tuple(draft.summary() for draft in self._drafts.values())

    def timeline(self) -> tuple[Entry, ...]:
        """All entries in the order in which they happened."""
        return tuple(entry for _, entry in sorted(self._entries, key=lambda pair: pair[0]))

    def record(self, header: RecordHeader, place: Place) -> None:
        """Take a record."""
        body = header.body
        if isinstance(body, Fragment):  # nearly every record: nothing else is asked of it
            self._fragment(header, body, place)
            return
        if isinstance(body, Boot):
            self._boot_boottime_ns = header.boottime_ns
            self._versions[body.software_version] = None
            self._drivers[body.driver_set] = None
        if isinstance(body, Checkout):
            self._checkout = body
        draft = self._draft_of(header)
        if draft is not None:
            draft.record(header)
        self._tell(header, draft, place)

    def _fragment(self, header: RecordHeader, body: Fragment, place: Place) -> None:
        draft = self._current
        if draft is not None and draft.fragment(header, body):
            self._tell_run(header, draft, body, place)

    def _draft_of(self, header: RecordHeader) -> SessionDraft | None:
        body = header.body
        if isinstance(body, SessionStart):
            self._current = SessionDraft(body.session_id, header, self._checkout)
            self._drafts[body.session_id] = self._current
            return self._current
        if isinstance(body, Open):
            self._current = None if body.run is None else self._known(body.run.session_id, header)
            return self._current
        if isinstance(body, Preflight | Mark | VoiceWindow | Break | Resume | SessionEnd):
            return self._known(body.session_id, header)
        if isinstance(body, Prompt):
            return None if body.session_id is None else self._known(body.session_id, header)
        return self._current

    def _known(self, session_id: bytes, header: RecordHeader) -> SessionDraft:
        """The draft of a session, begun here where its SESSION_START is not among the files."""
        draft = self._drafts.get(session_id)
        if draft is None:
            draft = self._drafts[session_id] = SessionDraft(session_id, header, None)
        return draft

    def _tell_run(self, header: RecordHeader, draft: SessionDraft, body: Fragment, place: Place) -> None:
        utc_ns = civil_ns(header, body.captured_boottime_ns)
        text = Words(f"第 {draft.run_number} 段开始", f"Run {draft.run_number} begins")
        media_ns = draft.run_media_start_ns
        self._add(header, place, draft, "RUN", Level.PLAIN, text, (utc_ns, body.captured_boottime_ns, media_ns))

    def _tell(self, header: RecordHeader, draft: SessionDraft | None, place: Place) -> None:
        if isinstance(header.body, ReceiptSeal | Delete):
            self._count(header, place)
            return
        line = line_of(header)
        if line is None:
            return
        self._counting = ("", 0)
        utc_ns, boottime_ns = self._moment(header, line.lasted_ns)
        when = (utc_ns, boottime_ns, _media_time(header))
        shown = None if isinstance(header.body, Boot) else draft
        self._add(header, place, shown, header.type.name, line.level, line.text, when)

    def _moment(self, header: RecordHeader, lasted_ns: int) -> tuple[int, int]:
        """Civil and monotonic time of a happening that may have begun before it was sealed."""
        body = header.body
        boottime_ns = header.boottime_ns - lasted_ns
        if isinstance(body, Prompt):
            boottime_ns = body.started_boottime_ns
        elif isinstance(body, Mark | SessionStart):
            boottime_ns = body.pressed_boottime_ns
        elif isinstance(body, Break) and body.last_frame_utc_ns is not None:
            seen = body.last_frame_boottime_ns or 0
            same_run = self._boot_boottime_ns <= seen <= header.boottime_ns
            return body.last_frame_utc_ns, seen if same_run else header.boottime_ns
        elif isinstance(body, Resume):
            return body.first_frame_utc_ns, min(body.first_frame_boottime_ns, header.boottime_ns)
        return civil_ns(header, boottime_ns), boottime_ns

    def _count(self, header: RecordHeader, place: Place) -> None:
        """Tell receipts and deletions that stand together in one line."""
        code = header.type.name
        count = self._counting[1] + 1 if self._counting[0] == code else 1
        self._counting = (code, count)
        text = Words(_COUNTED[code].zh.format(count), _COUNTED[code].en.format(count))
        if count > 1:
            key, entry = self._entries[-1]
            self._entries[-1] = (key, replace(entry, zh=text.zh, en=text.en))
            return
        self._add(header, place, None, code, Level.PLAIN, text, (header.utc_ns, header.boottime_ns, None))

    def _add(
        self,
        header: RecordHeader,
        place: Place,
        draft: SessionDraft | None,
        code: str,
        level: Level,
        text: Words,
        when: tuple[int, int, int | None],
    ) -> None:
        utc_ns, boottime_ns, media_ns = when
        entry = Entry(
            utc_ns=utc_ns,
            uncertainty_ns=header.uncertainty_ns,
            time_source=header.time_source,
            media_time_ns=media_ns,
            session_id=None if draft is None else draft.session_id.hex(),
            sequence=header.sequence,
            file=place.file,
            code=code,
            level=level,
            zh=text.zh,
            en=text.en,
        )
        self._entries.append(((header.boot_number, boottime_ns, header.sequence), entry))


def _media_time(header: RecordHeader) -> int | None:
    body = header.body
    if isinstance(body, Prompt):
        return None if body.session_id is None else body.started_media_time_ns
    if isinstance(body, VoiceWindow):
        return body.opened_media_time_ns
    if isinstance(body, Mark | Break | Resume | SessionEnd):
        return body.media_time_ns
    return None
