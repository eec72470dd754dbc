"""What a vector gives to trust besides the agency's CA: a store's receipts and heads, a policy, a recipient's key."""

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sealing.cose import Algorithm
from sealing.policy import POLICY_FILE
from sealing.receipts import DURABLE_FSYNC, FIRST_PREVIOUS_RECEIPT, Receipt, sign_receipt
from sealing.records import DockChange
from sealing.timetokens import anchor_of_statement
from sealing.trust import AGENCY_CA_FILE, HEADS_FOLDER, RECEIPTS_FOLDER, STORE_RECEIPT_FILE
from sealing.verifier import examine_chain
from sealing.writer import ChainWriter
from tests.support.chains import DEVICE_ID, agency
from tests.support.clocks import ManualClock
from tests.support.recordings import trust
from tests.support.stamping import Store

TRUST = "trust"
"""Folder of a vector that is judged by more than the shared certificate; complete in itself."""
RECIPIENT_KEY = "recipient-key.pem"


def entrust(
    folder: Path,
    store: Store | None = None,
    *,
    receipts: Sequence[bytes] = (),
    heads: Sequence[bytes] = (),
    policy: bytes | None = None,
    authority: x509.Certificate | None = None,
) -> None:
    """Write a vector's own trust folder."""
    target = folder / TRUST
    target.mkdir()
    (target / AGENCY_CA_FILE).write_bytes((authority or agency().certificate()).public_bytes(Encoding.PEM))
    if store is not None:
        (target / STORE_RECEIPT_FILE).write_bytes(store.certificate.public_bytes(Encoding.PEM))
    if policy is not None:
        (target / POLICY_FILE).write_bytes(policy)
    for name, suffix, found in ((RECEIPTS_FOLDER, "receipt", receipts), (HEADS_FOLDER, "head", heads)):
        if found:
            (target / name).mkdir()
        for number, data in enumerate(found, 1):
            (target / name / f"{number:08d}.{suffix}").write_bytes(data)


def give_key(folder: Path) -> None:
    """Let whoever judges the vector look inside."""
    key = agency().escrow
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / RECIPIENT_KEY).write_bytes(pem)


def receipts_for(folder: Path, store: Store, received_utc_ns: int) -> list[bytes]:
    """The store's receipts for all files of a chain."""
    return [
        sign_receipt(
            Receipt(
                store_id="store",
                device_id=DEVICE_ID,
                file_id=bytes.fromhex(facts.file_id or ""),
                size_bytes=facts.size_bytes,
                first_sequence=facts.first_sequence or 0,
                last_sequence=facts.last_sequence or 0,
                head_hash=bytes.fromhex(facts.head_hash or ""),
                received_utc_ns=received_utc_ns,
                receipt_number=number,
                previous_receipt_hash=FIRST_PREVIOUS_RECEIPT,
                durability=DURABLE_FSYNC,
            ),
            Algorithm.ESP256,
            bytes(16),
            store.sign,
        )
        for number, facts in enumerate(examine_chain([folder], trust()).files, 1)
    ]


def anchored(writer: ChainWriter, clock: ManualClock, store: Store, utc_ns: int | None = None) -> None:
    """The store has seen the last record, and says when."""
    seen = writer.seal(DockChange(docked=True))
    when = clock.now.utc_ns if utc_ns is None else utc_ns
    clock.advance(1)
    token = store.statement(DEVICE_ID, seen.sequence, seen.hash, when)
    writer.seal_anchor(anchor_of_statement(token, store.key.public_key(), DEVICE_ID))
