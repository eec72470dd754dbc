"""Runs every bench, prints a table, writes `build/bench.json`.

python -m tests.bench [subject ...]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.measurement import Measurement

FOLDER = Path(__file__).parent
RESULT = Path("build") / "bench.json"


def subjects() -> list[str]:
    """Subjects of all modules `bench_<subject>.py`."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def run(wanted: list[str], console: Console) -> Iterator[Measurement]:
    """Measure the subjects one after the other."""
    for subject in wanted:
        console.print(f"[dim]{subject} …[/dim]")
        yield from import_module(f"tests.bench.bench_{subject}").measure()


def table_of(measured: list[Measurement]) -> Table:
    """The figures as a table."""
    table = Table(title="bench")
    for heading in ("what", "value", "unit", "against", "goal", "met"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for each in measured:
        met = {True: "[green]yes[/green]", False: "[red]no[/red]", None: ""}[each.met]
        table.add_row(each.name, f"{each.value:,.4g}", each.unit, each.against, each.goal, met)
    return table


def main(arguments: list[str]) -> int:
    """Measure what is asked for, or everything; 64 where a subject is unknown."""
    known, console = subjects(), Console(width=None if sys.stdout.isatty() else 120)
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 64
    measured = list(run(arguments or known, console))
    console.print(table_of(measured))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps([asdict(each) for each in measured], ensure_ascii=False, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
