"""Units that are let in no more: at the door, and in the middle of an upload."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec

from sealing.oids import Assurance
from sync.enrolment import make_request
from sync.errors import ContentError, StoreError
from sync.store.register import Register
from sync.store.vault import Declaration, Name
from sync.store_main import commands
from sync.unit.client import RefusedError, StoreClient
from sync.unit.spool import SealedFile, read_ended
from tests.support.clocks import START_UTC_NS
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_folder, opened_store, served


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
        client = StoreClient(url, unit.device_id, None, timeout_seconds=60)
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


def test_a_revoked_unit_comes_back_only_by_decision_and_with_a_new_link(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-36: what was denied stays denied."""
    before = store.ledger.unit(unit.device_id)
    assert before is not None
    register = Register(store.ledger)
    old = store.ledger.enrol(before, b"device-2", b"link-2")
    assert old is not None
    assert not register.is_denied(old), "a renewal leaves the certificate before good"
    register.revoke(unit.device_id, "lost", START_UTC_NS)
    with pytest.raises(StoreError, match="--lift-revocation"):
        store.ledger.enrol(before, b"device-3", b"link-3")
    found = store.ledger.unit(unit.device_id)
    assert found is not None
    assert found.revoked
    assert store.ledger.enrol(before, b"device-3", b"link-3", lift_revocation=True) == b"link-2"
    assert register.is_denied(b"link-2")
    assert not register.is_denied(b"link-3")


def test_the_old_link_is_denied_where_that_is_asked(tmp_path: Path) -> None:
    """SY-36: `enrol --deny-old`, for a link key that may be in other hands."""
    agency, request = tmp_path / "store", tmp_path / "request"
    request.write_bytes(
        make_request("unit-9", Assurance.SOFT, *(ec.generate_private_key(ec.SECP256R1()) for _ in range(2)))
    )
    make_folder(agency)
    asked = ["enrol", str(request), "-o", str(tmp_path / "bundle"), "--dir", str(agency)]
    for more, denied in (([], 0), ([], 0), (["--deny-old"], 1)):
        assert CliRunner().invoke(commands, [*asked, *more]).exit_code == 0
        with opened_store(agency) as store:
            assert len(Register(store.ledger).denials()) == denied
    with opened_store(agency) as store:
        Register(store.ledger).revoke("unit-9", "lost", START_UTC_NS)
    assert isinstance(CliRunner().invoke(commands, asked).exception, StoreError)
    assert CliRunner().invoke(commands, [*asked, "--lift-revocation"]).exit_code == 0
