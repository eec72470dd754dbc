"""Chains as units write them: intact, whatever happened to the unit (FORMAT section 8)."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hal.drivers.files import DirectoryStorage
from sealing import records as r
from sealing.errors import DeletionRefusedError, NotSealedError, StorageFaultError
from sealing.findings import Code, Severity
from sealing.framing import file_name
from sealing.oids import Assurance
from sealing.references import StoreReceipt
from sealing.report import NotEvidenceError, Report
from sealing.verifier import examine_chain, verify_chain
from sealing.writer import ChainWriter
from tests.support.chains import agency, start_writer
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage, PowerCutError
from tests.support.recordings import Scene, trust


def codes(report: Report) -> set[Code]:
    return {finding.code for finding in report.findings}


def test_an_untouched_recording_is_intact_and_simulated(film_copy: Path) -> None:
    report = verify_chain([film_copy], trust())
    assert report.intact
    assert report.findings == ()
    assert report.grade is Assurance.SIMULATED
    assert report.device_id == "unit-0001"
    assert [facts.number for facts in report.files] == list(range(1, len(report.files) + 1))
    assert report.records == report.last_sequence == sum(facts.records for facts in report.files)
    assert all(facts.closed and facts.torn_bytes == 0 and facts.file_id for facts in report.files)


def test_file_ids_are_those_that_the_writer_computes(film_copy: Path) -> None:
    """SF-9."""
    clock = ManualClock()
    clock.advance(3600)
    writer = start_writer(film_copy, clock)
    report = verify_chain([film_copy], trust())
    number = next(facts.number for facts in report.files if facts.kind == "footage")
    writer.seal_receipt(StoreReceipt(number, bytes.fromhex(report.files[number - 1].file_id or ""), bytes(32), "s", 1))
    writer.free_file(number)
    assert codes(verify_chain([film_copy], trust())) == {Code.PRUNED, Code.TAIL_OPEN}


def test_evidence_is_refused_from_a_simulated_unit_only_when_it_is_required(film_copy: Path) -> None:
    with pytest.raises(NotEvidenceError, match="SIMULATED") as refused:
        verify_chain([film_copy], trust(), require_evidence=True)
    assert refused.value.report.intact


def test_what_was_recorded_is_summed_up(film_copy: Path) -> None:
    session = verify_chain([film_copy], trust()).sessions[0]
    assert (session.notice, session.preflight, session.end_reason) == ("heard", "degraded", "button")
    assert session.frames == sum(run.frames for run in session.runs) == 7 * 30
    assert [run.number for run in session.runs] == [1, 2, 3]
    assert [run.files for run in session.runs] == [(3, 4), (6,), (8,)]
    assert [(each.cause, each.explained) for each in session.breaks] == [
        ("camera-fault", True),
        ("change-of-place", False),
    ]
    assert session.breaks[0].duration_ns == 11_400_000_000
    assert session.officer_ids == ("PF-0001", "PF-0002")
    assert session.runs[0].before_notice_until_ns is not None


def test_the_report_is_json_that_reads_back(film_copy: Path) -> None:
    told = json.loads(verify_chain([film_copy], trust()).to_json())
    assert (told["version"], told["intact"], told["verdicts"], told["grade"]) == (1, True, [], "simulated")
    assert {"findings", "files", "pruned", "sessions", "timeline", "head_hash"} <= set(told)
    assert told["sessions"][0]["breaks"][1]["cause"] == "change-of-place"


def test_files_may_be_given_one_by_one_in_any_order(film_copy: Path) -> None:
    report = verify_chain(sorted(film_copy.iterdir(), reverse=True), trust())
    assert [facts.number for facts in report.files] == sorted(facts.number for facts in report.files)


def test_progress_ends_with_all_bytes(film_copy: Path) -> None:
    told: list[tuple[int, int]] = []
    verify_chain([film_copy], trust(), progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == sum(path.stat().st_size for path in film_copy.iterdir())


def test_a_chain_that_goes_on_ends_open(tmp_path: Path) -> None:
    writer = start_writer(tmp_path)
    writer.seal(r.DockChange(docked=True))
    found = verify_chain([tmp_path], trust()).findings
    assert [(finding.code, finding.severity) for finding in found] == [(Code.TAIL_OPEN, Severity.INFORMATION)]


@pytest.mark.parametrize("cut_bytes", [1, 7, 8, 9, 100, 400])
def test_a_power_cut_is_an_unclean_stop_and_nothing_else(tmp_path: Path, cut_bytes: int) -> None:
    """SF-27: the torn bytes are accepted exactly as BOOT names them."""
    clock = ManualClock()
    scene = Scene(start_writer(tmp_path, clock), clock)
    scene.check_out()
    scene.press()
    scene.begin_run()
    scene.record(3)
    last = tmp_path / file_name(3)
    last.write_bytes(last.read_bytes()[:-cut_bytes])
    clock.reboot("boot-2")
    start_writer(tmp_path, clock).halt("stop")
    report = verify_chain([tmp_path], trust())
    assert codes(report) == {Code.UNCLEAN_STOP}
    assert report.files[2].torn_bytes > 0


def test_a_crash_between_records_is_an_unclean_stop(tmp_path: Path) -> None:
    clock = ManualClock()
    start_writer(tmp_path, clock).seal(r.DockChange(docked=True))
    start_writer(tmp_path, clock).halt("stop")
    assert codes(verify_chain([tmp_path], trust())) == {Code.UNCLEAN_STOP}


@pytest.mark.parametrize("size", [0, 3, 8, 200])
def test_a_file_without_a_whole_beginning_is_dropped_in_the_open(tmp_path: Path, size: int) -> None:
    """SF-28, SF-15."""
    clock = ManualClock()
    start_writer(tmp_path, clock).halt("stop")
    (tmp_path / file_name(2)).write_bytes((tmp_path / file_name(1)).read_bytes()[:size])
    start_writer(tmp_path, clock).halt("stop")
    report = verify_chain([tmp_path], trust())
    assert [facts.number for facts in report.files] == [1, 3]
    assert codes(report) <= {Code.UNCLEAN_STOP}


def test_epochs_change_without_a_seam(tmp_path: Path) -> None:
    """SF-18, SF-42."""
    clock = ManualClock()
    writer = start_writer(tmp_path, clock)
    for _ in range(650):
        writer.seal(r.DockChange(docked=True))
    clock.advance(700)
    writer.seal(r.DockChange(docked=False))
    writer.halt("stop")
    assert codes(verify_chain([tmp_path], trust())) == set()


def test_a_freed_file_is_bridged(film_copy: Path) -> None:
    """SF-32, SF-33: DELETE names the hole."""
    clock = ManualClock()
    clock.advance(3600)
    report = verify_chain([film_copy], trust())
    writer = start_writer(film_copy, clock)
    for facts in report.files[:-1]:
        receipt = StoreReceipt(facts.number, bytes.fromhex(facts.file_id or ""), bytes([facts.number]) * 32, "store", 1)
        writer.seal_receipt(receipt)
    writer.roll_ledger("dock")
    for facts in report.files[2:-1]:
        writer.free_file(facts.number)
    writer.halt("stop")
    pruned = verify_chain([film_copy], trust())
    assert codes(pruned) == {Code.PRUNED}
    assert pruned.pruned == tuple((facts.first_sequence, facts.last_sequence) for facts in report.files[2:-1])


def test_the_first_files_may_be_freed_too(film_copy: Path) -> None:
    clock = ManualClock()
    clock.advance(3600)
    report = verify_chain([film_copy], trust())
    writer = start_writer(film_copy, clock)
    for facts in report.files[:3]:
        receipt = StoreReceipt(facts.number, bytes.fromhex(facts.file_id or ""), bytes([facts.number]) * 32, "store", 1)
        writer.seal_receipt(receipt)
    writer.roll_ledger("dock")
    for facts in report.files[:3]:
        writer.free_file(facts.number)
    writer.halt("stop")
    pruned = verify_chain([film_copy], trust())
    assert codes(pruned) == {Code.PRUNED}
    assert pruned.intact


@pytest.mark.parametrize("freed", range(1, 12))
def test_however_much_of_a_recording_was_freed_the_rest_stands(film_copy: Path, freed: int) -> None:
    """SF-33: a BREAK or RESUME may be the first that is left of its recording."""
    clock = ManualClock()
    clock.advance(3600)
    ended = verify_chain([film_copy], trust()).files[:freed]
    writer = start_writer(film_copy, clock)
    for facts in ended:
        receipt = StoreReceipt(facts.number, bytes.fromhex(facts.file_id or ""), bytes([facts.number]) * 32, "store", 1)
        writer.seal_receipt(receipt)
    writer.roll_ledger("dock")
    for facts in ended:
        with suppress(DeletionRefusedError):
            writer.free_file(facts.number)
    writer.halt("stop")
    assert codes(verify_chain([film_copy], trust())) <= {Code.PRUNED}


def test_a_receipted_file_that_is_still_there_is_held_to_its_delete(film_copy: Path, tmp_path: Path) -> None:
    """A copy that was made before anything was freed verifies as well."""
    kept = {path.name: path.read_bytes() for path in film_copy.iterdir()}
    test_a_freed_file_is_bridged(film_copy)
    for name, data in kept.items():
        (film_copy / name).write_bytes(data)
    assert codes(verify_chain([film_copy], trust())) == set()


def test_a_soft_unit_is_soft(tmp_path: Path) -> None:
    unit = agency().identity("unit-0007")
    signer_key = unit.signer._key  # type: ignore[attr-defined]
    certificate = agency().device_certificate("unit-0007", signer_key.public_key(), Assurance.SOFT)
    start_writer(tmp_path, unit=replace(unit, certificate_der=certificate)).halt("stop")
    # BOOT says that the driver set is simulated: the lowest grade holds.
    assert examine_chain([tmp_path], trust()).grade is Assurance.SIMULATED


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_what_is_not_sealed_is_said_to_be_so(tmp_path: Path, content: bytes) -> None:
    """SF-8."""
    path = tmp_path / "00000001.evs"
    path.write_bytes(content)
    for given in (path, tmp_path):
        with pytest.raises(NotSealedError, match=r"\.evs"):
            verify_chain([given], trust())


def test_a_folder_without_sealed_files_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(NotSealedError, match="no sealed files"):
        verify_chain([tmp_path], trust())


@pytest.mark.parametrize("operation", range(1, 26))
def test_a_run_goes_on_over_a_failing_medium(tmp_path: Path, operation: int) -> None:
    """SF-30: whatever operation fails once, the chain verifies, and the fault is told."""
    storage = FaultyStorage(DirectoryStorage(tmp_path))
    clock = ManualClock()
    scene = Scene(start_writer(storage, clock), clock)
    before = len(storage.operations)
    storage.fail_at(operation, partial=operation % 3 / 2)
    scene.writer = Stubborn(scene.writer)  # type: ignore[assignment]
    _short_session(scene)
    report = verify_chain([tmp_path], trust())
    # A file that could not even be made left nothing behind that would have to be told.
    left_traces = storage.operations[before + operation - 1] != "create"
    assert codes(report) == ({Code.MEDIUM_FAULT} if left_traces else set())
    assert report.sessions[0].frames == 180


class Stubborn:
    """Asks the writer again when the medium has failed, as the service does."""

    def __init__(self, writer: ChainWriter) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._writer, name)

        def again(*arguments: object) -> object:
            try:
                return method(*arguments)
            except StorageFaultError:
                return method(*arguments)

        return again


@pytest.mark.parametrize("operation", range(1, 26))
def test_a_power_cut_at_any_operation_leaves_a_chain_that_verifies(tmp_path: Path, operation: int) -> None:
    """SF-25 to SF-29: whatever was cut, the next start names it."""
    storage = FaultyStorage(DirectoryStorage(tmp_path))
    clock = ManualClock()
    scene = Scene(start_writer(storage, clock), clock)
    storage.cut_power_at(operation, partial=operation % 4 / 4)
    with pytest.raises(PowerCutError):
        _short_session(scene)
    clock.reboot("boot-2")
    start_writer(tmp_path, clock).halt("stop")
    report = verify_chain([tmp_path], trust())
    assert codes(report) == {Code.UNCLEAN_STOP}


def _short_session(scene: Scene) -> None:
    scene.check_out()
    scene.press()
    scene.begin_run()
    scene.record(4)
    scene.next_file()
    scene.record(2)
    scene.finish()
    scene.writer.halt("stop")
