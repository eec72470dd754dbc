"""The table and the picture of `docs/scaling.md`, made from costs and the model of `arrivals`.

`python -m tests.bench.scaling_page` writes both anew. Rules of this module: the page's words are the page's; what
stands between its two marks, and the picture, come from here.
"""

from __future__ import annotations

from pathlib import Path

from tests.bench.arrivals import DAY_STEPS, Costs, Fleet, Needs, needs

SIZES = (10, 1_000, 20_000)
COSTS = Costs(
    gateway_cpu_seconds_per_gib=4.9,
    database_cpu_seconds_per_commit=0.0023,
    commits_per_second=110,
    database_bytes_per_file=1650,
)
"""Measured on two cores of a shared x86-64 server by `python -m tests.bench scaling`; wall-clock figures are modest."""
PAGE = Path("docs") / "scaling.md"
PICTURE = Path("docs") / "scaling.svg"
BEGIN, END = "<!-- the table, by tests/bench/scaling_page.py -->", "<!-- end of the table -->"
_KEPT_DAYS = 180
_GBIT_PER_GIB = 8.59
_WIDTH, _LEFT, _TOP = 720, 50, 30
_STRIP, _WORDS, _GAP = 100, 20, 10
"""Of one size's strip: its height, of that the line above it, and what is free below."""
_COLOURS = ("#4477aa", "#228833", "#cc6677")


def table(costs: Costs = COSTS) -> str:
    """The sizing table, in Markdown."""
    found = [needs(Fleet(units), costs) for units in SIZES]
    rows = [
        ("units (stations of 50, 1 Gbit/s each)", [f"{one.fleet.units:,} ({one.fleet.stations})" for one in found]),
        ("footage in a day", [f"{_tib_per_day(one):,.2f} TiB" for one in found]),
        ("files in a day", [f"{one.fleet.units * one.fleet.files_per_day:,}" for one in found]),
        ("into the store, mean", [f"{one.mean_gib_per_second * _GBIT_PER_GIB:,.2f} Gbit/s" for one in found]),
        ("into the store, at the peak", [f"{one.peak_gib_per_second * _GBIT_PER_GIB:,.2f} Gbit/s" for one in found]),
        ("longest from docking to the last receipt", [f"{one.longest_hours:.1f} h" for one in found]),
        ("cores of all gateways, 75 % busy at the peak", [f"{one.cores}" for one in found]),
        ("commits at the peak", [f"{one.peak_commits_per_second:,.1f} /s" for one in found]),
        ("of what one log takes", [f"{one.peak_commits_per_second / costs.commits_per_second:.0%}" for one in found]),
        ("cores of the database", [f"{max(one.database_cores, 0.01):.2f}" for one in found]),
        ("rows in a year", [f"{_rows_gib(one, costs):,.1f} GiB" for one in found]),
        (f"objects kept for {_KEPT_DAYS} days", [f"{_tib_per_day(one) * _KEPT_DAYS:,.0f} TiB" for one in found]),
        ("gateways' disks, for what is on its way", [f"{_gateways(one)} × 2 GiB" for one in found]),
    ]
    lines = ["| " + " | ".join([name, *values]) + " |" for name, values in rows]
    return "\n".join([lines[0], "| --- | " + " | ".join("---:" for _ in found) + " |", *lines[1:]])


def picture(costs: Costs = COSTS) -> str:
    """What comes into the store over a day: one strip for each size, as high as its own peak."""
    bottom = _TOP + len(SIZES) * _STRIP - _GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 2 * _LEFT} {bottom + 30}">',
        "<style>text { font: 12px sans-serif } .title { font-weight: bold }</style>",
        f'<rect width="{_WIDTH + 2 * _LEFT}" height="{bottom + 30}" fill="#fff"/>',
        f'<text class="title" x="{_LEFT}" y="20">What comes into a store over a day</text>',
    ]
    for number, (units, colour) in enumerate(zip(SIZES, _COLOURS, strict=True)):
        lines += _strip(needs(Fleet(units), costs), colour, _TOP + number * _STRIP)
    for hour in range(0, 25, 3):
        place = _LEFT + _WIDTH * hour / 24
        lines.append(f'<text x="{place:.0f}" y="{bottom + 18}" text-anchor="middle">{hour:02d}:00</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _strip(need: Needs, colour: str, top: int) -> list[str]:
    height = _STRIP - _GAP - _WORDS
    base = top + _WORDS + height
    peak = max(need.curve)
    points = [
        f"{_LEFT + _WIDTH * step / DAY_STEPS:.1f},{base - height * need.curve[step] / peak:.1f}"
        for step in range(0, DAY_STEPS, 5)
    ]
    area = " ".join([f"{_LEFT},{base}", *points, f"{_LEFT + _WIDTH},{base}"])
    cores = f"{need.cores} core" + "s" * (need.cores > 1)
    words = f"{need.fleet.units:,} units: at most {need.peak_gib_per_second * _GBIT_PER_GIB:,.2f} Gbit/s, {cores}"
    return [
        f'<text x="{_LEFT}" y="{top + _WORDS - 6}" fill="{colour}">{words}</text>',
        f'<polygon points="{area}" fill="{colour}" fill-opacity="0.35" stroke="{colour}"/>',
        f'<line x1="{_LEFT}" y1="{base}" x2="{_LEFT + _WIDTH}" y2="{base}" stroke="#999"/>',
    ]


def with_table(page: str, costs: Costs = COSTS) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, behind = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(costs)}\n\n{END}{behind}"


def _tib_per_day(one: Needs) -> float:
    return one.fleet.units * one.fleet.gib_per_day / 1024


def _rows_gib(one: Needs, costs: Costs) -> float:
    return one.fleet.units * one.fleet.files_per_day * 365 * costs.database_bytes_per_file / (1 << 30)


def _gateways(one: Needs) -> int:
    """A gateway is one process: Python keeps it to little more than one core, and one may be lost."""
    return one.cores + 1 if one.fleet.units > SIZES[0] else 1


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
