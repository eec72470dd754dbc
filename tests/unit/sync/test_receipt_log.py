"""The log of receipts: every promise a leaf, every change found (SY-42)."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from sync import merkle
from sync.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from sync.errors import ContentError, WireError
from sync.store import receipt_log
from sync.store.fsck import check_store
from sync.store.log_audit import audit_log
from sync.store.log_desk import signed
from sync.store.schema import files, log_leaves, log_nodes
from sync.store_main import commands
from sync.unit.client import RefusedError, StoreClient
from sync.unit.spool import read_ended
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_unit, opened_store, served
from tests.unit.sync.test_intake import bring, ended


def filled(store: StoreOnDisk, unit: UnitOnDisk) -> list[bytes]:
    """A store with some receipts, in the order of their commits."""
    fill_spool(unit, footage_files=3)
    return [bring(store, file) for file in ended(unit)]


def grown(store: StoreOnDisk, old_size: int = 0) -> receipt_log.Grown:
    with store.ledger.transaction() as connection:
        return receipt_log.grown(connection, old_size)


def audited(store: StoreOnDisk) -> list[str]:
    return audit_log(store.ledger, [])[1]


def test_every_receipt_is_a_leaf_in_the_order_of_the_commits(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-42."""
    seen = [grown(store)]
    fill_spool(unit, footage_files=3)
    receipts = []
    for file in ended(unit):
        receipts.append(bring(store, file))
        seen.append(grown(store, seen[-1].size))
    assert seen[-1].size == len(receipts)
    for before, after in itertools.pairwise(seen):
        merkle.check_consistency(before.size, before.root, after.size, after.root, after.proof)
    for receipt, file in zip(receipts, ended(unit), strict=True):
        with store.ledger.transaction() as connection:
            index, proof = receipt_log.inclusion(connection, unit.device_id, file.file_id, len(receipts))
        merkle.check_inclusion(index, len(receipts), merkle.leaf_hash(receipt), proof, seen[-1].root)
    assert audited(store) == []


def test_a_file_that_is_promised_again_is_no_second_leaf(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    receipts = filled(store, unit)
    for file in ended(unit):
        bring(store, file)
    assert grown(store).size == len(receipts)


def test_a_store_from_before_the_log_gets_one(tmp_path: Path) -> None:
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        receipts = filled(store, unit)
        before = grown(store)
        with store.ledger.transaction() as connection:
            for table in (log_leaves, log_nodes):
                connection.execute(sa.delete(table))
    with opened_store(tmp_path / "store") as store:
        assert grown(store) == before
        assert before.size == len(receipts)
        assert audited(store) == []


@pytest.mark.parametrize("change", ["receipt", "row", "node", "leaf"])
def test_the_audit_names_what_was_changed(store: StoreOnDisk, unit: UnitOnDisk, change: str) -> None:
    """SY-42: a receipt that was changed or taken out, a hash that was, a leaf that is not there."""
    filled(store, unit)
    with store.ledger.transaction() as connection:
        if change == "receipt":
            connection.execute(sa.update(files).where(files.c.file_number == 2).values(receipt=b"another"))
        elif change == "row":
            connection.execute(sa.delete(files).where(files.c.file_number == 2))
        elif change == "node":
            connection.execute(sa.update(log_nodes).where(log_nodes.c.level == 1).values(digest=bytes(32)))
        else:
            connection.execute(sa.delete(log_leaves).where(log_leaves.c.leaf_index == 1))
    assert audited(store)
    assert any(fault.code == "log" for fault in check_store(store.intake).faults), "and fsck names it, too (R38)"


def test_checkpoints_that_were_kept_find_another_history_and_a_smaller_log(tmp_path: Path) -> None:
    """SY-42: `log checkpoint` and `log audit`, as an auditor uses them."""
    directory, notes = tmp_path / "store", [tmp_path / "early", tmp_path / "late"]
    with opened_store(directory) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit, footage_files=3)
        for number, file in enumerate(ended(unit), start=1):
            bring(store, file)
            notes[number > 2].write_bytes(signed(store.intake.signer, grown(store)))
    run = CliRunner()
    printed = run.invoke(commands, ["log", "checkpoint", str(directory)]).stdout
    assert printed.partition("\n\n")[0] == notes[1].read_text().partition("\n\n")[0]
    options = [word for note in notes for word in ("--checkpoint", str(note))]
    good = run.invoke(commands, ["log", "audit", str(directory), *options])
    assert good.exit_code == 0, good.output
    with opened_store(directory) as store, store.ledger.transaction() as connection:
        connection.execute(sa.delete(files).where(files.c.receipt_number == 5))
        for table in (log_leaves, log_nodes):
            connection.execute(sa.delete(table))
    shrunk = run.invoke(commands, ["log", "audit", str(directory), *options])
    assert isinstance(shrunk.exception, ContentError)
    assert "the log had 5 receipts and has 4" in shrunk.stderr
    with opened_store(directory) as store, store.ledger.transaction() as connection:
        connection.execute(sa.update(files).where(files.c.receipt_number == 1).values(receipt=b"another"))
        for table in (log_leaves, log_nodes):
            connection.execute(sa.delete(table))
    changed = run.invoke(commands, ["log", "audit", str(directory), "--checkpoint", str(notes[0])])
    assert isinstance(changed.exception, ContentError)
    assert "are not those that were there then" in changed.stderr


def test_a_checkpoint_is_read_as_it_is_written_and_not_otherwise() -> None:
    """SY-42: C2SP tlog-checkpoint in a signed note; another's signature beside ours does no harm."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = Checkpoint("store/receipts", 5, bytes(range(32)))
    note = sign_checkpoint(made, key.public_key(), signer(key))
    assert note.decode().split("\n")[:4] == ["store/receipts", "5", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert verify_checkpoint(note, key.public_key()) == made
    witnessed = note + "\N{EM DASH} witness.example AAAAAAECAwQ=\n".encode()
    assert verify_checkpoint(witnessed, key.public_key()) == made
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    for bad, by in (
        (note, other),
        (note.replace(b"\n5\n", b"\n6\n"), key.public_key()),
        (note.replace(b"\n5\n", b"\n05\n"), key.public_key()),
        (note.replace(b"\n5\n", b"\n-5\n"), key.public_key()),
        (note.replace(b"store/", b"stare/"), key.public_key()),
        (note.partition(b"\n\n")[0], key.public_key()),
        (b"", key.public_key()),
        (b"\xff" * 40, key.public_key()),
        (note[:-4] + b"!!!\n", key.public_key()),
        (note + b"x" * 20_000, key.public_key()),
    ):
        with pytest.raises(WireError):
            verify_checkpoint(bad, by)


def signer(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    return lambda message: key.sign(message, ec.ECDSA(SHA256()))


def test_the_log_is_told_over_the_line(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-42."""
    receipts = filled(store, unit)
    file = read_ended(unit.paths.spool / "00000001.evs", None)
    assert file is not None
    key = store.intake.signer.key.public_key()
    with served(store) as url:
        client = StoreClient(url, unit.device_id, None, timeout_seconds=60)
        answer = client.log(2)
        checkpoint = verify_checkpoint(answer.checkpoint.encode(), key)
        assert checkpoint.size == len(receipts)
        assert [bytes.fromhex(one) for one in answer.consistency] == list(grown(store, 2).proof)
        place = client.log_place(file.file_id, checkpoint.size)
        proof = [bytes.fromhex(one) for one in place.inclusion]
        leaf = merkle.leaf_hash(receipts[0])
        merkle.check_inclusion(place.leaf_index, checkpoint.size, leaf, proof, checkpoint.root)
        for file_id, size in ((bytes(32), checkpoint.size), (file.file_id, checkpoint.size + 1), (file.file_id, 0)):
            with pytest.raises(RefusedError):
                client.log_place(file_id, size)
        assert client.log(99).consistency == ()
        client.close()
