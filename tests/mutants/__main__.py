"""Changes profiles or code in one place at a time, and lists the changes that no test notices.

python -m tests.mutants profiles [--profile ID] [--sample N] [--json]
python -m tests.mutants code [--room capture|agent|sync] [--sample N] [--json]

Ends with 1 where a change was missed, else with 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from agent.profile import shipped_profiles
from tests.mutants import code, profiles

COLUMNS = {"profiles": ("profile", "value", "cites", "change"), "code": ("file", "line", "function", "change")}


def main(arguments: Sequence[str]) -> int:
    """Try what is asked for, and say what was missed."""
    asked = _parser().parse_args(arguments)
    results: Sequence[profiles.Result | code.Result]
    if asked.what == "profiles":
        results = profiles.try_changes(asked.sample, asked.profile)
    else:
        wanted = [asked.room] if asked.room else list(code.ROOMS)
        results = [each for room in wanted for each in code.try_changes(code.ROOMS[room], asked.sample)]
    fates = Counter(each.fate.value for each in results)
    missed = [_row(each) for each in results if each.missed]
    if asked.json:
        answer = {
            "tried": len(results),
            "fates": fates,
            "missed": [dict(zip(COLUMNS[asked.what], row, strict=True)) for row in missed],
        }
        sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2) + "\n")
    else:
        _show(asked.what, missed, f"{len(results)} changes: " + ", ".join(f"{n} {fate}" for fate, n in fates.items()))
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Find changes that no test notices.")
    parser.add_argument("what", choices=COLUMNS)
    parser.add_argument("--profile", choices=shipped_profiles(), help="this one only")
    parser.add_argument("--room", choices=code.ROOMS, help="this one only")
    parser.add_argument("--sample", type=int, help="so many changes, the same ones each time; of code in each room")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _row(result: profiles.Result | code.Result) -> tuple[str, ...]:
    if isinstance(result, profiles.Result):
        return result.profile, result.change.key, result.change.clause or "", result.change.kind
    return result.file, str(result.change.line), result.change.function, result.change.change


def _show(what: str, missed: Sequence[tuple[str, ...]], title: str) -> None:
    table = Table(*COLUMNS[what], title=f"missed, of {title}")
    for row in missed:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
