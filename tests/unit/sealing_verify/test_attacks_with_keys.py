"""Attacks with the unit's own keys in hand, and a unit gone wrong: clocks, epochs, numbers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from sealing import records as r
from sealing.findings import Code, Finding
from sealing.framing import RecordHeader, file_name
from sealing.report import ChainError, Report
from sealing.verifier import verify_chain
from sealing.writer import ChainWriter
from tests.support.chains import start_writer
from tests.support.clocks import ManualClock
from tests.support.forging import Raw, records_of, resigned, rewrite, write
from tests.support.recordings import Scene, trust


def refused(spool: Path) -> Report:
    with pytest.raises(ChainError) as error:
        verify_chain([spool], trust())
    return error.value.report


def first(spool: Path) -> Finding:
    fault = refused(spool).first_fault
    assert fault is not None
    return fault


def codes(report: Report) -> set[Code]:
    return {finding.code for finding in report.findings}


def stolen_key(writer: ChainWriter) -> ed25519.Ed25519PrivateKey:
    """The key of the epoch in force, out of the unit's memory."""
    key = writer._output._sealer._epoch._key
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key


def test_row_27_the_key_of_an_old_epoch(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = start_writer(tmp_path, clock)
    stolen = stolen_key(writer)
    writer.halt("stop")
    start_writer(tmp_path, clock).halt("stop")
    path = tmp_path / file_name(2)

    def forge(found: list[Raw]) -> list[Raw]:
        return [*found[:2], *resigned(found[2:], stolen, lambda header: replace(header, epoch=1))]

    rewrite(path, forge)
    fault = first(tmp_path)
    assert (fault.code, fault.place.file) == (Code.EPOCH_ORDER, path.name)


@pytest.mark.parametrize("number", [1, 2])
def test_rows_28_29_the_present_key_rewrites_an_earlier_epoch(tmp_path: Path, number: int) -> None:
    clock = ManualClock()
    start_writer(tmp_path, clock).halt("stop")
    writer = start_writer(tmp_path, clock)
    stolen = stolen_key(writer)
    writer.halt("stop")
    path = tmp_path / file_name(1)
    rewrite(path, lambda found: resigned(found, stolen, lambda header: replace(header, epoch=number)))
    fault = first(tmp_path)
    assert fault.code is (Code.BAD_SIGNATURE if number == 1 else Code.EPOCH_ORDER)
    assert (fault.place.file, fault.place.sequence) == (path.name, 1)


def test_row_32_an_epoch_certificate_used_elsewhere(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = start_writer(tmp_path, clock)
    stolen = stolen_key(writer)
    writer.halt("stop")
    path = tmp_path / file_name(1)

    def move(header: RecordHeader) -> RecordHeader:
        return replace(header, sequence=header.sequence + 1)

    rewrite(path, lambda found: resigned(found, stolen, move))
    report = refused(tmp_path)
    assert Code.EPOCH_MISBOUND in codes(report)


@pytest.mark.requirement("R17", "all")
def test_row_24_a_clock_set_back_without_a_record(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = start_writer(tmp_path, clock)
    writer.seal(r.DockChange(docked=True))
    clock.now = replace(clock.now, utc_ns=clock.now.utc_ns - 60 * 10**9)
    moved = writer.seal(r.Fault("clock", "none", present=False))
    clock.advance(61)
    writer.seal(r.DockChange(docked=False))
    writer.halt("stop")
    fault = first(tmp_path)
    assert fault.code is Code.CLOCK_INCONSISTENT
    assert fault.place.sequence in range(moved.sequence - 2, moved.sequence + 1)


def test_a_clock_set_back_right_before_the_end_is_a_warning(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = start_writer(tmp_path, clock)
    clock.now = replace(clock.now, utc_ns=clock.now.utc_ns + 60 * 10**9)
    writer.halt("stop")
    assert codes(verify_chain([tmp_path], trust())) == {Code.CLOCK_WRONG}


def test_a_clock_step_that_is_sealed_is_fine(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = start_writer(tmp_path, clock)
    clock.now = replace(clock.now, utc_ns=clock.now.utc_ns - 60 * 10**9)
    writer.seal(r.DockChange(docked=True))
    writer.seal(r.ClockStep(-60 * 10**9, "rtc", "network"))
    writer.halt("stop")
    assert verify_chain([tmp_path], trust()).findings == ()


def _epoch_of(spool: Path) -> tuple[ed25519.Ed25519PrivateKey, Scene]:
    clock = ManualClock()
    scene = Scene(start_writer(spool, clock), clock)
    stolen = stolen_key(scene.writer)
    scene.check_out()
    scene.press()
    scene.begin_run()
    scene.record(3)
    scene.next_file()
    scene.record(2)
    scene.finish()
    scene.writer.halt("stop")
    return stolen, scene


Change = Callable[[r.Fragment], r.Fragment]


@pytest.mark.parametrize(
    "change",
    [
        lambda body: replace(body, first_frame=body.first_frame + 1),
        lambda body: replace(body, first_frame=body.first_frame - 1),
        lambda body: replace(body, first_sample=body.first_sample + 1024),
        lambda body: replace(body, index=body.index + 1),
        lambda body: replace(body, first_video_pts=1, last_video_pts=90_000),
        lambda body: replace(body, first_audio_pts=1),
        lambda body: replace(body, frame_count=0, sample_count=0),
    ],
)
def test_numbers_that_do_not_go_on_are_named(tmp_path: Path, change: Change) -> None:
    """SF-38: a unit (or a thief of its present key) that leaves out frames shows it."""
    stolen, _ = _epoch_of(tmp_path)
    changed: list[int] = []

    def alter(header: RecordHeader) -> RecordHeader:
        if isinstance(header.body, r.Fragment) and header.body.index == 1 and not changed:
            changed.append(header.sequence)
            return replace(header, body=change(header.body))
        return header

    previous = None
    for path in sorted(tmp_path.iterdir()):
        found = resigned(records_of(path), stolen, alter, previous)
        write(path, found)
        previous = found[-1].hash
    report = refused(tmp_path)
    assert Code.CONTINUITY in codes(report) <= {Code.CONTINUITY, Code.COUNTS_DIFFER}
    assert report.findings[0].place.sequence == changed[0]
