"""A unit leaves its agency: what it recorded is at the store, then its keys are destroyed.

Rules of this module: destroys keys, certificates and spoken names, and never a sealed file. Nothing is touched before
every sealed file is proven to be at the store, by a receipt checked against this unit's own disk.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from agent.config import UnitPaths
from agent.errors import RefusedError, SpoolError
from agent.provisioning import UnitFolders, load_receipt_certificate
from sealing.foreign import is_foreign_name
from sealing.framing import file_name
from sync.durable import sync_directory
from sync.errors import ReceiptMismatchError
from sync.inbox import receipt_name
from sync.receipt_check import check_receipt
from sync.unit.spool import numbers

CREDENTIALS: Final = Path("/etc/credstore.encrypted")
"""Where the administrator's guide puts keys that are encrypted to the machine."""
_CREDENTIAL_NAMES: Final = ("device.key", "token-pin")
_PLACE: Final = "device-key.json"


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A sealed file that nothing proves to be at the store."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What is gone, and what a person has to do yet."""

    keys: tuple[Path, ...]
    sealed_files: int
    """Receipted ones that still lie in the spool."""
    token: bool
    """The device key is in a token, which only its own tools empty."""


def outstanding(paths: UnitPaths, device_id: str) -> tuple[Outstanding, ...]:
    """Name the sealed files without a receipt that holds against this disk; reads every file in the spool.

    Args:
        paths: The unit's.
        device_id: Its id.

    Raises:
        IdentityError: The store's receipt certificate cannot be used.
        OSError: The spool cannot be read.
    """
    certificate = load_receipt_certificate(UnitFolders(paths.keys, paths.certificates))
    found = []
    listed = sorted(numbers(paths.spool))
    for number, following in zip(listed, [*listed[1:], None], strict=True):
        behind = None if following is None else paths.spool / file_name(following)
        reason = _missing(paths, device_id, certificate, number, behind)
        if reason is not None:
            found.append(Outstanding(number, reason))
    beside = sorted(path.name for path in paths.spool.iterdir() if is_foreign_name(path.name))
    found += [Outstanding(int(name[:8]), f"{name} is of another chain; bring it to the store") for name in beside]
    return tuple(found)


def destroy(paths: UnitPaths, device_id: str, credentials: Path | None = None) -> Destroyed:
    """Destroy keys, certificates and spoken names; sealed files stay as they are.

    A key's bytes are overwritten before its name goes. A flash card may keep an older copy of a block all the same.

    Args:
        paths: The unit's; its agent is stopped.
        device_id: Its id.
        credentials: Where encrypted credentials lie; None: `CREDENTIALS`.

    Raises:
        RefusedError: A sealed file is not proven to be at the store; nothing was touched.
        SpoolError: Something cannot be removed; what is left is named.
    """
    left = outstanding(paths, device_id)
    if left:
        raise RefusedError(
            f"{len(left)} sealed files are not proven to be at the store, the first is {file_name(left[0].number)}: "
            f"{left[0].reason}; nothing was destroyed. Let recorder-sync finish, then try again"
        )
    held = CREDENTIALS if credentials is None else credentials
    token = (paths.keys / _PLACE).exists()
    keys = sorted(path for path in paths.keys.iterdir() if not path.is_dir())
    secrets = [*keys, *(held / name for name in _CREDENTIAL_NAMES if (held / name).is_file())]
    for path in secrets:
        _shred(path)
    # Certificates last: as long as they lie here, a second attempt can prove again what is at the store.
    _remove_trees(paths.voice, paths.certificates)
    return Destroyed(tuple(secrets), len(numbers(paths.spool)), token)


def _missing(
    paths: UnitPaths, device_id: str, certificate: x509.Certificate | None, number: int, behind: Path | None
) -> str | None:
    """Why a file is not proven to be at the store; None when it is."""
    if certificate is None:
        return "the unit has no store-receipt.pem to check receipts with"
    name = receipt_name(number)
    data = next(
        (path.read_bytes() for folder in (paths.receipts, paths.inbox) if (path := folder / name).is_file()), None
    )
    if data is None:
        return "no receipt"
    try:
        check_receipt(data, certificate, device_id, paths.spool / file_name(number), behind)
    except ReceiptMismatchError as error:
        return str(error)
    return None


def _remove_trees(*folders: Path) -> None:
    for folder in folders:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SpoolError(f"{error.filename or folder}: cannot be removed: {error.strerror}; run as root") from error


def _shred(path: Path) -> None:
    try:
        if not path.is_symlink():
            with path.open("r+b", buffering=0) as file:
                file.write(os.urandom(path.stat().st_size))
                os.fsync(file.fileno())
        path.unlink()
        sync_directory(path.parent)
    except OSError as error:
        raise SpoolError(f"{path}: cannot be destroyed: {error.strerror}; run as root") from error
