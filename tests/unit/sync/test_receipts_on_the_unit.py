"""The agent's side: the inbox, and the check of a receipt against the unit's own disk."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sealing.receipts import Receipt, read_receipt, receipt_hash
from sync import inbox
from sync.errors import InboxError, ReceiptMismatchError
from sync.inbox import Inbox
from sync.receipt_check import check_receipt
from sync.store.intake import ReceiptSigner
from sync.unit.spool import SealedFile, read_ended
from sync.wire import RECEIPT_BYTES_MAX
from tests.support.docks import STORE_ID, StoreOnDisk, UnitOnDisk, fill_spool
from tests.unit.sync.test_intake import bring, ended


@pytest.fixture
def receipted(store: StoreOnDisk, unit: UnitOnDisk) -> tuple[SealedFile, bytes]:
    """A footage file and the store's receipt for it."""
    fill_spool(unit)
    file = ended(unit)[1]
    return file, bring(store, file)


@pytest.fixture
def agent(store: StoreOnDisk, unit: UnitOnDisk) -> Inbox:
    paths = unit.paths
    return Inbox(paths.inbox, paths.rejected, store.receipt_certificate(), unit.device_id)


Receipted = tuple[SealedFile, bytes]


def test_a_true_receipt_is_returned(store: StoreOnDisk, unit: UnitOnDisk, receipted: Receipted) -> None:
    """SY-24."""
    file, data = receipted
    receipt = check_receipt(data, store.receipt_certificate(), unit.device_id, file.path)
    assert (receipt.file_id, receipt.size_bytes) == (file.file_id, file.size_bytes)


def test_any_change_of_the_file_on_the_disk_is_found(
    store: StoreOnDisk, unit: UnitOnDisk, receipted: Receipted
) -> None:
    """SY-24: payloads included, though the file id alone would not see them."""
    file, data = receipted
    good = file.path.read_bytes()
    for position in range(0, len(good), 211):
        bad = bytearray(good)
        bad[position] ^= 8
        file.path.write_bytes(bytes(bad))
        with pytest.raises(ReceiptMismatchError):
            check_receipt(data, store.receipt_certificate(), unit.device_id, file.path)
    for cut in (b"", good[:-1], good + b"x"):
        file.path.write_bytes(cut)
        with pytest.raises(ReceiptMismatchError):
            check_receipt(data, store.receipt_certificate(), unit.device_id, file.path)


def test_a_receipt_that_is_not_the_stores_is_refused(
    store: StoreOnDisk, unit: UnitOnDisk, receipted: Receipted
) -> None:
    """SY-24."""
    file, data = receipted
    certificate = store.receipt_certificate()
    forged = ReceiptSigner(STORE_ID, ec.generate_private_key(ec.SECP256R1())).sign(read_receipt(data))
    for bad in (forged, b"", data[:-1], data + b"x", bytes([*data[:-1], data[-1] ^ 1])):
        with pytest.raises(ReceiptMismatchError):
            check_receipt(bad, certificate, unit.device_id, file.path)
    with pytest.raises(ReceiptMismatchError, match="unit-0002"):
        check_receipt(data, certificate, "unit-0002", file.path)


@pytest.mark.parametrize("field", ["file_id", "size_bytes", "first_sequence", "last_sequence", "head_hash"])
def test_every_field_is_compared(store: StoreOnDisk, unit: UnitOnDisk, receipted: Receipted, field: str) -> None:
    """SY-24: even a store that signs nonsense does not get a file freed."""
    file, data = receipted
    receipt = read_receipt(data)
    value = getattr(receipt, field)
    other = value + 1 if isinstance(value, int) else bytes(32)
    signer = ReceiptSigner(STORE_ID, store.authority.key("receipt"))
    nonsense = signer.sign(Receipt(**(asdict(receipt) | {field: other})))
    with pytest.raises(ReceiptMismatchError, match=field):
        check_receipt(nonsense, store.receipt_certificate(), unit.device_id, file.path)


def test_a_receipt_for_another_file_is_refused(store: StoreOnDisk, unit: UnitOnDisk, receipted: Receipted) -> None:
    """SY-24."""
    _, data = receipted
    with pytest.raises(ReceiptMismatchError):
        check_receipt(data, store.receipt_certificate(), unit.device_id, ended(unit)[2].path)


def test_a_certificate_that_is_not_for_receipts_is_refused(
    store: StoreOnDisk, unit: UnitOnDisk, receipted: Receipted
) -> None:
    file, data = receipted
    with pytest.raises(ReceiptMismatchError, match="not a store's receipt certificate"):
        check_receipt(data, store.authority.certificate("agency-ca.pem"), unit.device_id, file.path)


def test_an_open_file_has_no_receipt(tmp_path: Path, receipted: Receipted) -> None:
    """SY-25."""
    file, _ = receipted
    cut = tmp_path / file.path.name
    cut.write_bytes(file.path.read_bytes()[:-50])
    assert read_ended(cut, None) is None


def test_the_inbox_hands_over_and_forgets(unit: UnitOnDisk, agent: Inbox, receipted: Receipted) -> None:
    """SY-28, SY-29."""
    file, data = receipted
    inbox.put(unit.paths.inbox, file.number, data)
    (unit.paths.inbox / ".00000009.receipt.tmp").write_bytes(b"half")
    items = list(agent.receipts({}))
    assert [(one.file_number, one.data) for one in items] == [(file.number, data)]
    agent.remove(items[0])
    assert list(agent.receipts({})) == []


def test_a_known_receipt_comes_again_and_is_fine(unit: UnitOnDisk, agent: Inbox, receipted: Receipted) -> None:
    """SY-29."""
    file, data = receipted
    inbox.put(unit.paths.inbox, file.number, data)
    assert len(list(agent.receipts({1: receipt_hash(data)}))) == 1


def test_what_fails_is_put_aside_with_its_reason(
    store: StoreOnDisk, unit: UnitOnDisk, agent: Inbox, receipted: Receipted
) -> None:
    """SY-29."""
    file, data = receipted
    signer = ReceiptSigner(STORE_ID, store.authority.key("receipt"))
    other_unit = signer.sign(replace(read_receipt(data), device_id="unit-0002"))
    bad = {
        "00000001.receipt": b"\xd2nonsense",
        "00000002.receipt": b"x" * (RECEIPT_BYTES_MAX + 1),
        "00000003.receipt": other_unit,
        "00000004.receipt": data,
        "policy.txt": b"whatever",
    }
    for name, content in bad.items():
        (unit.paths.inbox / name).write_bytes(content)
    assert list(agent.receipts({1: bytes(32)})) == []
    rejected = unit.paths.rejected
    assert {path.name: path.read_bytes() for path in rejected.iterdir() if path.suffix != ".reason"} == bad
    assert "reuses receipt number 1" in (rejected / "00000004.receipt.reason").read_text()
    assert not list(unit.paths.inbox.iterdir())
    assert file.path.exists()


def test_a_link_out_of_the_inbox_is_not_followed(unit: UnitOnDisk, agent: Inbox, receipted: Receipted) -> None:
    """SY-29."""
    file, data = receipted
    (unit.state / "elsewhere").write_bytes(data)
    (unit.paths.inbox / inbox.receipt_name(file.number)).symlink_to(unit.state / "elsewhere")
    assert list(agent.receipts({})) == []
    assert (unit.state / "elsewhere").exists()


def test_an_item_larger_than_the_inbox_takes_is_not_put(unit: UnitOnDisk) -> None:
    """SY-28."""
    with pytest.raises(InboxError):
        inbox.put(unit.paths.inbox, 1, b"x" * (RECEIPT_BYTES_MAX + 1))
    assert not list(unit.paths.inbox.iterdir())
