"""One session's band of the picture: facts, checks, axis, lanes, labels.

Rules of this module: a session in, markup and height out. Lanes grow with their labels, so that nothing overlaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from sealing.labels import Words, duration, figure_words, media_time, words
from sealing.layout import civil, clock
from sealing.picture_scale import Label, Scale, rows_of
from sealing.picture_svg import Style, box, diamond, line, pill, text, text_width
from sealing.report import BreakSummary, RunSummary, SessionSummary, SpanSummary

_NS: Final = 1_000_000_000
_GUTTER: Final = 92
_PADDING: Final = 20
_BAR: Final = 26.0
_THIN: Final = 14.0
_ROW: Final = 19.0
_LABEL: Final = 12.5
_LABEL_ROWS_MAX: Final = 4
_NAMED_MARKS_MAX: Final = 6
"""More marks than that are told by their numbers alone."""
_TICKS_APART: Final = 96.0
_INK: Final = "#2b2f33"
_FAINT: Final = "#7b8188"
_VIDEO, _AUDIO, _NOTICE, _PROMPT, _HEARD, _UNHEARD, _MARK = (
    "#3d6fa5",
    "#4b9a90",
    "#c98b22",
    "#8672b0",
    "#2f8f5b",
    "#c4473a",
    "#d1512d",
)
_VERDICTS: Final = {
    "pass": (("#dff1e4", "#1f6b3b"), "✓"),
    "degraded": (("#fbeccb", "#7d5a0b"), "!"),
    "fail": (("#f9dcd8", "#a3261b"), "✗"),
}
_NOTICES: Final = {
    "heard": Words("告知已确认听到", "notice heard"),
    "not-heard": Words("告知未确认听到", "notice not confirmed"),
    "spoken": Words("已告知", "notice spoken"),
    "none": Words("无告知", "no notice"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How the picture speaks and how wide it is."""

    english: bool
    zone: tzinfo
    left: float
    right: float

    def say(self, zh: str, en: str) -> str:
        """Choose by language."""
        return en if self.english else zh

    def words(self, both: Words) -> str:
        """Choose by language."""
        return both.en if self.english else both.zh


class Band:
    """Draws one session.

    Args:
        session: The session.
        look: How the picture speaks and how wide it is.
    """

    def __init__(self, session: SessionSummary, look: Look) -> None:
        self._session = session
        self._look = look
        self._left, self._right = look.left + _PADDING + _GUTTER, look.right - _PADDING
        first, last = _edges(session)
        self._scale = Scale(first, last, _gaps(session, last), self._left, self._right)
        self._parts: list[str] = []
        self._y = 0.0

    def draw(self, top: float) -> tuple[str, float]:
        """Draw the band with its upper edge at `top`; returns markup and height."""
        self._y = top + _PADDING
        self._title()
        self._checks()
        if self._session.runs:
            self._break_labels()
            axis_y = self._y
            self._axis()
            lanes_y = self._y
            self._runs_lane(self._look.say("视频", "video"), video=True)
            self._runs_lane(self._look.say("音频", "audio"), video=False)
            self._spans_lane(self._look.say("播报", "spoken"), listening=False)
            self._spans_lane(self._look.say("说话", "speech"), listening=True)
            self._marks_lane()
            ground = self._breaks_ground(axis_y, lanes_y)
        else:
            ground = ""
            note = self._look.say("没有录下画面或声音", "nothing was recorded")
            self._parts.append(text(self._look.left + _PADDING, self._y + 14, note, Style(13, _FAINT)))
            self._y += 26
        height = self._y + 6 - top
        size = (self._look.right - self._look.left, height)
        card = box(self._look.left, top, size, "#ffffff", 'rx="10" stroke="#e0ded6"')
        return "\n".join([card, ground, *self._parts]), height

    def _title(self) -> None:
        session, look = self._session, self._look
        x = look.left + _PADDING
        end = look.say("未结束", "open")
        if session.ended_utc_ns is not None:
            end = clock(session.ended_utc_ns, look.zone)[:-2]
        begin = clock(session.started_utc_ns, look.zone)[:-2]
        title = look.say(f"第 {session.number} 次录制", f"Session {session.number}")
        self._parts.append(text(x, self._y + 16, title, Style(19, "#1d2125", 700)))
        times = f"{civil(session.started_utc_ns, look.zone):%F}  {begin} – {end}"
        self._parts.append(text(x + text_width(title, 19) + 18, self._y + 16, times, Style(14, _FAINT)))
        right = self._right
        for words_, colours in reversed(list(self._facts())):
            right -= text_width(words_, 12) + 12 * 1.6
            self._parts.append(pill(right, self._y, words_, colours)[0])
            right -= 8
        self._y += 36

    def _facts(self) -> Iterator[tuple[str, tuple[str, str]]]:
        session, look = self._session, self._look
        calm, good, bad = ("#ececea", "#51565c"), _VERDICTS["pass"][0], _VERDICTS["fail"][0]
        notice = {"heard": good, "not-heard": bad}.get(session.notice, calm)
        yield look.words(_NOTICES[session.notice]), notice
        if session.statement != "none":
            heard = session.statement == "given"
            yield look.say("语音说明" + ("已听到" if heard else "未听到"), "statement"), good if heard else bad
        recorded = sum(run.media_end_ns - run.media_start_ns for run in session.runs)
        length = look.words(duration(recorded))
        yield look.say(f"录得 {length}", f"{length} recorded"), calm
        dropped = session.dropped_frames
        lost = look.say(f"，丢失 {dropped}", f", {dropped} dropped") if dropped else ""
        yield look.say(f"{session.frames} 帧{lost}", f"{session.frames} frames{lost}"), bad if dropped else calm
        unexplained = sum(1 for each in session.breaks if each.explained is False)
        missing = look.say(f"，{unexplained} 次未说明", f", {unexplained} not explained") if unexplained else ""
        count = len(session.breaks)
        yield (
            look.say(f"中断 {count} 次{missing}", f"{count} break{'' if count == 1 else 's'}{missing}"),
            bad if unexplained else calm,
        )
        if not session.checked_out:
            yield look.say("未领用", "not checked out"), bad

    def _checks(self) -> None:
        session, look = self._session, self._look
        if not session.checks:
            return
        x = look.left + _PADDING
        label = look.say("自检", "checks")
        self._parts.append(text(x, self._y + 15, label, Style(13, _FAINT)))
        x = self._left
        for check in session.checks:
            colours, sign = _VERDICTS[check.verdict]
            name, figure = look.words(words("check", check.check)), look.words(figure_words(check.figure, check.unit))
            label = f"{sign} {name}{figure}"
            if x + text_width(label, 12) + 20 > self._right:
                x, self._y = self._left, self._y + 27
            markup, wide = pill(x, self._y, label, colours)
            self._parts.append(markup)
            x += wide + 8
        self._y += 36

    def _break_labels(self) -> None:
        labels = []
        for each in self._session.breaks:
            begin = self._break_edges(each)[0]
            said = self._break_words(each)
            colour = _UNHEARD if each.explained is False or not each.cause_allowed else "#8a3b30"
            labels.append(Label(begin, text_width(said, _LABEL), said, colour))
        self._labels(labels, upwards=True)

    def _break_words(self, each: BreakSummary) -> str:
        look = self._look
        cause = look.words(words("cause", each.cause))
        length = look.say("至结束", "to the end")
        if each.duration_ns is not None:
            about = "" if each.duration_certain else look.say("约 ", "about ")
            length = about + look.words(duration(each.duration_ns))
        told = {
            True: look.say("已说明", "explained"),
            False: look.say("没有说明", "not explained"),
            None: "",
        }[each.explained]
        outside = "" if each.cause_allowed else look.say("原因不在允许之列", "cause not allowed")
        parts = [look.say(f"中断 {each.number}", f"break {each.number}"), cause, length, told, outside]
        return " · ".join(part for part in parts if part)

    def _break_edges(self, each: BreakSummary) -> tuple[float, float]:
        begin, end = _break_span(each, self._scale.pieces[-1].end_ns)
        return self._scale.x(begin), self._scale.x(end)

    def _breaks_ground(self, axis_y: float, lanes_y: float) -> str:
        parts = []
        for each in self._session.breaks:
            begin, end = self._break_edges(each)
            wide = max(end - begin, 3.0)
            title = self._break_words(each)
            parts.append(box(begin, axis_y, (wide, self._y - axis_y - 4), "url(#broken)", 'rx="2"', title))
        parts += [
            line((self._left, lanes_y - 3), (self._right, lanes_y - 3), "#e0ded6"),
        ]
        return "\n".join(parts)

    def _axis(self) -> None:
        offset = self._civil_offset_ns()
        shift = _zone_shift_ns(offset, self._look.zone)
        for moment in self._scale.ticks(offset + shift, _TICKS_APART):
            x = self._scale.x(moment)
            seconds = clock(moment + offset + _NS // 100, self._look.zone)[:-2]
            self._parts.append(text(x, self._y + 14, seconds, Style(12, _FAINT, anchor="middle")))
            self._parts.append(line((x, self._y + 20), (x, self._y + 26), "#b9bcc0"))
        self._y += 32

    def _civil_offset_ns(self) -> int:
        """Civil time at media time 0, by the first run."""
        first = self._session.runs[0]
        return first.started_utc_ns - first.media_start_ns

    def _lane_name(self, name: str, height: float) -> None:
        x = self._look.left + _PADDING
        self._parts.append(text(x, self._y + height * 0.5 + 5, name, Style(13, _FAINT)))

    def _runs_lane(self, name: str, *, video: bool) -> None:
        self._lane_name(name, _BAR)
        for run in self._session.runs:
            begin, end = self._scale.x(run.media_start_ns), self._scale.x(run.media_end_ns)
            if run.has_video if video else run.has_audio:
                self._parts.append(
                    box(begin, self._y, (end - begin, _BAR), _VIDEO if video else _AUDIO, 'rx="3"', _title(run))
                )
                if video:
                    self._early(run, begin)
                    self._run_words(run, begin, end)
            else:
                extra = 'rx="3" stroke="#c9cbce" stroke-dasharray="4 3"'
                self._parts.append(box(begin, self._y, (end - begin, _BAR), "none", extra, _title(run)))
        self._y += _BAR + 8

    def _early(self, run: RunSummary, begin: float) -> None:
        if run.before_notice_until_ns is not None and self._session.notice != "none":
            until = self._scale.x(run.before_notice_until_ns)
            self._parts.append(box(begin, self._y, (until - begin, _BAR), "url(#early)", 'rx="3"'))

    def _run_words(self, run: RunSummary, begin: float, end: float) -> None:
        start = begin
        if run.before_notice_until_ns is not None and self._session.notice != "none":
            start = self._scale.x(run.before_notice_until_ns)
        number = self._look.say(f"第 {run.number} 段", f"run {run.number}")
        frames = self._look.say(f"{run.frames} 帧", f"{run.frames} frames")
        span = f"{media_time(run.media_start_ns)} – {media_time(run.media_end_ns)}"
        for words_ in (f"{number} · {span} · {frames}", f"{number} · {frames}", number, str(run.number)):
            if text_width(words_, 12) + 14 <= end - start:
                self._parts.append(text(start + 8, self._y + 17.5, words_, Style(12, "#ffffff")))
                return

    def _spans_lane(self, name: str, *, listening: bool) -> None:
        spans = [span for span in self._session.spans if span.listening is listening]
        if not spans:
            return
        self._lane_name(name, _THIN)
        labels = []
        for span in spans:
            begin, end = self._scale.x(span.start_ns), max(self._scale.x(span.end_ns), self._scale.x(span.start_ns) + 3)
            self._parts += self._window(span, begin, end) if listening else self._prompt(span, begin, end)
            said = self._span_words(span)
            labels.append(Label(begin, text_width(said, _LABEL), said, _colour(span)))
        self._y += _THIN
        self._labels(labels, upwards=False)

    def _prompt(self, span: SpanSummary, begin: float, end: float) -> list[str]:
        colour = _NOTICE if span.kind == "notice" else _PROMPT
        return [box(begin, self._y, (end - begin, _THIN), colour, 'rx="3"', self._span_words(span))]

    def _window(self, span: SpanSummary, begin: float, end: float) -> list[str]:
        colour = _colour(span)
        frame = f'rx="3" stroke="{colour}" stroke-width="1.2"'
        parts = [box(begin, self._y, (end - begin, _THIN), "#ffffff", frame, self._span_words(span))]
        length = max(span.end_ns - span.start_ns, 1)
        share = min((span.speech_ms or 0) * 1_000_000 / length, 1.0)
        if share:
            size = ((end - begin - 4) * share, _THIN - 6)
            parts.append(box(begin + 2, self._y + 3, size, colour, 'rx="1.5" opacity="0.75"'))
        return parts

    def _span_words(self, span: SpanSummary) -> str:
        look = self._look
        name = look.words(words("window" if span.listening else "prompt", span.kind))
        if span.listening:
            speech = look.words(duration((span.speech_ms or 0) * 1_000_000))
            if span.good:
                return f"✓ {name} {speech}"
            return f"✗ {name}{look.say('没有听到', ': nothing heard')}"
        if span.good is None:
            return name
        return f"{'✓' if span.good else '✗'} {name}"

    def _marks_lane(self) -> None:
        marks, look = self._session.marks, self._look
        if not marks:
            return
        self._lane_name(look.say("标记", "marks"), _THIN)
        labels = []
        for mark in marks:
            x = self._scale.x(mark.media_time_ns)
            said = look.say(f"标记 {mark.number}", f"mark {mark.number}")
            said += f" {look.words(words('mark', mark.category))}" if mark.category else ""
            self._parts.append(diamond(x, self._y + 7, 7, _MARK, f"{said} · {media_time(mark.media_time_ns)}"))
            shown = said if len(marks) <= _NAMED_MARKS_MAX else str(mark.number)
            labels.append(Label(x, text_width(shown, _LABEL), shown, _INK))
        self._y += _THIN
        self._labels(labels, upwards=False)

    def _labels(self, labels: Sequence[Label], *, upwards: bool) -> None:
        """Labels in rows, each with a thin line to what it names."""
        placed = rows_of(labels, self._right, _LABEL_ROWS_MAX)
        rows = max((each.row for each in placed), default=-1) + 1
        for each in placed:
            row = rows - 1 - each.row if upwards else each.row
            y = self._y + row * _ROW + 15
            edge = self._y + rows * _ROW + 4 if upwards else self._y + 1
            near = y + 4 if upwards else y - 11
            self._parts.append(line((each.label.at, edge), (each.label.at, near), "#c9cbce", 'stroke-width="1"'))
            self._parts.append(text(each.left, y, each.label.words, Style(_LABEL, each.label.colour, halo=True)))
        self._y += rows * _ROW + 10


def _title(run: RunSummary) -> str:
    return f"{run.number}: {media_time(run.media_start_ns)} – {media_time(run.media_end_ns)}, {run.frames}"


def _colour(span: SpanSummary) -> str:
    if span.good is None:
        return "#5d5180"
    if not span.listening and span.good:
        return "#7d5a0b" if span.kind == "notice" else "#5d5180"
    return _HEARD if span.good else _UNHEARD


def _edges(session: SessionSummary) -> tuple[int, int]:
    """Media times of the press and of the end."""
    if not session.runs:
        return 0, 1
    first = session.runs[0]
    pressed = first.media_start_ns - max(first.started_utc_ns - session.started_utc_ns, 0)
    ends = [
        session.media_end_ns,
        *(span.end_ns for span in session.spans),
        *(mark.media_time_ns for mark in session.marks),
    ]
    ends += [each.resumed_media_time_ns or each.media_time_ns for each in session.breaks]
    last = max(ends)
    recorded = sum(run.media_end_ns - run.media_start_ns for run in session.runs)
    return min(pressed, session.media_start_ns), last + max(recorded // 60, 1)


def _break_span(each: BreakSummary, last_ns: int) -> tuple[int, int]:
    return each.media_time_ns, last_ns if each.resumed_media_time_ns is None else each.resumed_media_time_ns


def _gaps(session: SessionSummary, last_ns: int) -> list[tuple[int, int]]:
    return sorted(_break_span(each, last_ns) for each in session.breaks)


def _zone_shift_ns(utc_ns: int, zone: tzinfo) -> int:
    offset = civil(utc_ns, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * _NS
