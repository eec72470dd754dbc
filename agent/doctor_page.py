"""The doctor's findings as one small HTML page with the picture inside.

Rules of this module: pure; everything that came from outside is escaped; the page loads nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape

from agent.doctor_values import PARTS, REMEDIES, Diagnosis, Finding, Outcome

Words = Callable[[str, str], str]

OUTCOMES = {
    Outcome.PASS: ("合格", "pass"),
    Outcome.DEGRADED: ("不足", "degraded"),
    Outcome.FAIL: ("不合格", "fail"),
    Outcome.SKIPPED: ("未测", "not tried"),
}
_WIDTH, _HEIGHT = 600, 120
_STYLE = """body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}
th,td:nth-child(-n+2){white-space:nowrap}
.pass{color:#17692f}.degraded{color:#8a5a00}.fail{color:#a11;font-weight:bold}.skipped{color:#555}
img{max-width:100%;margin-top:1rem}"""


def remedy_of(found: Finding, words: Words) -> str:
    """What to do about a finding; empty where nothing is wrong."""
    return words(*REMEDIES[found.part]) if found.outcome in {Outcome.FAIL, Outcome.DEGRADED} else ""


def page(diagnosis: Diagnosis, words: Words) -> str:
    """Make the page.

    Args:
        diagnosis: The findings.
        words: Chooses between Chinese and English.
    """
    title = escape(words(f"设备体检 {diagnosis.device_id}", f"Unit {diagnosis.device_id}: examination"))
    heads = (words("部件", "Part"), words("结果", "Result"), words("实测", "Figure"), words("处理", "Remedy"))
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    rows = "\n".join(_row(found, words) for found in diagnosis.findings)
    language = words("zh-CN", "en")
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        f"<p>{escape(words('硬件驱动', 'Driver set'))} {escape(diagnosis.driver_set)}</p>\n"
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>\n"
        f"{_curve(diagnosis, words)}{_picture(diagnosis, words)}"
        "</body></html>\n"
    )


def _row(found: Finding, words: Words) -> str:
    cells = (words(*PARTS[found.part]), words(*OUTCOMES[found.outcome]), found.figure, remedy_of(found, words))
    plain = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr class="{found.outcome.value}">{plain}</tr>'


def _curve(diagnosis: Diagnosis, words: Words) -> str:
    """The pack's voltage over the examination, as a line; nothing where there is no curve."""
    points = diagnosis.battery_curve
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    low, high = min(point.voltage_mv for point in points), max(point.voltage_mv for point in points)
    across, up = _WIDTH / max(points[-1].seconds, 1e-9), _HEIGHT / max(high - low, 1)
    drawn = " ".join(f"{point.seconds * across:.1f},{(high - point.voltage_mv) * up:.1f}" for point in points)
    title = words("电池电压", "battery voltage")
    first, last = points[0], points[-1]
    text = f"{title} {high}–{low} mV, {first.charge_percent:.0f}–{last.charge_percent:.0f} %, {last.seconds:.0f} s"
    return (
        f'<figure><svg viewBox="-4 -4 {_WIDTH + 8} {_HEIGHT + 8}" role="img" aria-label="{escape(title)}">'
        f'<polyline fill="none" stroke="#17692f" stroke-width="2" points="{drawn}"/></svg>'
        f"<figcaption>{escape(text)}</figcaption></figure>\n"
    )


def _picture(diagnosis: Diagnosis, words: Words) -> str:
    if diagnosis.picture_jpeg is None:
        return ""
    data = base64.b64encode(diagnosis.picture_jpeg).decode()
    return f'<img alt="{escape(words("摄像头画面", "what the camera saw"))}" src="data:image/jpeg;base64,{data}">\n'
