"""The medium fails, the unit records on, then the power goes: what the fault left behind was never on the medium."""

import itertools
from pathlib import Path

import pytest

from sealing.verifier import examine_chain
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage, PowerCutError
from tests.support.memory_storage import MemoryStorage
from tests.support.recordings import trust
from tests.support.sealing_scenario import Day

WARNINGS = {"UNCLEAN_STOP", "MEDIUM_FAULT", "TORN_CHANGED", "PRUNED"}
"""What such a chain is told of; none of it says that a record is missing."""
OF_THE_START = 3
"""Create, append, sync: a start that fails there is done again by recovery, which has nothing but what it reads."""
LATER = (1, 4, 9)
"""Operations between the fault and the power cut."""


def disturbed_day(operation: int, later: int, *, from_memory: bool) -> tuple[MemoryStorage, Day]:
    """A day with a fault at one operation that left half an append behind, and a power cut some operations later.

    Args:
        operation: Which one fails.
        later: How many operations later the power goes.
        from_memory: Whether a page cache gives back what never reached the card; the unit's own storage does not let
            it (DR-38).
    """
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    medium.reading_syncs = not from_memory
    if not from_memory:
        storage.on_refused_sync = medium.forget_unsynced
    storage.fail_at(operation, partial=0.5)
    storage.then_cut_power_after(later)
    day = Day(storage, ManualClock())
    try:
        day.run_stubbornly()
    except PowerCutError:
        medium.lose_unsynced(0.0)
    medium.reading_syncs = True
    return medium, day


def verdicts(medium: MemoryStorage, folder: Path) -> set[str]:
    folder.mkdir()
    for name, data in medium.files.items():
        (folder / name).write_bytes(data)
    return set(examine_chain([folder], trust()).verdicts)


def operations_of_a_day() -> int:
    storage = FaultyStorage(MemoryStorage())
    Day(storage).run()
    return len(storage.operations)


@pytest.mark.parametrize("later", LATER)
def test_what_a_fault_left_unsynced_may_be_gone_and_nothing_else_is(tmp_path: Path, later: int) -> None:
    """SF-30: TORN names bytes that a power cut takes back; the chain says that they changed, and is whole."""
    seen: set[str] = set()
    for operation in range(OF_THE_START + 1, operations_of_a_day() + 1):
        medium, day = disturbed_day(operation, later, from_memory=True)
        day.clock.reboot("boot-2")
        chains.start_writer(medium, day.clock).halt("stop")
        found = verdicts(medium, tmp_path / f"{operation}")
        assert found <= WARNINGS, f"operation {operation}"
        seen |= found
    # With the very next operation the power is gone before anything names the bytes.
    assert ("TORN_CHANGED" in seen) == (later > 1)


@pytest.mark.parametrize("later", LATER)
def test_who_reads_from_the_medium_names_nothing_that_a_power_cut_takes_back(tmp_path: Path, later: int) -> None:
    """DR-38, SF-30: from the first operation of the first start on, no believed byte is gone afterwards."""
    for operation in range(1, operations_of_a_day() + 1):
        medium, day = disturbed_day(operation, later, from_memory=False)
        day.clock.reboot("boot-2")
        chains.start_writer(medium, day.clock).halt("stop")
        assert verdicts(medium, tmp_path / f"{operation}") <= WARNINGS - {"TORN_CHANGED"}, f"operation {operation}"


def test_the_cut_comes_where_it_is_asked_for() -> None:
    counts = set()
    for operation, later in itertools.product((3, 8), LATER):
        storage = FaultyStorage(MemoryStorage())
        storage.fail_at(operation, partial=0.5)
        storage.then_cut_power_after(later)
        with pytest.raises(PowerCutError):
            Day(storage, ManualClock()).run_stubbornly()
        counts.add(len(storage.operations) - operation)
    assert counts == set(LATER)
