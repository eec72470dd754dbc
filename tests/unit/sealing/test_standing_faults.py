"""Faults that outlive files, receipts and restarts (SF-63, R18)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealing.framing import ChainRecord
from sealing.records import Body, DockChange, Event, Fault, FileKind, Open, Tick
from sealing.recovery import Recovery
from sealing.standing_faults import FAULTS_STANDING
from sealing.verifier import examine_chain, verify_chain
from sealing.writer import ChainWriter
from tests.support import chain_check, chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage, PowerCutError
from tests.support.memory_storage import MemoryStorage
from tests.support.recordings import trust
from tests.unit.sealing.test_ticks import SilentCounter, file_counter

CAMERA = ("camera", "camera-fault")
MICROPHONE = ("microphone", "microphone-fault")


def fault(key: tuple[str, str], *, present: bool = True) -> Fault:
    return Fault(*key, present)


def bodies(medium: MemoryStorage) -> list[Body]:
    return [record.header.body for record in chain_check.counted_records(medium)]


def restated(medium: MemoryStorage) -> list[Event]:
    return [body for body in bodies(medium) if isinstance(body, Event) and body.code == FAULTS_STANDING]


def behind_open(medium: MemoryStorage) -> list[tuple[FileKind, list[ChainRecord]]]:
    """Each file's kind and the records behind its OPEN."""
    files: list[tuple[FileKind, list[ChainRecord]]] = []
    for record in chain_check.counted_records(medium):
        if isinstance(record.header.body, Open):
            files.append((record.header.body.kind, []))
        else:
            files[-1][1].append(record)
    return files


def verdicts(medium: MemoryStorage, folder: Path) -> tuple[str, ...]:
    folder.mkdir()
    for name, data in medium.files.items():
        (folder / name).write_bytes(data)
    return examine_chain([folder], trust()).verdicts


def started_again(medium: MemoryStorage, clock: ManualClock) -> Recovery:
    return chains.start_writer(medium, clock).recovery


def film(writer: ChainWriter, number: int = 0) -> None:
    writer.open_footage(chains.run_facts(number + 1, 30 * number, 48_000 * number))
    writer.append_fragment(chains.fragment(number), chains.media(number))
    writer.close_footage(chains.close_facts(number + 1))


def test_every_file_that_is_opened_while_a_fault_stands_says_so_first_sf_63(tmp_path: Path) -> None:
    """SF-63: of either kind, and once."""
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    found = writer.seal(fault(CAMERA))
    film(writer)
    writer.seal(fault(MICROPHONE))
    writer.seal(Event("other", None, ()))
    writer.roll_ledger("daily")
    writer.halt("stop")
    later = behind_open(medium)[1:]
    assert [kind for kind, _ in later] == [FileKind.FOOTAGE, FileKind.LEDGER, FileKind.LEDGER]
    first = [records[0].header.body for _, records in later]
    camera = ("camera/camera-fault", found.sequence)
    assert first[:2] == [Event(FAULTS_STANDING, None, (camera,))] * 2
    assert isinstance(first[2], Event)
    assert [name for name, _ in first[2].values] == ["camera/camera-fault", "microphone/microphone-fault"]
    assert len(restated(medium)) == 3
    assert verdicts(medium, tmp_path / "files") == ()


def test_a_fault_stands_over_any_number_of_restarts_and_freed_files_until_it_is_over_sf_63() -> None:
    """SF-63: what told of it first may be gone."""
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    found = writer.seal(fault(CAMERA))
    writer.halt("stop")
    for _ in range(3):
        writer = chains.start_writer(medium, clock)
        assert writer.recovery.standing_faults == {CAMERA: found.sequence}
        writer.halt("stop")
    del medium.files["00000001.evs"]
    writer = chains.start_writer(medium, clock)
    assert writer.recovery.standing_faults == {CAMERA: found.sequence}
    writer.seal(fault(CAMERA, present=False))
    writer.halt("stop")
    assert started_again(medium, clock).standing_faults == {}


def test_a_healthy_chain_has_no_word_of_it_sf_63() -> None:
    """SF-63: as chains always were."""
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    writer.seal(fault(CAMERA))
    writer.seal(fault(CAMERA, present=False))
    film(writer)
    writer.halt("stop")
    assert started_again(medium, clock).standing_faults == {}
    assert restated(medium) == []


def test_a_fault_found_again_keeps_its_discovery_sf_63() -> None:
    """SF-63; WU A2-14: the time for a repair runs from there."""
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    found = writer.seal(fault(CAMERA))
    writer.seal(fault(CAMERA))
    assert started_again(medium, clock).standing_faults == {CAMERA: found.sequence}


@pytest.mark.parametrize("starts", [1, 3])
def test_starts_that_came_no_further_than_their_boot_hide_nothing_sf_63(starts: int) -> None:
    """SF-63: a cut between BOOT and the EVENT."""
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    found = writer.seal(fault(CAMERA))
    for _ in range(starts):
        clock.reboot("boot-2")
        chains.start_writer(medium, clock).abandon()
    assert restated(medium) == []
    assert started_again(medium, clock).standing_faults == {CAMERA: found.sequence}


def test_no_cut_of_the_power_hides_a_fault_that_was_sealed_sf_63() -> None:
    """SF-63: cut at every operation behind the FAULT."""
    reference = FaultyStorage(MemoryStorage())
    sealed_after = _day(reference, ManualClock())
    for operation in range(sealed_after + 1, len(reference.operations) + 1):
        medium, clock = MemoryStorage(), ManualClock()
        storage = FaultyStorage(medium)
        storage.cut_power_at(operation)
        with pytest.raises(PowerCutError):
            _day(storage, clock)
        medium.lose_unsynced(0.0)
        assert CAMERA in started_again(medium, clock).standing_faults, operation


def _day(storage: FaultyStorage, clock: ManualClock) -> int:
    """A fault, some files, an orderly end; returns after how many operations the FAULT was sealed."""
    writer = chains.start_writer(storage, clock)
    writer.seal(fault(CAMERA))
    sealed_after = len(storage.operations)
    film(writer)
    writer.seal(Event("other", None, ()))
    writer.halt("stop")
    return sealed_after


def test_it_stands_behind_the_tick_of_a_start_and_in_front_of_that_of_an_end_sf_43(tmp_path: Path) -> None:
    """SF-43, SF-63: no promise is broken for it."""
    clock, spool, counter = ManualClock(), tmp_path / "spool", file_counter(tmp_path)
    writer = chains.start_writer(spool, clock, counter=counter)
    writer.seal(fault(CAMERA))
    writer.roll_ledger("daily")
    writer.halt("stop")
    writer = chains.start_writer(spool, clock, counter=counter)
    writer.halt("stop")
    writer = chains.start_writer(spool, clock, counter=counter)
    writer.roll_ledger("daily")
    writer.halt("stop")
    assert verify_chain([spool], trust()).verdicts == ()


def test_a_counter_that_answers_again_behind_a_restart_is_no_fault_any_more_r18(tmp_path: Path) -> None:
    """R18: the end of the fault is sealed by the start that finds it."""
    counter = SilentCounter(file_counter(tmp_path))
    medium, clock = MemoryStorage(), ManualClock()
    chains.start_writer(medium, clock, counter=counter).halt("stop")
    counter.answers = True
    chains.start_writer(medium, clock, counter=counter).halt("stop")
    told = [body for body in bodies(medium) if isinstance(body, Fault | Tick)]
    assert told[0] == Fault("counter", "no-answer", True)
    assert Fault("counter", "no-answer", False) in told
    assert started_again(medium, clock).standing_faults == {}


def test_a_start_shows_that_the_device_key_answers_again_r18() -> None:
    """R18: it certified the epoch that signs the start."""
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    writer.seal(Fault("device-key", "no-answer", True))
    writer.abandon()
    writer = chains.start_writer(medium, clock)
    writer.seal(Event("other", None, ()))
    assert bodies(medium)[-2:] == [Fault("device-key", "no-answer", False), Event("other", None, ())]


def test_docking_ends_no_file_for_it_alone_sf_60() -> None:
    """SF-60: else each docking would make another file to be sent."""
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    writer.seal(fault(CAMERA))
    writer.roll_ledger("dock", for_news_alone=True)
    for _ in range(3):
        writer.seal(DockChange(docked=True))
        writer.roll_ledger("dock", for_news_alone=True)
    assert len(medium.files) == 2
    assert len(restated(medium)) == 1
    writer.seal(Event("other", None, ()))
    writer.roll_ledger("dock", for_news_alone=True)
    writer.seal(DockChange(docked=False))
    assert len(medium.files) == 3
