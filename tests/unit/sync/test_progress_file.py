"""What the service is doing, seen from outside."""

import json
from pathlib import Path

from sync.unit.progress_file import Both, ProgressFile, follow, read_progress
from sync.unit.reports import Report
from tests.support.clocks import ManualClock, ManualSignal

BEGIN = Report("begin", files_left=3, bytes_left=9_000_000)
SENDING = Report("sending", file=7, offset_bytes=2_000_000, size_bytes=5_000_000)


class Heard:
    def __init__(self) -> None:
        self.reports: list[Report] = []

    def report(self, report: Report) -> None:
        self.reports.append(report)


def test_the_newest_report_lies_in_the_run_directory(tmp_path: Path) -> None:
    path = tmp_path / "sync.json"
    heard = Heard()
    both = Both(heard, ProgressFile(path))
    for report in (BEGIN, SENDING, Report("sending", file=7, offset_bytes=2_100_000, size_bytes=5_000_000)):
        both.report(report)
    told = read_progress(path)
    assert told is not None
    assert (told.event, told.file, told.offset_bytes, told.files_left) == ("sending", 7, 2_000_000, 3)
    assert len(heard.reports) == 3
    both.report(Report("idle"))
    told = read_progress(path)
    assert told is not None
    assert told.all_uploaded


def test_up_to_where_all_is_receipted_outlasts_what_is_reported_later(tmp_path: Path) -> None:
    """SY-38."""
    file = ProgressFile(tmp_path / "p")
    for report in (Report("idle", receipted_to=4), Report("head-told", file=4), BEGIN, SENDING):
        file.report(report)
    told = read_progress(tmp_path / "p")
    assert told is not None
    assert not told.all_uploaded
    assert told.holds_receipts_to(4)
    assert not told.holds_receipts_to(5)


def test_a_done_with_refusals_is_not_all_uploaded(tmp_path: Path) -> None:
    ProgressFile(tmp_path / "p").report(Report("done", reason="some files were refused"))
    told = read_progress(tmp_path / "p")
    assert told is not None
    assert not told.all_uploaded


def test_a_run_directory_that_is_gone_costs_only_the_view(tmp_path: Path) -> None:
    ProgressFile(tmp_path / "absent" / "sync.json").report(SENDING)
    assert read_progress(tmp_path / "absent" / "sync.json") is None


def test_the_view_follows(tmp_path: Path) -> None:
    path, heard, stop = tmp_path / "sync.json", Heard(), ManualSignal()
    file = ProgressFile(path)
    file.report(BEGIN)
    file.report(SENDING)

    class Clock(ManualClock):
        def wait(self, signal: object, timeout_seconds: float | None = None) -> bool:
            if json.loads(path.read_text())["event"] == "done":
                stop.set()
            file.report(Report("done"))
            return stop.is_set()

    follow(path, heard, Clock(), stop)
    assert [one.event for one in heard.reports] == ["begin", "sending", "done"]
