"""The timeline as a page of text that a person wants to read.

Rules of this module: a report in, text out. Chinese first; English on request. It needs no key and names nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Final

from sealing.finding_words import MEANINGS_ZH, place_zh
from sealing.findings import Finding, Severity
from sealing.labels import Words, duration, media_time, words
from sealing.layout import BEIJING, civil, clock, date, padded, uncertainty, width, wrapped
from sealing.report import Entry, Level, Report, SessionSummary, Standing

COLUMNS: Final = 100
_TIME_COLUMNS: Final = 12
_MEDIA_COLUMNS: Final = 11
_SIGNS: Final = {Level.PLAIN: " ", Level.NOTABLE: "•", Level.GOOD: "✓", Level.BAD: "!"}
_NOTICES: Final = {
    "heard": Words("已播报，录音中确认听到", "given, heard on the track"),
    "not-heard": Words("未能确认听到", "could not be confirmed as heard"),
    "spoken": Words("已播报", "spoken"),
    "none": Words("无", "none"),
}
_STATEMENTS: Final = {
    "given": Words("有", "given"),
    "missing": Words("没有听到", "not heard"),
    "none": Words("无", "none"),
}
_SEVERITIES: Final = {
    Severity.ERROR: Words("错误", "error"),
    Severity.WARNING: Words("注意", "warning"),
    Severity.INFORMATION: Words("说明", "note"),
}


def render_timeline(report: Report, language: str = "zh", zone: tzinfo = BEIJING) -> str:
    """Write the timeline of a verified chain.

    Args:
        report: What a verification found.
        language: zh or en.
        zone: Zone in which civil times are shown.
    """
    return "\n".join(_Page(language, zone).lines(report)).rstrip() + "\n"


class _Page:
    """Writes in one language and one zone."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        self._english = language == "en"
        self._zone = zone

    def lines(self, report: Report) -> Iterator[str]:
        yield from self._head(report)
        for session in report.sessions:
            yield from self._session(session, report.timeline)
        rest = [entry for entry in report.timeline if entry.session_id is None]
        if rest:
            yield from self._title(self._say("设备", "The unit"))
            yield from self._entries(rest)
        yield from self._foot(report)

    def _say(self, zh: str, en: str) -> str:
        return en if self._english else zh

    def _in(self, both: Words) -> str:
        return both.en if self._english else both.zh

    def _head(self, report: Report) -> Iterator[str]:
        device = report.device_id or self._say("未知", "unknown")
        yield self._say(f"录制时间线 · 设备 {device}", f"Timeline of unit {device}")
        yield "═" * COLUMNS
        yield from self._fact(self._say("核验结论", "Verdict"), self._verdict(report))
        grade = self._say("未知", "unknown") if report.grade is None else self._in(words("grade", report.grade.value))
        yield from self._fact(self._say("等级", "Grade"), grade)
        ranges = f"{report.first_sequence}–{report.last_sequence}"
        count, files = report.records, len(report.files)
        yield from self._fact(
            self._say("记录", "Records"),
            self._say(f"{ranges}，共 {count} 条，{files} 个文件", f"{ranges}: {count} in {files} files"),
        )
        yield from self._fact(self._say("末尾", "Tail"), self._say(report.tail.zh, report.tail.en))
        if report.pruned:
            freed = ", ".join(f"{first}–{last}" for first, last in report.pruned)
            yield from self._fact(self._say("已释放", "Freed"), freed)
        zone = self._zone.tzname(None) or self._say("本地时间", "local time")
        yield from self._fact(self._say("时间", "Times"), zone if not self._english else f"UTC{_offset(self._zone)}")

    def _verdict(self, report: Report) -> str:
        range_here = f"{report.first_sequence}–{report.last_sequence}"
        match report.standing:
            case Standing.CLEAN:
                return self._say("完整：与封存时一致", "intact: as it was sealed")
            case Standing.REMARKS:
                return self._say("与封存时一致，另有说明，见文末", "intact: as it was sealed, with remarks; see below")
            case Standing.PART:
                return self._say(
                    f"部分：第 {range_here} 条记录与封存时一致，并非整条链",
                    f"a part: records {range_here} are as they were sealed; this is not the whole chain",
                )
            case Standing.BROKEN:
                return self._say("不完整：与封存时不一致，见文末", "NOT intact: not as it was sealed; see below")

    def _fact(self, name: str, value: str) -> Iterator[str]:
        room = COLUMNS - _TIME_COLUMNS - 2
        for index, line in enumerate(wrapped(value, room)):
            yield f"  {padded('' if index else name, _TIME_COLUMNS)}{line}"

    def _title(self, text: str) -> Iterator[str]:
        yield ""
        yield f"{text} {'─' * max(COLUMNS - width(text) - 1, 3)}"

    def _session(self, session: SessionSummary, timeline: Sequence[Entry]) -> Iterator[str]:
        day = self._in(date(session.started_utc_ns, self._zone))
        begin = clock(session.started_utc_ns, self._zone)
        end = self._say("未结束", "open") if session.ended_utc_ns is None else clock(session.ended_utc_ns, self._zone)
        yield from self._title(
            self._say(
                f"第 {session.number} 次录制 · {day} {begin} 至 {end}",
                f"Session {session.number} · {day} {begin} to {end}",
            )
        )
        for name, value in self._session_facts(session):
            yield from self._fact(self._in(name), value)
        yield ""
        yield from self._entries([entry for entry in timeline if entry.session_id == session.session_id])

    def _session_facts(self, session: SessionSummary) -> Iterator[tuple[Words, str]]:
        officers = "、".join(session.officer_ids) or self._say("未领用", "not checked out")
        yield Words("执法人员", "Officers"), officers
        activity = [] if session.activity_id is None else [session.activity_id]
        named = (("activity", session.category), ("secrecy", session.label))
        activity += [self._in(words(table, code)) for table, code in named if code]
        if activity:
            yield Words("执法活动", "Activity"), " · ".join(activity)
        yield Words("告知", "Notice"), self._in(_NOTICES[session.notice])
        if session.statement != "none":
            yield Words("语音说明", "Statement"), self._in(_STATEMENTS[session.statement])
        yield Words("录像", "Footage"), self._footage(session)
        yield Words("中断", "Breaks"), self._breaks(session)
        source = self._in(words("source", session.time_source))
        error = self._in(uncertainty(session.uncertainty_ns))
        yield Words("时钟", "Clock"), self._say(f"{source}，{error}", f"{source}, {error}")

    def _footage(self, session: SessionSummary) -> str:
        runs = len(session.runs)
        recorded = sum(run.media_end_ns - run.media_start_ns for run in session.runs)
        pictures = {f"{run.width_pixels}×{run.height_pixels}" for run in session.runs if run.has_video}
        size = " / ".join(sorted(pictures)) or self._say("无画面", "no picture")
        mute = [str(run.number) for run in session.runs if not run.has_audio]
        text = self._say(
            f"{self._in(duration(recorded))}，{runs} 段，{session.frames} 帧（丢失 {session.dropped_frames}），{size}",
            f"{self._in(duration(recorded))} in {runs} runs, {session.frames} frames"
            f" ({session.dropped_frames} dropped), {size}",
        )
        if mute:
            text += self._say(f"；第 {'、'.join(mute)} 段无声音", f"; no sound in run {', '.join(mute)}")
        return text

    def _breaks(self, session: SessionSummary) -> str:
        if not session.breaks:
            return self._say("无", "none")
        missing = sum(1 for each in session.breaks if each.explained is False)
        text = self._say(f"{len(session.breaks)} 次", f"{len(session.breaks)}")
        if missing:
            text += self._say(f"，{missing} 次没有听到说明", f", {missing} without an explanation")
        return text

    def _entries(self, entries: Sequence[Entry]) -> Iterator[str]:
        head = padded(self._say("时间", "Time"), _TIME_COLUMNS) + padded(
            self._say("录像时刻", "In footage"), _MEDIA_COLUMNS
        )
        yield f"  {head}  {self._say('事项', 'What happened')}"
        day = ""
        for entry in entries:
            today = f"{civil(entry.utc_ns, self._zone):%F}"
            if day and today != day:
                yield f"  {self._in(date(entry.utc_ns, self._zone))}"
            day = today
            yield from self._entry(entry)

    def _entry(self, entry: Entry) -> Iterator[str]:
        at = "" if entry.media_time_ns is None else media_time(entry.media_time_ns)
        lead = f"  {padded(clock(entry.utc_ns, self._zone), _TIME_COLUMNS)}{padded(at, _MEDIA_COLUMNS)}"
        text = self._say(entry.zh, entry.en)
        for index, line in enumerate(wrapped(text, COLUMNS - width(lead) - 2)):
            sign = _SIGNS[entry.level] if index == 0 else " "
            yield f"{lead if index == 0 else ' ' * width(lead)}{sign} {line}"

    def _foot(self, report: Report) -> Iterator[str]:
        if not report.findings:
            return
        yield from self._title(self._say("核验发现", "Findings"))
        for finding in report.findings:
            label = self._in(_SEVERITIES[finding.severity])
            for index, line in enumerate(self._finding(finding)):
                yield f"  {padded('' if index else label, _TIME_COLUMNS - 2)}{line}"

    def _finding(self, finding: Finding) -> Iterator[str]:
        room = COLUMNS - _TIME_COLUMNS
        if self._english:
            yield from wrapped(str(finding), room)
            return
        more = f"，另有同类 {finding.more} 处" if finding.more else ""
        yield from wrapped(f"{MEANINGS_ZH[finding.code]}（{place_zh(finding.place)}{more}）", room)
        yield from wrapped(f"{finding.code}: {finding.detail}", room)


def _offset(zone: tzinfo) -> str:
    offset = zone.utcoffset(None)
    if offset is None:
        return ""
    minutes = round(offset.total_seconds() / 60)
    return f"{minutes // 60:+03d}:{minutes % 60:02d}"
