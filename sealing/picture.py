"""The timeline as a picture: one self-contained SVG, a band for each session.

Rules of this module: a report in, markup out; it needs no key and names nobody. Chinese first; English on request.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from sealing.findings import Severity
from sealing.labels import Words, words
from sealing.layout import BEIJING, date
from sealing.picture_band import Band, Look
from sealing.picture_svg import FONTS, Style, box, diamond, pill, text, text_width
from sealing.report import Report, Standing

WIDTH: Final = 1480
_MARGIN: Final = 36
_HEAD_HEIGHT: Final = 104
_LEGEND_HEIGHT: Final = 56
_GOOD: Final = ("#dff1e4", "#1f6b3b")
_NOTED: Final = ("#f7ecd2", "#7a5a12")
_BAD: Final = ("#f9dcd8", "#a3261b")
_INTACT: Final = {
    Standing.CLEAN: ("✓ 核验完整", "✓ intact"),
    Standing.REMARKS: ("核验一致，另有说明", "intact, with remarks"),
    Standing.PART: ("部分，所见一致", "a part, intact as far as it is here"),
}
_CALM: Final = ("#ececea", "#51565c")
_DEFS: Final = """<defs>
<pattern id="broken" width="8" height="8" patternTransform="rotate(45)" patternUnits="userSpaceOnUse">
<rect width="8" height="8" fill="#fbe9e6"/><line x1="0" y1="0" x2="0" y2="8" stroke="#eab5ad" stroke-width="3"/>
</pattern>
<pattern id="early" width="6" height="6" patternTransform="rotate(45)" patternUnits="userSpaceOnUse">
<rect width="6" height="6" fill="#9dbcdc"/><line x1="0" y1="0" x2="0" y2="6" stroke="#c4d8ea" stroke-width="3"/>
</pattern>
</defs>"""


def render_picture(report: Report, language: str = "zh", zone: tzinfo = BEIJING) -> str:
    """Draw the timeline of a verified chain.

    Args:
        report: What a verification found.
        language: zh or en.
        zone: Zone in which civil times are shown.

    Returns:
        A whole SVG document.
    """
    look = Look(english=language == "en", zone=zone, left=_MARGIN, right=WIDTH - _MARGIN)
    parts, y = [_head(report, look)], float(_HEAD_HEIGHT)
    for session in report.sessions:
        markup, height = Band(session, look).draw(y)
        parts.append(markup)
        y += height + 20
    if not report.sessions:
        empty = look.say("这些文件里没有录制", "These files hold no recording")
        parts.append(text(_MARGIN, y + 24, empty, Style(16, "#51565c")))
        y += 48
    parts.append(_legend(look, y))
    height = y + _LEGEND_HEIGHT
    title = look.say(f"录制时间线 · 设备 {report.device_id}", f"Timeline of unit {report.device_id}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" font-family="{FONTS}" role="img" aria-label="timeline">\n'
        f"<title>{_escaped(title)}</title>\n"
        f"{_DEFS}\n{box(0, 0, (WIDTH, height), '#f6f5f1')}\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _escaped(words_: str) -> str:
    return words_.replace("&", "&amp;").replace("<", "&lt;")


def _head(report: Report, look: Look) -> str:
    device = report.device_id or look.say("未知设备", "unknown unit")
    days = "" if not report.sessions else look.words(date(report.sessions[0].started_utc_ns, look.zone))
    parts = [
        text(_MARGIN, 50, look.say("录制时间线", "Timeline"), Style(28, "#1d2125", 700)),
        text(_MARGIN, 78, look.say(f"设备 {device}　{days}", f"Unit {device} · {days}"), Style(14, "#6a7077")),
    ]
    right = float(WIDTH - _MARGIN)
    for label, colours in reversed(_badges(report, look)):
        wide = text_width(label, 14) + 14 * 1.6
        right -= wide
        parts.append(pill(right, 32, label, colours, 14)[0])
        right -= 10
    fault = report.first_fault
    if fault is not None:
        parts.append(text(WIDTH - _MARGIN, 80, str(fault)[:130], Style(12, _BAD[1], anchor="end")))
    return "\n".join(parts)


def _badges(report: Report, look: Look) -> list[tuple[str, tuple[str, str]]]:
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    if errors:
        verdict = (look.say(f"✗ 核验不通过：{errors} 处", f"✗ not intact: {errors} faults"), _BAD)
    else:
        zh, en = _INTACT[report.standing]
        verdict = (look.say(zh, en), _GOOD if report.standing is Standing.CLEAN else _NOTED)
    unknown = Words("等级未知", "grade unknown")
    grade = unknown if report.grade is None else words("grade", report.grade.value)
    count = look.say(
        f"{report.records} 条记录 · {len(report.files)} 个文件", f"{report.records} records, {len(report.files)} files"
    )
    return [verdict, (look.words(grade), _CALM), (count, _CALM)]


def _legend(look: Look, y: float) -> str:
    swatches = (
        ("#3d6fa5", look.say("视频", "video")),
        ("url(#early)", look.say("告知之前", "before the notice")),
        ("#4b9a90", look.say("音频", "audio")),
        ("url(#broken)", look.say("中断", "break")),
        ("#c98b22", look.say("告知", "notice")),
        ("#8672b0", look.say("播报与询问", "spoken by the unit")),
        ("#2f8f5b", look.say("听到说话", "speech heard")),
        ("#c4473a", look.say("没有听到", "nothing heard")),
    )
    parts, x = [], float(_MARGIN)
    for colour, label in swatches:
        parts.append(box(x, y + 8, (22, 12), colour, 'rx="2"'))
        parts.append(text(x + 29, y + 18.5, label, Style(12.5, "#51565c")))
        x += 29 + text_width(label, 12.5) + 24
    parts.append(diamond(x + 6, y + 14, 7, "#d1512d", ""))
    parts.append(text(x + 20, y + 18.5, look.say("标记", "mark"), Style(12.5, "#51565c")))
    zone = look.zone.tzname(None) if not look.english else ""
    note = look.say(f"较长的中断缩短画出；时间为{zone}", "Long breaks are drawn shortened")
    parts.append(text(WIDTH - _MARGIN, y + 18.5, note, Style(12, "#7b8188", anchor="end")))
    return "\n".join(parts)
