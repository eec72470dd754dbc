"""A ledger file that accounts for more deletions than it pays to carry along stays, and all of it still verifies."""

from pathlib import Path

import pytest

from sealing.errors import DeletionRefusedError
from sealing.framing import file_name
from sealing.records import Event
from sealing.references import StoreReceipt
from sealing.verifier import examine_chain
from sealing.writer import ChainWriter
from tests.support import chain_check, chains
from tests.support.memory_storage import MemoryStorage
from tests.support.recordings import trust

HELD_MAX = 256


def accounting(medium: MemoryStorage, files: int) -> tuple[ChainWriter, int]:
    """Footage files that were all freed, and the number of the ledger file that holds their DELETEs."""
    writer = chains.start_writer(medium)
    for number in range(files):
        writer.open_footage(chains.run_facts(1, 30 * number, 48_000 * number))
        writer.append_fragment(chains.fragment(number), chains.media(number, 20))
        writer.close_footage(chains.close_facts(number + 1))
    ledger = writer.seal(Event("docked", None, ())).file_number
    for number in range(2, files + 1):
        file_id = chain_check.scan(medium, number).identity().digest()
        writer.seal_receipt(StoreReceipt(number, file_id, bytes(32), "store-1", number))
        writer.free_file(number)
    writer.roll_ledger("dock")
    file_id = chain_check.scan(medium, ledger).identity().digest()
    writer.seal_receipt(StoreReceipt(ledger, file_id, bytes([1]) * 32, "store-1", files + 1))
    writer.seal(Event("docked", None, ()))
    writer.roll_ledger("dock")
    return writer, ledger


def verdicts(medium: MemoryStorage, folder: Path) -> set[str]:
    for name, data in medium.files.items():
        (folder / name).write_bytes(bytes(data))
    return set(examine_chain([folder], trust()).verdicts)


def test_a_ledger_file_with_too_many_deletions_stays(tmp_path: Path) -> None:
    """SF-33: the rest is freed all the same, and every hole is bridged."""
    medium = MemoryStorage()
    writer, ledger = accounting(medium, HELD_MAX + 2)
    with pytest.raises(DeletionRefusedError, match=f"holds {HELD_MAX + 1} deletions"):
        writer.free_file(ledger)
    writer.halt("stop")
    assert file_name(ledger) in medium.files
    assert verdicts(medium, tmp_path) == {"PRUNED"}


def test_a_ledger_file_with_as_many_as_that_goes(tmp_path: Path) -> None:
    """SF-33: its DELETEs are sealed again, and bridge as they did."""
    medium = MemoryStorage()
    writer, ledger = accounting(medium, HELD_MAX + 1)
    writer.free_file(ledger)
    writer.halt("stop")
    assert file_name(ledger) not in medium.files
    assert verdicts(medium, tmp_path) == {"PRUNED"}
