"""Space is freed against a receipt that was checked on the unit's own disk, and against nothing else."""

from pathlib import Path

import pytest

from sealing.errors import DeletionRefusedError, WriterStateError
from sealing.receipts import receipt_hash
from sealing.references import StoreReceipt
from sealing.trust import Trust
from sealing.verifier import verify_chain
from sealing.writer import ChainWriter
from sync.errors import ReceiptMismatchError
from sync.inbox import Inbox
from sync.receipt_check import check_receipt
from sync.unit.courier import Ending
from tests.support.chains import start_writer
from tests.support.docks import StoreOnDisk, UnitOnDisk, make_unit, opened_store, served, write_session
from tests.unit.sync.test_courier import run_once

pytestmark = pytest.mark.system


def take_receipts(store: StoreOnDisk, unit: UnitOnDisk, writer: ChainWriter) -> list[int]:
    """What the agent does with its inbox: judge, check against the disk, seal; gives the files that may be freed."""
    certificate = store.receipt_certificate()
    inbox = Inbox(unit.paths.inbox, unit.paths.rejected, certificate, unit.device_id)
    sealed = []
    for item in inbox.receipts({}):
        path = unit.paths.spool / f"{item.file_number:08d}.evs"
        try:
            receipt = check_receipt(item.data, certificate, unit.device_id, path)
        except ReceiptMismatchError as error:
            inbox.reject(item.path, str(error))
            continue
        digest = receipt_hash(item.data)
        facts = StoreReceipt(item.file_number, receipt.file_id, digest, receipt.store_id, receipt.receipt_number)
        writer.seal_receipt(facts)
        inbox.remove(item)
        sealed.append(item.file_number)
    return sealed


@pytest.mark.requirement("R10", "all")
@pytest.mark.requirement("R21", "all")
def test_files_go_only_after_a_checked_receipt_and_the_chain_still_verifies(tmp_path: Path) -> None:
    """SY-24, SY-27, SY-29."""
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        writer = start_writer(unit.paths.spool, unit=unit.identity)
        write_session(writer, footage_files=4)
        writer.roll_ledger("dock")
        with pytest.raises(DeletionRefusedError):
            writer.free_file(2)
        with served(store) as url:
            assert run_once(unit, url) is Ending.ALL_RECEIPTED
        # The disk goes bad between the upload and the check: the store's copy is whole, the unit's is not.
        victim = unit.paths.spool / "00000003.evs"
        bad = bytearray(victim.read_bytes())
        bad[-2000] ^= 1
        victim.write_bytes(bytes(bad))
        sealed = take_receipts(store, unit, writer)
        assert 3 not in sealed
        assert 2 in sealed
        writer.free_file(2)
        with pytest.raises(DeletionRefusedError):
            writer.free_file(3)
        assert not (unit.paths.spool / "00000002.evs").exists()
        assert victim.read_bytes() == bytes(bad)
        assert "payload" in (unit.paths.rejected / "00000003.receipt.reason").read_text()
        with served(store) as url:
            assert run_once(unit, url) is Ending.SOME_REFUSED
        bad[-2000] ^= 1
        victim.write_bytes(bytes(bad))
        writer.halt("stop")
        report = verify_chain([unit.paths.spool], Trust.load(store.authority.trust))
        assert report.intact


def test_a_receipt_for_other_bytes_is_not_sealed(tmp_path: Path) -> None:
    """SY-24."""
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        writer = start_writer(unit.paths.spool, unit=unit.identity)
        write_session(writer, footage_files=2)
        with pytest.raises(WriterStateError):
            writer.seal_receipt(StoreReceipt(2, bytes(32), bytes(32), "store-test", 1))
        writer.halt("stop")
