"""The officers' sheet as one HTML page: two sheets of A4, Chinese first, English on the other side.

Rules of this module: pure; everything that came from a profile is escaped; the page loads nothing. What stands on it is
`agent.guide`'s to say; that it is told without colour, too, is shown by drawing how each lamp blinks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Final

from agent.guide import MILLISECONDS, Guide, Lamp, Part, Press, Step
from capture.voice.wording import Words
from hal.values import LampColour, LampPattern

Said = Callable[[Words], str]

STRIP_SECONDS: Final = 5
"""How much of a lamp's blinking is drawn."""
_STRIP_PIXELS: Final = 100
_INKS: Final = {
    LampColour.GREEN: "#2e8b57",
    LampColour.YELLOW: "#c78a1b",
    LampColour.RED: "#b3261e",
    LampColour.BLUE: "#3b6ea5",
}
_PARTS: Final = {
    Part.DO: Words("做", "Do"),
    Part.UNIT_SAYS: Words("设备说", "Unit says"),
    Part.YOU_SAY: Words("您说", "You say"),
    Part.NOTE: Words("注意", "Note"),
    Part.RULE: Words("规定", "Rule"),
}
_TITLE: Final = Words("执法记录仪使用卡", "The recorder in one page")
_PRESSES: Final = Words("按键", "Buttons")
_LAMPS: Final = Words("指示灯", "Lamp")
_STEPS: Final = Words("一次执法", "One activity, step by step")
_WARNINGS: Final = Words("设备提示", "What the unit warns of")
_NO_ANSWER: Final = Words(
    "每次按键都有振动或灯光应答；没有应答就是没有按到，请再按一次。",
    "Every press is answered by vibration or lamp; without an answer, press again.",
)
_STYLE: Final = """@page{size:A4;margin:8mm}
*{box-sizing:border-box}
body{margin:0;background:#eee;color:#111;
font:8pt/1.24 "Noto Sans CJK SC","WenQuanYi Micro Hei","Microsoft YaHei",sans-serif}
.sheet{width:194mm;margin:6mm auto;padding:5mm;background:#fff}
.sheet:lang(en){font-size:7.5pt;line-height:1.22}
header{display:flex;justify-content:space-between;align-items:baseline;border-bottom:.6mm solid #111}
h1{font-size:1.9em;margin:0}h2{font-size:1.2em;margin:1.8mm 0 .6mm}
header p,footer,.hint{margin:.5mm 0 0;color:#444;font-size:.93em}
.two{display:grid;grid-template-columns:63% 1fr;gap:4mm}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35mm .8mm;border-bottom:.15mm solid #bbb}
th{white-space:nowrap}thead th{border-bottom:.3mm solid #111}
.strip{width:24mm;vertical-align:middle}svg{display:block}.colour{white-space:nowrap}
.steps{columns:2;column-gap:5mm}
.step{break-inside:avoid;border-top:.3mm solid #111;padding:.6mm 0 .8mm}
.step h3{font-size:1em;margin:0}.step p{margin:.2mm 0 0 14mm;text-indent:-14mm}
.part{display:inline-block;width:14mm;text-indent:0;color:#444}
.unit-says q,.you-say q{font-weight:bold;quotes:"“" "”"}
@media print{body{background:#fff}.sheet{margin:0;padding:0;width:auto;break-after:page}
.sheet:last-child{break-after:auto}}"""


def page(guide: Guide) -> str:
    """Make the page.

    Args:
        guide: What stands on it.

    Returns:
        HTML, the sheet in Chinese and behind it the sheet in English.
    """
    title = f"{_TITLE.zh} · {guide.agency.zh}"
    return (
        f'<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
        f"{_sheet(guide, 'zh-CN', lambda words: words.zh)}{_sheet(guide, 'en', lambda words: words.en)}"
        "</body>\n</html>\n"
    )


def _sheet(guide: Guide, language: str, said: Said) -> str:
    return (
        f'<section class="sheet" lang="{language}">\n'
        f"<header><h1>{_text(_TITLE, said)}</h1><p>{_text(guide.agency, said)}</p></header>\n"
        f'<div class="two">\n<div>{_presses(guide.presses, said)}</div>\n'
        f"<div>{_lamps(guide.lamps, said)}</div>\n</div>\n"
        f"{_steps(guide.steps, said)}{_warnings(guide.warnings, said)}"
        f"<footer>{escape(guide.regulation)} · {escape(guide.profile_id)} {guide.profile_hash.hex()[:12]}</footer>\n"
        "</section>\n"
    )


def _presses(presses: Iterable[Press], said: Said) -> str:
    heads = (
        Words("", ""),
        Words("想做什么", "Wanted"),
        Words("两个按键", "Two buttons"),
        Words("一个按键", "One button"),
    )
    rows = "".join(row for _, group in groupby(presses, lambda press: press.mode) for row in _mode(list(group), said))
    return (
        f"<h2>{_text(_PRESSES, said)}</h2>\n{_table(heads, rows, said)}<p class='hint'>{_text(_NO_ANSWER, said)}</p>\n"
    )


def _mode(presses: list[Press], said: Said) -> Iterator[str]:
    for place, press in enumerate(presses):
        head = f'<th rowspan="{len(presses)}">{_text(press.when, said)}</th>' if place == 0 else ""
        cells = (_text(press.wanted, said), _or_dash(press.two_buttons, said), _or_dash(press.one_button, said))
        yield f"<tr>{head}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _lamps(lamps: Iterable[Lamp], said: Said) -> str:
    heads = (Words("颜色", "Colour"), Words(f"{STRIP_SECONDS} 秒", f"{STRIP_SECONDS} s"), Words("意思", "Means"))
    rows = "".join(
        f'<tr><td class="colour">{_text(lamp.colour, said)}</td><td class="strip">{_strip(lamp, said)}</td>'
        f"<td>{_text(lamp.means, said)}</td></tr>\n"
        for lamp in lamps
    )
    return f"<h2>{_text(_LAMPS, said)}</h2>\n{_table(heads, rows, said)}"


def _strip(lamp: Lamp, said: Said) -> str:
    """One lamp's blinking, drawn: filled where it is on."""
    ink, scale, looks = _INKS[lamp.pattern.colour], _STRIP_PIXELS / STRIP_SECONDS, _text(lamp.looks, said)
    bars = "".join(
        f'<rect x="{start * scale:g}" width="{max((end - start) * scale, 0.8):g}" height="8" fill="{ink}"/>'
        for start, end in lit(lamp.pattern)
    )
    return (
        f'<svg width="22mm" height="2.2mm" viewBox="0 0 {_STRIP_PIXELS} 8" preserveAspectRatio="none" role="img" '
        f'aria-label="{looks}"><title>{looks}</title>'
        f'<rect width="{_STRIP_PIXELS}" height="8" fill="#e4e4e4"/>{bars}</svg>'
    )


def lit(pattern: LampPattern) -> Iterator[tuple[float, float]]:
    """When a lamp is on within the strip: begin and end, in seconds."""
    if pattern.off_ms == 0:
        yield 0.0, float(STRIP_SECONDS)
        return
    period = pattern.on_ms + pattern.off_ms
    for begin in range(0, STRIP_SECONDS * MILLISECONDS, period):
        yield begin / MILLISECONDS, min(begin + pattern.on_ms, STRIP_SECONDS * MILLISECONDS) / MILLISECONDS


def _steps(steps: Iterable[Step], said: Said) -> str:
    blocks = "".join(_step(number, step, said) for number, step in enumerate(steps, 1))
    return f'<h2>{_text(_STEPS, said)}</h2>\n<div class="steps">\n{blocks}</div>\n'


def _step(number: int, step: Step, said: Said) -> str:
    lines = "".join(
        f'<p class="{part.value}"><span class="part">{_text(_PARTS[part], said)}</span>'
        f"{_quoted(part, said(words))}</p>\n"
        for part, words in step.lines
    )
    return f'<div class="step"><h3>{number}. {_text(step.title, said)}</h3>\n{lines}</div>\n'


def _quoted(part: Part, text: str) -> str:
    return f"<q>{escape(text)}</q>" if part in {Part.UNIT_SAYS, Part.YOU_SAY} else escape(text)


def _warnings(warnings: Iterable[tuple[Words, Words]], said: Said) -> str:
    listed = [
        f'<td class="unit-says"><q>{_text(spoken, said)}</q></td><td>{_text(remedy, said)}</td>'
        for spoken, remedy in warnings
    ]
    half = (len(listed) + 1) // 2
    pairs = zip(listed[:half], [*listed[half:], "<td></td><td></td>"][:half], strict=True)
    rows = "".join(f"<tr>{left}{right}</tr>\n" for left, right in pairs)
    return f"<h2>{_text(_WARNINGS, said)}</h2>\n<table>\n{rows}</table>\n"


def _table(heads: Iterable[Words], rows: str, said: Said) -> str:
    head = "".join(f"<th>{_text(each, said)}</th>" for each in heads)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"


def _or_dash(words: Words | None, said: Said) -> str:
    return "–" if words is None else _text(words, said)


def _text(words: Words, said: Said) -> str:
    return escape(said(words))
