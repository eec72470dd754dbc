"""What a day leaves behind: sealed records and words, what a bystander heard and saw, what the store makes of it.

Nothing here reads a profile.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
from cryptography.hazmat.primitives.asymmetric import x25519

from hw_sim.simulation import simulation
from sealing.errors import UndecryptableError
from sealing.framing import RecordHeader
from sealing.opener import OpenedSession, open_sealed
from sealing.records import Fragment, Preflight, SessionEnd
from sealing.report import ChainError, Report, SessionSummary
from sealing.timeline import render_timeline
from sealing.verifier import verify_chain
from sync.store.overview import AlertRow
from sync.store.tasks import SessionRow, Task
from tests.scenario.agencies.day import Day
from tests.scenario.agencies.office import Office
from tests.scenario.recorder.unit import headers
from tests.support.provisioned_unit import UNIT

HOUR_NS = 3600 * 10**9
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Happening:
    """A sealed event of a recording, with its words in the clear."""

    kind: str
    facts: Facts
    words: Facts
    zh: str


@dataclass(frozen=True)
class Recording:
    """One recording as the custodian's key opens it."""

    summary: SessionSummary
    opened: OpenedSession
    happenings: tuple[Happening, ...]

    def of(self, kind: str, /, **wanted: object) -> list[Happening]:
        """Its events of a type whose facts have these values."""
        found = [each for each in self.happenings if each.kind == kind]
        return [each for each in found if all(each.facts[name] == value for name, value in wanted.items())]

    def said(self, kind: str) -> list[str]:
        """The words that were sealed with its prompts of a kind."""
        return [str(each.words["words"]) for each in self.of("PROMPT", kind=kind)]

    def the(self, kind: str, /, **wanted: object) -> Happening:
        """The one event of a type with these values."""
        (found,) = self.of(kind, **wanted)
        return found

    @property
    def windows(self) -> list[tuple[str, bool, bool]]:
        """When it listened: purpose, whether somebody spoke, whether that was the last word about it."""
        return [(one.facts["purpose"], one.facts["accepted"], one.facts["final"]) for one in self.of("VOICE_WINDOW")]

    @property
    def breaks(self) -> list[tuple[str, str, bool]]:
        """Its breaks: origin, cause, whether the text has that cause."""
        return [(one.facts["origin"], one.facts["cause"], one.facts["cause_allowed"]) for one in self.of("BREAK")]

    @property
    def events(self) -> list[str]:
        """Codes of its plain events."""
        return [each.facts["code"] for each in self.of("EVENT")]


@dataclass(frozen=True)
class Evidence:
    """A day's evidence."""

    office: Office
    report: Report
    recordings: tuple[Recording, ...]
    records: tuple[RecordHeader, ...]
    heard: tuple[str, ...]
    """What the unit said to its end, from the first check-out to the last docking."""
    lamps: tuple[str, ...]
    """What its lamp showed, one after the other."""
    day: Day
    tasks: tuple[Task, ...]
    rows: tuple[SessionRow, ...]
    alerts: tuple[AlertRow, ...]

    @property
    def first(self) -> Recording:
        return self.recordings[0]

    @property
    def second(self) -> Recording:
        return self.recordings[1]

    @property
    def timeline(self) -> str:
        """The page that people read."""
        return render_timeline(self.report)

    def sealed_at(self, kind: type, **wanted: object) -> list[int]:
        """Civil times at which records of a kind with these values were sealed."""
        found = (each for each in self.records if isinstance(each.body, kind))
        return [
            each.utc_ns for each in found if all(getattr(each.body, name) == value for name, value in wanted.items())
        ]

    def checkouts(self) -> list[Happening]:
        """Check-outs, with the names that only a recipient's key shows."""
        return [each.of("CHECKOUT")[0] for each in self.recordings]

    def tasks_of(self, kind: str) -> list[Task]:
        """What the store wants done, of one kind."""
        return [task for task in self.tasks if task.kind == kind]

    def heard_between(self, first: str, last: str) -> list[str]:
        """What was said from one sentence to another, without tones; both are found by a part of them."""
        begin = next(place for place, said in enumerate(self.heard) if first in said)
        end = next(place for place, said in enumerate(self.heard) if place >= begin and last in said)
        return [said for said in self.heard[begin : end + 1] if not said.startswith("tone ")]


def evidence_of(day: Day, out: Path) -> Evidence:
    """Verify and open what a day has sealed, by the agency's own trust and the custodian's key."""
    office = day.office
    spool, trust = office.unit.paths.spool, office.unit.trust
    report = verify_chain([spool], trust)
    opened = open_sealed([spool], trust, [office.custodian], out)
    recordings = [_recording(each, summary) for each, summary in zip(opened, report.sessions, strict=True)]
    world = simulation(office.unit.world)
    lamps: Any = world["lamps"]
    words: Any = world["words"]
    with office.overview() as overview:
        tasks, rows, alerts = tuple(overview.tasks()), overview.sessions(UNIT), tuple(overview.alerts())
    return Evidence(
        office=office,
        report=report,
        recordings=tuple(recordings),
        records=tuple(headers(spool)),
        heard=tuple(each["words"] for each in words if each["speaker"] == "unit"),
        lamps=tuple(each["meaning"] for each in lamps),
        day=day,
        tasks=tasks,
        rows=rows,
        alerts=alerts,
    )


def _recording(opened: OpenedSession, summary: SessionSummary) -> Recording:
    events = json.loads(opened.events.read_text("utf-8"))["events"]
    happenings = (Happening(one["type"], one["facts"], one["words"] or {}, one["zh"]) for one in events)
    return Recording(summary, opened, tuple(happenings))


# -- what every text asks for alike, found in an agency's own evidence -----------------------------------------------


def the_checks_come_first(evidence: Evidence) -> list[tuple[str, str]]:
    """PREFLIGHT stands before anything that was kept, was said and lit; gives its checks and verdicts."""
    kinds = [type(each.body) for each in evidence.records]
    assert kinds.index(Preflight) < kinds.index(Fragment)
    assert evidence.heard.index("tone ready") < evidence.heard.index("检查正常。开始录制。")
    assert evidence.lamps.index("starting") < evidence.lamps.index("ready")
    assert "检查正常。开始录制。" in evidence.first.said("status")
    return [(check.check, check.verdict) for check in evidence.first.summary.checks]


def nothing_is_missing_between_press_and_end(evidence: Evidence) -> None:
    """Each frame that the camera gave is in the opened films, once and in its order (R6, R13)."""
    given: Any = simulation(evidence.office.unit.world)["frames"]
    frames = sum(_frames(run.path) for recording in evidence.recordings for run in recording.opened.runs)
    ends = [each.body for each in evidence.records if isinstance(each.body, SessionEnd)]
    assert frames == sum(end.frames for end in ends) == given["count"]
    assert [end.dropped_frames for end in ends] == [0] * len(ends)


def _frames(film: Path) -> int:
    with av.open(str(film)) as video:
        times = [frame.pts or 0 for frame in video.decode(video=0)]
    assert times == sorted(set(times))
    return len(times)


def it_stands_as_it_was_sealed(evidence: Evidence, tmp_path: Path) -> None:
    """The chain verifies; with one byte changed, or one file taken out, it does not (R10)."""
    assert evidence.report.intact
    assert evidence.report.findings == ()
    assert "核验结论    完整" in evidence.timeline
    trust = evidence.office.unit.trust
    copy = Path(shutil.copytree(evidence.office.unit.paths.spool, tmp_path / "copy"))
    files = sorted(copy.glob("*.evs"))
    victim = files[len(files) // 2]
    whole = bytearray(victim.read_bytes())
    whole[len(whole) // 2] ^= 1
    victim.write_bytes(whole)
    with pytest.raises(ChainError):
        verify_chain([copy], trust)
    victim.unlink()
    with pytest.raises(ChainError):
        verify_chain([copy], trust)


def nobody_else_reads_it(evidence: Evidence, tmp_path: Path) -> None:
    """Neither names nor words stand in a file, and no key but the agency's opens one (R12, R14)."""
    unit = evidence.office.unit
    files = [path for path in unit.paths.spool.iterdir() if path.is_file()]
    assert {path.suffix for path in files} == {".evs"}
    for path in files:
        data = path.read_bytes()
        assert not any(word.encode() in data for word in ("张某", "李某", "本次执法"))
    with pytest.raises(UndecryptableError):
        open_sealed([unit.paths.spool], unit.trust, [x25519.X25519PrivateKey.generate()], tmp_path / "nothing")
    assert list(tmp_path.rglob("*.mp4")) == []
