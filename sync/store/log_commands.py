"""`recorder-store log`: the log of receipts, for auditors and outside witnesses.

Rules of this module: the command line alone; results on stdout, messages on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric import ec

from sealing.receipts import receipt_key
from sync.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, origin_of, verify_checkpoint
from sync.errors import ContentError, StoreError, WireError
from sync.inclusion import attach
from sync.store import receipt_log
from sync.store.authority import RECEIPT_CERTIFICATE, Authority
from sync.store.intake import ReceiptSigner
from sync.store.ledger import Ledger
from sync.store.log_audit import audit_log
from sync.store.log_desk import signed
from sync.store.proofs import prove
from sync.store.settings import load_settings
from sync.store.tables import Directory, with_ledger
from sync.wire import file_id_of

Store = click.argument("directory", type=Directory)


@click.group("log")
def log_group() -> None:
    """The log of all receipts, which only grows."""


@log_group.command("checkpoint")
@Store
def checkpoint(directory: Path) -> None:
    """Print how the log of the store in DIRECTORY stands: a signed note that outside witnesses can cosign and keep."""
    signer = ReceiptSigner(load_settings(directory).store_id, Authority(directory).key("receipt"))
    sys.stdout.write(signed(signer, with_ledger(directory, _grown)).decode())


@log_group.command("prove")
@Store
@click.argument("file_id", type=str)
@click.option(
    "--alone",
    is_flag=True,
    help="Give the receipt of inclusion without the receipt that it proves.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where to write; standard output.")
def prove_receipt(directory: Path, file_id: str, *, alone: bool, output: Path | None) -> None:
    """Prove that the receipt for FILE_ID stands in the log of the store in DIRECTORY.

    Gives the receipt with an RFC 9942 receipt of inclusion in its unprotected header (COSE_Sign1, binary).
    """
    signer = ReceiptSigner(load_settings(directory).store_id, Authority(directory).key("receipt"))
    wanted = bytes.fromhex(file_id_of(file_id))
    data = with_ledger(directory, lambda ledger: _proof(ledger, signer, wanted, alone=alone))
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)


def _proof(ledger: Ledger, signer: ReceiptSigner, file_id: bytes, *, alone: bool) -> bytes:
    for unit in ledger.units():
        receipt = ledger.receipt(unit.device_id, file_id)
        if receipt is not None:
            proof = prove(ledger, signer, unit.device_id, file_id)
            if proof is None:
                raise StoreError("a log of one receipt proves nothing (RFC 9942); ask again when there are more")
            return proof if alone else attach(receipt, proof)
    raise StoreError(f"the store has no receipt for {file_id.hex()}; see `recorder-store files`")


@log_group.command("audit")
@Store
@click.option(
    "--checkpoint",
    "notes",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A checkpoint that a unit or a witness has kept; may be given again.",
)
def audit(directory: Path, notes: tuple[Path, ...]) -> None:
    """Hash every receipt of the store in DIRECTORY again, and compare the log with checkpoints that were kept."""
    key = receipt_key(Authority(directory).certificate(RECEIPT_CERTIFICATE))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise StoreError("the receipt key is no P-256 key; checkpoints cannot be verified with it")
    origin = origin_of(load_settings(directory).store_id)
    kept = {path: _kept(path, key, origin) for path in notes}
    roots, faults = with_ledger(directory, lambda ledger: audit_log(ledger, [one.size for one in kept.values()]))
    faults += [fault for path, one in kept.items() if (fault := _against(path, one, roots)) is not None]
    size = max(roots)
    click.echo(f"{size} receipts, root {roots[size].hex()}")
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise ContentError("log", f"{len(faults)} faults; the first: {faults[0]}")


def _grown(ledger: Ledger) -> receipt_log.Grown:
    with ledger.transaction() as connection:
        return receipt_log.grown(connection, 0)


def _kept(path: Path, key: ec.EllipticCurvePublicKey, origin: str) -> Checkpoint:
    with path.open("rb") as file:
        found = verify_checkpoint(file.read(CHECKPOINT_BYTES_MAX + 1), key)
    if found.origin != origin:
        raise WireError(f"{path} is a checkpoint of {found.origin}, not of {origin}")
    return found


def _against(path: Path, kept: Checkpoint, roots: Mapping[int, bytes]) -> str | None:
    """What is wrong with the log, by a checkpoint that somebody has kept."""
    if kept.size > max(roots):
        return f"{path}: the log had {kept.size} receipts and has {max(roots)}"
    if roots.get(kept.size) != kept.root:
        return f"{path}: the first {kept.size} receipts are not those that were there then"
    return None
