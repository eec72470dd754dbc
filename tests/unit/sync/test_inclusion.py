"""Receipts of inclusion: what RFC 9942 has them be, checked by a verifier that shares no code with the product."""

import hashlib
import http.client
from pathlib import Path
from urllib.parse import urlsplit

import cbor2
import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from sealing.cose import Algorithm
from sealing.receipts import receipt_key, verify_receipt
from sync import inbox
from sync.errors import StoreError
from sync.inbox import Inbox
from sync.inclusion import Inclusion, attach, detach, sign_inclusion, verify_inclusion
from sync.merkle import ProofError, leaf_hash, node_hash
from sync.store.proofs import prove
from sync.store_main import commands
from sync.unit.client import LinkError, StoreClient
from sync.unit.promises import checked_receipt
from sync.unit.spool import SealedFile
from tests.support.docks import STORE_ID, StoreOnDisk, UnitOnDisk, fill_spool, make_unit, opened_store, served
from tests.unit.sync.test_intake import bring, ended

ORIGIN = f"{STORE_ID}/receipts"


class NotShownError(Exception):
    """The verifier below is not convinced."""


def root_by_rfc_9162(entry: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2, step by step."""
    if index >= size:
        raise NotShownError
    fn, sn = index, size - 1
    r = hashlib.sha256(b"\x00" + entry).digest()
    for p in path:
        if sn == 0:
            raise NotShownError
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            if not fn & 1:
                while fn and not fn & 1:
                    fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise NotShownError
    return r


def check_by_rfc_9942(receipt_of_inclusion: bytes, entry: bytes, key: ec.EllipticCurvePublicKey) -> tuple[int, int]:
    """RFC 9942, 5.2.1: apply the proof to the entry, then check the signature over the root; gives size and index."""
    tagged = cbor2.loads(receipt_of_inclusion)
    assert tagged.tag == 18
    protected, unprotected, payload, signature = tagged.value
    header = cbor2.loads(protected)
    assert (header[1], header[395]) == (-9, 1)
    assert payload is None
    (proof,) = unprotected[396][-1]
    size, index, path = cbor2.loads(proof)
    assert len(path) >= 1
    root = root_by_rfc_9162(entry, index, size, path)
    signed = cbor2.dumps(["Signature1", protected, b"", root])
    numbers = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise NotShownError from error
    return size, index


def public_key(store: StoreOnDisk) -> ec.EllipticCurvePublicKey:
    key = receipt_key(store.receipt_certificate())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def filled(store: StoreOnDisk, unit: UnitOnDisk) -> list[tuple[SealedFile, bytes]]:
    """Files with their receipts, in the order of the log."""
    fill_spool(unit, footage_files=3)
    return [(file, bring(store, file)) for file in ended(unit)]


def proof_of(store: StoreOnDisk, file: SealedFile) -> bytes:
    found = prove(store.ledger, store.intake.signer, file.device_id, file.file_id)
    assert found is not None
    return found


def test_an_independent_verifier_is_convinced_at_every_size_and_place(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-70: RFC 9942 and RFC 9162 as they are written."""
    fill_spool(unit, footage_files=3)
    brought: list[tuple[SealedFile, bytes]] = []
    for size, file in enumerate(ended(unit), start=1):
        brought.append((file, bring(store, file)))
        for index, (one, receipt) in enumerate(brought if size > 1 else []):
            assert check_by_rfc_9942(proof_of(store, one), receipt, public_key(store)) == (size, index)
    assert len(brought) == 5


def test_the_product_and_the_independent_verifier_agree_on_every_flipped_bit(
    store: StoreOnDisk, unit: UnitOnDisk
) -> None:
    """SY-70."""
    (file, receipt), *_ = filled(store, unit)
    good, key = proof_of(store, file), public_key(store)
    assert verify_inclusion(good, receipt, key, ORIGIN).size == 5
    for at in range(len(good)):
        bad = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        with pytest.raises(ProofError):
            verify_inclusion(bad, receipt, key, ORIGIN)


def test_a_proof_is_for_one_entry_one_log_and_one_key(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-70."""
    (file, receipt), (_, other), *_ = filled(store, unit)
    good, key = proof_of(store, file), public_key(store)
    with pytest.raises(ProofError, match="not signed a log"):
        verify_inclusion(good, other, key, ORIGIN)
    with pytest.raises(NotShownError):
        check_by_rfc_9942(good, other, key)
    with pytest.raises(ProofError, match="of the log"):
        verify_inclusion(good, receipt, key, "store-other/receipts")
    with pytest.raises(ProofError, match="not signed a log"):
        verify_inclusion(good, receipt, ec.generate_private_key(ec.SECP256R1()).public_key(), ORIGIN)


def resigned(store: StoreOnDisk, said: Inclusion, root: bytes) -> bytes:
    signer = store.intake.signer
    return sign_inclusion(said, root, Algorithm.ESP256, signer.key_id, signer.signature)


@pytest.mark.parametrize(
    "said",
    [
        Inclusion(ORIGIN, 2, 2, (bytes(32),)),
        Inclusion(ORIGIN, 1, 0, (bytes(32),)),
        Inclusion(ORIGIN, 4, 1, (bytes(32),)),
        Inclusion(ORIGIN, 2, 0, (bytes(32), bytes(32))),
        Inclusion(ORIGIN, 2, 0, (bytes(31),)),
        Inclusion(ORIGIN, 1, 0, ()),
    ],
    ids=["index-behind-the-end", "path-in-a-log-of-one", "path-too-short", "path-too-long", "hash-too-short", "none"],
)
def test_what_is_no_proof_is_none_though_the_store_signed_it(store: StoreOnDisk, said: Inclusion) -> None:
    """SY-70."""
    with pytest.raises(ProofError):
        verify_inclusion(resigned(store, said, leaf_hash(b"entry")), b"entry", public_key(store), ORIGIN)


def test_a_second_spelling_does_not_count(store: StoreOnDisk) -> None:
    """SY-70: there is one way to write it, so that nothing can be hidden in it."""
    said = Inclusion(ORIGIN, 2, 0, (bytes(32),))
    good = resigned(store, said, node_hash(leaf_hash(b"entry"), bytes(32)))
    key = public_key(store)
    assert verify_inclusion(good, b"entry", key, ORIGIN) == said
    protected, unprotected, _, signature = cbor2.loads(good).value
    others = [
        cbor2.dumps(cbor2.CBORTag(18, [protected, {**unprotected, 400: b"more"}, None, signature])),
        cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, b"", signature])),
        cbor2.dumps([protected, unprotected, None, signature]),
        good + b"\x00",
        good[:-1],
        b"",
    ]
    for one in others:
        with pytest.raises(ProofError):
            verify_inclusion(one, b"entry", key, ORIGIN)


def test_the_receipt_in_a_transparent_one_is_the_receipt_byte_for_byte(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-23, SY-70."""
    (file, receipt), *_ = filled(store, unit)
    proof = proof_of(store, file)
    both = attach(receipt, proof)
    assert detach(both) == (receipt, proof)
    assert detach(receipt) == (receipt, None)
    protected, unprotected, *rest = cbor2.loads(both).value
    assert {label: list(value) for label, value in unprotected.items()} == {394: [proof]}
    assert [protected, {}, *rest] == [*cbor2.loads(receipt).value[:1], {}, *cbor2.loads(receipt).value[2:]]
    for neither in (b"", b"\xd2", b"\xd2\x84", both[:12], both[: len(both) - len(receipt)]):
        with pytest.raises(ProofError):
            detach(neither)
    with pytest.raises(ProofError, match="already"):
        attach(both, proof)


def test_the_store_gives_both_forms_and_the_unit_takes_the_proof_along(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-23, SY-70."""
    (file, receipt), *_ = filled(store, unit)
    with served(store) as url:
        parts = urlsplit(url)
        line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        line.request("GET", f"/v1/{unit.device_id}/receipts/{file.file_id.hex()}")
        assert line.getresponse().read() == receipt
        line.close()
        client = StoreClient(url, unit.device_id, None)
        came = client.receipt(file)
        client.close()
    assert came is not None
    alone, proof = checked_receipt(came, file, unit.device_id, public_key(store))
    assert alone == receipt
    assert proof is not None
    assert check_by_rfc_9942(proof, receipt, public_key(store)) == (5, 0)


def test_in_a_log_of_one_the_receipt_comes_alone(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-70: RFC 9942 has no proof without a hash."""
    fill_spool(unit)
    file = ended(unit)[0]
    receipt = bring(store, file)
    with served(store) as url:
        client = StoreClient(url, unit.device_id, None)
        assert client.receipt(file) == receipt
        client.close()
    assert checked_receipt(receipt, file, unit.device_id, public_key(store)) == (receipt, None)


def test_a_receipt_with_another_ones_proof_is_not_taken(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-70."""
    (file, receipt), (other, _), *_ = filled(store, unit)
    wrong = attach(receipt, proof_of(store, other))
    with pytest.raises(LinkError, match="none"):
        checked_receipt(wrong, file, unit.device_id, public_key(store))


def judged(unit: UnitOnDisk, store: StoreOnDisk) -> list[int]:
    """Take everything out of the inbox, as the agent does; gives the files' numbers."""
    paths = unit.paths
    box = Inbox(paths.inbox, paths.rejected, store.receipt_certificate(), unit.device_id)
    found = list(box.receipts({}))
    for item in found:
        box.remove(item)
    return [item.file_number for item in found]


def test_the_agent_takes_a_receipt_with_its_proof_and_rejects_one_with_a_wrong_one(
    store: StoreOnDisk, unit: UnitOnDisk
) -> None:
    """SY-29, SY-70: what the unit checks before it frees anything."""
    (file, receipt), (other, second), *_ = filled(store, unit)
    box = unit.paths.inbox
    inbox.put(box, file.number, receipt, proof_of(store, file))
    inbox.put(box, other.number, second, proof_of(store, file))
    assert judged(unit, store) == [file.number]
    assert list(box.iterdir()) == []
    names = {path.name for path in unit.paths.rejected.iterdir()}
    name = inbox.receipt_name(other.number)
    assert names == {name, f"{name}.reason", name.replace("receipt", "inclusion")}


def test_a_proof_that_cannot_be_read_is_no_proof(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-70."""
    (file, receipt), *_ = filled(store, unit)
    inbox.put(unit.paths.inbox, file.number, receipt, b"x" * 20_000)
    assert judged(unit, store) == []
    assert (unit.paths.rejected / inbox.receipt_name(file.number)).exists()


def test_an_auditor_gets_a_proof_from_the_command_line(tmp_path: Path) -> None:
    """SY-70: `log prove`."""
    directory, run = tmp_path / "store", CliRunner()
    with opened_store(directory) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        (file, receipt), *_ = filled(store, unit)
        key = public_key(store)
    both = run.invoke(commands, ["log", "prove", str(directory), file.file_id.hex()])
    assert both.exit_code == 0, both.output
    alone, proof = detach(both.stdout_bytes)
    assert alone == receipt
    assert verify_receipt(alone, key).file_id == file.file_id
    assert proof is not None
    assert check_by_rfc_9942(proof, receipt, key) == (5, 0)
    target = tmp_path / "proof.cose"
    options = ["--alone", "--output", str(target)]
    assert run.invoke(commands, ["log", "prove", str(directory), file.file_id.hex(), *options]).exit_code == 0
    assert check_by_rfc_9942(target.read_bytes(), receipt, key) == (5, 0)
    nothing = run.invoke(commands, ["log", "prove", str(directory), "ab" * 32])
    assert isinstance(nothing.exception, StoreError)
