"""Where a chain goes on (SF-27 to SF-29, SF-40, SF-41)."""

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from sealing.errors import StorageFaultError
from sealing.framing import ChainRecord
from sealing.records import Boot, Event, StateSnapshot
from tests.support import chain_check, chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage
from tests.support.memory_storage import MemoryStorage


def event(code: str = "test") -> Event:
    return Event(code, None, ())


def last_boot(medium: MemoryStorage) -> Boot:
    boots = [record.header.body for record in chain_check.counted_records(medium)]
    return next(body for body in reversed(boots) if isinstance(body, Boot))


def test_an_orderly_end_is_a_clean_start() -> None:
    """SF-40."""
    medium, clock = MemoryStorage(), ManualClock()
    chains.start_writer(medium, clock).halt("stop")
    recovery = chains.start_writer(medium, clock).recovery
    assert (recovery.clean, recovery.reason, recovery.boot_number) == (True, "clean", 2)


@pytest.mark.parametrize(("boot_id", "reason"), [("boot-1", "crash"), ("boot-2", "power-loss")])
def test_an_end_without_halt_is_a_crash_or_a_power_loss(boot_id: str, reason: str) -> None:
    """SF-40: the kernel's boot id tells which."""
    medium, clock = MemoryStorage(), ManualClock()
    chains.start_writer(medium, clock).seal(event())
    clock.reboot(boot_id)
    chains.start_writer(medium, clock)
    boot = last_boot(medium)
    assert (boot.clean, boot.reason, boot.torn_file, boot.torn_bytes) == (False, reason, None, 0)


@pytest.mark.parametrize(("boot_id", "reason"), [("boot-1", "watchdog"), ("boot-2", "power-loss")])
def test_a_crash_that_was_the_watchdogs_is_sealed_as_its(boot_id: str, reason: str) -> None:
    """SF-40: what the chain itself tells stands above what the service manager says."""
    medium, clock = MemoryStorage(), ManualClock()
    chains.start_writer(medium, clock).seal(event())
    clock.reboot(boot_id)
    told = replace(chains.SOFTWARE, ended_by_watchdog=True)
    assert chains.start_writer(medium, clock, software=told).recovery.reason == reason
    assert last_boot(medium).reason == reason


def test_an_orderly_end_stays_one_whatever_the_service_manager_says() -> None:
    medium, clock = MemoryStorage(), ManualClock()
    chains.start_writer(medium, clock).halt("stop")
    told = replace(chains.SOFTWARE, ended_by_watchdog=True)
    assert chains.start_writer(medium, clock, software=told).recovery.reason == "clean"


def test_a_halt_without_its_close_is_not_clean() -> None:
    """SF-40."""
    medium = MemoryStorage()
    chains.start_writer(medium).halt("stop")
    close = chain_check.counted_records(medium)[-1]
    del medium.files["00000001.evs"][close.offset_bytes + 5 :]
    chains.start_writer(medium)
    boot = last_boot(medium)
    assert (boot.clean, boot.torn_file, boot.torn_bytes) == (False, 1, 5)


def test_the_last_snapshot_and_what_was_sealed_behind_it_come_back() -> None:
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    writer.set_state(chains.snapshot(state="recording"))
    writer.open_footage(chains.run_facts())
    writer.append_fragment(chains.fragment(0), chains.media(0))
    writer.append_fragment(chains.fragment(1), chains.media(1))
    sealed = writer.seal(event("pressed"))
    recovery = chains.start_writer(medium, clock).recovery
    assert recovery.snapshot is not None
    assert recovery.snapshot.state == "recording"
    assert [record.header.type.name for record in recovery.records] == ["FRAGMENT", "FRAGMENT", "EVENT"]
    assert recovery.records[-1].hash == sealed.hash
    assert chains.last_fragment(recovery) == chains.fragment_at(1)
    assert recovery.last_utc_ns == sealed.utc_ns


def test_what_the_records_say_survives_a_second_crash() -> None:
    """The new file's OPEN carries the snapshot as the replay leaves it, so that nothing has to be read twice."""

    def replay(snapshot: StateSnapshot, records: tuple[ChainRecord, ...]) -> StateSnapshot:
        events = [record for record in records if isinstance(record.header.body, Event)]
        return replace(snapshot, session_number=snapshot.session_number + len(events))

    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.seal(event())
    writer.seal(event())
    for _ in range(2):
        chains.start_writer(medium, replay=replay)
    recovery = chains.start_writer(medium, replay=replay).recovery
    assert recovery.snapshot is not None
    assert recovery.snapshot.session_number == 2


def test_recovery_reads_the_last_file_whatever_the_spools_size() -> None:
    """Section 6: the number of reads does not grow with the number of files."""

    def reads(files: int) -> int:
        medium = MemoryStorage()
        writer = chains.start_writer(medium)
        for _ in range(files):
            writer.roll_ledger("dock")
            writer.seal(event())
        medium.reads = 0
        chains.start_writer(medium)
        return medium.reads

    assert reads(50) == reads(2)


def test_torn_bytes_stay_where_they_are() -> None:
    """SF-27: nothing is truncated, and the hash is over exactly these bytes."""
    medium = MemoryStorage()
    chains.start_writer(medium)
    medium.files["00000001.evs"].extend(b"rubbish")
    before = bytes(medium.files["00000001.evs"])
    chains.start_writer(medium)
    assert medium.files["00000001.evs"] == before
    assert last_boot(medium).torn_bytes == 7
    chain_check.counted_records(medium)


def test_a_damaged_record_in_the_middle_ends_what_counts() -> None:
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.seal(event("kept"))
    lost = writer.seal(event("lost"))
    writer.seal(event("lost as well"))
    record = chain_check.counted_records(medium)[lost.sequence - 1]
    medium.files["00000001.evs"][record.offset_bytes + 60] ^= 1
    chains.start_writer(medium)
    bodies = [record.header.body for record in chain_check.counted_records(medium)]
    assert [body.code for body in bodies if isinstance(body, Event)] == ["kept"]


def test_a_last_fragment_that_reads_otherwise_than_it_was_hashed_does_not_count() -> None:
    """A power cut may leave a file's length and not its bytes."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.open_footage(chains.run_facts())
    for number in range(2):
        writer.append_fragment(chains.fragment(number), chains.media(number))
    medium.files["00000002.evs"][-100:] = bytes(100)
    assert chains.last_fragment(chains.start_writer(medium).recovery) == chains.fragment_at(0)
    chain_check.counted_records(medium)


def test_a_renewed_certificate_for_the_same_key_goes_on() -> None:
    medium = MemoryStorage()
    chains.start_writer(medium).halt("stop")
    unit = chains.identity()
    key = x509.load_der_x509_certificate(unit.certificate_der).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    renewed = replace(unit, certificate_der=chains.agency().device_certificate(unit.device_id, key))
    assert renewed.certificate_der != unit.certificate_der
    assert chains.start_writer(medium, unit=renewed).recovery.clean


def test_other_names_in_the_spool_are_left_alone() -> None:
    medium = MemoryStorage()
    for name in ("lost+found", "00000001.evs.tmp", "notes.txt"):
        medium.create(name)
    chains.start_writer(medium)
    assert medium.names() == ["00000001.evs", "00000001.evs.tmp", "lost+found", "notes.txt"]


@pytest.mark.parametrize("operation", [1, 2, 3])
def test_a_start_on_a_failing_medium_says_so_and_can_be_repeated(operation: int) -> None:
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    storage.fail_at(operation, "EROFS", partial=0.5)
    with pytest.raises(StorageFaultError, match="Read-only"):
        chains.start_writer(storage)
    chains.start_writer(storage).halt("stop")
    chain_check.counted_records(medium)
