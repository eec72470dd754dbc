"""Units that are let in no more: at the door, and in the middle of an upload."""

import pytest

from sync.errors import ContentError, StoreError
from sync.store.register import Register
from sync.store.vault import Declaration, Name
from sync.unit.client import RefusedError, StoreClient
from sync.unit.spool import SealedFile, read_ended
from tests.support.clocks import START_UTC_NS
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, served


def first_file(unit: UnitOnDisk) -> SealedFile:
    fill_spool(unit)
    found = read_ended(unit.paths.spool / "00000001.evs", None)
    assert found is not None
    return found


def test_a_unit_revoked_during_its_upload_gets_no_promise(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-36, SY-16: what it sent is kept for a custodian."""
    file = first_file(unit)
    name = Name(unit.device_id, file.file_id.hex())
    declaration = Declaration(size_bytes=file.size_bytes, number=1, torn_bytes=0)
    store.intake.declare(name, declaration)
    upload = store.intake.open(name, declaration)
    upload.append(file.path.read_bytes())
    Register(store.ledger).revoke(unit.device_id, "lost", START_UTC_NS)
    with pytest.raises(ContentError, match="revoked"):
        store.intake.finish(upload)
    upload.close()
    assert not store.ledger.files()
    assert store.vault.parked(name).read_bytes() == file.path.read_bytes()
    assert [one.code for one in store.ledger.parked()] == ["revoked"]


def test_a_unit_revoked_between_move_and_row_is_parked_at_the_next_start(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-36, SY-19."""
    file = first_file(unit)
    name = Name(unit.device_id, file.file_id.hex())
    target = store.vault.object(name)
    target.parent.mkdir(parents=True)
    target.write_bytes(file.path.read_bytes())
    Register(store.ledger).revoke(unit.device_id, "stolen", START_UTC_NS)
    assert store.intake.recover() == 1
    assert not store.ledger.files()
    assert store.vault.parked(name).exists()


def test_a_revoked_unit_is_refused_at_the_door(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-36, SY-2: others go on."""
    file = first_file(unit)
    Register(store.ledger).revoke(unit.device_id, "lost", START_UTC_NS)
    with served(store) as url:
        client = StoreClient(url, unit.device_id, None, timeout_seconds=5)
        with pytest.raises(RefusedError) as raised:
            client.create(file)
        client.close()
    assert (raised.value.status, raised.value.code) == (403, "revoked")
    assert not list((store.directory / "incoming").rglob("*.json"))


def test_denied_certificates_are_remembered_with_their_reason(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-36."""
    register = Register(store.ledger)
    register.deny(unit.device_id, b"old certificate", "replaced", START_UTC_NS)
    register.deny(unit.device_id, b"old certificate", "again", START_UTC_NS + 1)
    assert register.is_denied(b"old certificate")
    assert not register.is_denied(b"new certificate")
    assert [row["reason"] for row in register.denials()] == ["replaced"]
    with pytest.raises(StoreError, match="not enrolled"):
        register.revoke("nobody", "lost", START_UTC_NS)
