"""Verifies and opens what the day left, as the back office would, and writes the results.

Rules of this module: `recorder verify` and `recorder open` alone judge; here their answers are put where they belong.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from hw_sim.demo.agency import Agency
from hw_sim.demo.comparison import Compared, compare, to_plain
from hw_sim.demo.documents import Document, read
from hw_sim.demo.films import bitmap, opened_films
from hw_sim.demo.folder import OutFolder
from hw_sim.demo.telling import Both, Telling
from hw_sim.demo.truth import shots
from hw_sim.simulation import write_simulation

NO_EVIDENCE = 3
"""Exit code of `recorder verify --require evidence` for intact files of a simulated unit."""


def verify(agency: Agency, out: OutFolder, telling: Telling) -> Document:
    """Verify the copy that was made before anything was freed; writes timeline and report.

    Raises:
        CommandFailedError: The chain is not intact.
    """
    pages = ("--timeline", out.timeline_text, "--svg", out.timeline_picture)
    with telling.step(Both("核验封存文件：完整", "sealed files verified: intact")) as step:
        done = agency.programs.run(*_verify(agency, out.sealed, out.trust), "--json", *pages)
        out.verification.write_text(done.output, encoding="utf-8")
        report = read(done.output, "recorder verify --json")
        count, grade = report["records"].number(), report["grade"].text().upper()
        step.detail = telling.short(Both(f"{count} 条记录，{grade}，exit 0", f"{count} records, {grade}, exit 0"))
        bitmap(out.timeline_picture, out.timeline_bitmap)
    return report


def require_evidence(agency: Agency, out: OutFolder, telling: Telling) -> None:
    """Show that files of a simulated unit are refused as evidence.

    Raises:
        CommandFailedError: They were not.
    """
    command = (*_verify(agency, out.sealed, out.trust), "--require", "evidence")
    agency.programs.run(*command, expected=(NO_EVIDENCE,))
    told = Both("作为证据则拒绝（模拟设备）", "refused as evidence: the unit is simulated")
    telling.done(told, f"--require evidence → exit {NO_EVIDENCE}")


def verify_freed(agency: Agency, out: OutFolder, telling: Telling) -> None:
    """Show that the unit's own spool, most of it freed, is still one whole chain.

    Raises:
        CommandFailedError: It is not.
    """
    words = Both("释放后的封存区仍可核验", "the freed spool still verifies: pruned, whole")
    with telling.step(words) as step:
        done = agency.programs.run(*_verify(agency, agency.unit.spool, out.trust), "--json")
        report = read(done.output, "recorder verify --json")
        step.detail = f"PRUNED {_merged(report)}, exit 0"


def open_all(agency: Agency, out: OutFolder, telling: Telling) -> None:
    """Open every session with the custodian's key.

    Raises:
        CommandFailedError: It cannot be opened.
    """
    key = out.keys / "recipient-custodian.key"
    with telling.step(Both("用接收方私钥打开为 MP4", "opened with a recipient's key: MP4s")) as step:
        where = ("--trust", out.trust, "--key", key, "--out", out.sessions, "--json")
        agency.programs.run("recorder", "--lang", agency.language, "open", out.sealed, *where)
        out.take_film(out.sessions / "session-0001" / "session.mp4")
        count = len(list(out.sessions.glob("*/run-*.mp4")))
        step.detail = telling.short(Both(f"{count} 段", f"{count} runs"))


def tell_truth(agency: Agency, out: OutFolder) -> None:
    """Put `simulation.json` beside the results."""
    shutil.copy2(write_simulation(agency.unit.world), out.simulation)


def compared(agency: Agency, out: OutFolder, report: Document) -> tuple[Compared, ...]:
    """Compare what was sealed and opened with what really happened; writes `comparison.json`."""
    simulation = read(out.simulation.read_text(encoding="utf-8"), "simulation.json")
    found = compare(agency.rules, report, shots(simulation), opened_films(out.sessions))
    plain = json.dumps(to_plain(found), ensure_ascii=False, indent=2)
    out.comparison.write_text(plain + "\n", encoding="utf-8")
    return found


def _verify(agency: Agency, sealed: Path, trust: Path) -> tuple[str | Path, ...]:
    return ("recorder", "--lang", agency.language, "verify", sealed, "--trust", trust)


def _merged(report: Document) -> str:
    """Ranges of freed records, neighbours joined."""
    ranges: list[tuple[int, int]] = []
    for each in report["pruned"].items():
        first, last = (border.number() for border in each.items())
        begin = ranges.pop()[0] if ranges and ranges[-1][1] + 1 == first else first
        ranges.append((begin, last))
    return ", ".join(f"{first}–{last}" for first, last in ranges)
