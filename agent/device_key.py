"""The unit's device key, wherever it lives: a file, a PKCS#11 token, a TPM.

Rules of this module: opens or makes the key that the configuration names, and says where it lies; what is signed with
it is others' business. A key in a token is made there and never leaves it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from agent.config import KeysTable, SignerKind
from agent.errors import IdentityError
from agent.profile import describe
from sealing import pem
from sealing.errors import SealingError
from sealing.gm.sm2 import Sm2PrivateKey, is_sm2
from sealing.keys import FileKeySigner, Signer, Sm2FileKeySigner
from sealing.oids import Assurance
from sealing.suites import SUITE_3
from sealing.tokens.pkcs11_token import Pkcs11Place, Pkcs11Signer
from sealing.tokens.tpm2_token import Tpm
from sync.durable import write_file

DEVICE_KEY: Final = "device.key"
PIN_CREDENTIAL: Final = "token-pin"
_PLACE: Final = "device-key.json"
"""Says, beside the other keys, where the device key was made."""
_KEY_MODE: Final = 0o600
_PIN_BYTES_MAX: Final = 256


def open_device_key(keys: KeysTable, folder: Path) -> Signer:
    """Open the device key.

    Args:
        keys: Where it lives.
        folder: The unit's folder of keys; a key that is a file lies there, or is the service's credential `device.key`.

    Raises:
        IdentityError: It is not there, or cannot be used; the message names what and the remedy.
    """
    try:
        if keys.signer is SignerKind.TPM:
            return Tpm(keys.tcti)
        if keys.signer is SignerKind.PKCS11:
            return Pkcs11Signer(_place(keys))
        return _open_file(_credential(DEVICE_KEY) or folder / DEVICE_KEY)
    except SealingError as error:
        raise IdentityError(f"device key: {error}; check the table `keys`, or run `recorder provision`") from error


def make_device_key(keys: KeysTable, folder: Path, suite: int) -> None:
    """Make the device key where it is to live, unless it is there; with a TPM its counter as well.

    Args:
        keys: Where it is to live.
        folder: The unit's folder of keys.
        suite: What it is for: suite 3 needs an SM2 key, the others a P-256 key.

    Raises:
        IdentityError: It cannot be made there, or the one that is there is of another kind.
        OSError: The folder cannot be written.
    """
    if suite == SUITE_3.number and keys.signer is not SignerKind.FILE:
        raise IdentityError(f"suite 3 needs an SM2 key, which a signer «{keys.signer}» does not make here; use a file")
    try:
        signer = _obtain(keys, folder, suite)
        close_device_key(signer)
    except SealingError as error:
        raise IdentityError(f"device key: {error}") from error
    if (signer.algorithm is SUITE_3.device_algorithm) is not (suite == SUITE_3.number):
        raise IdentityError(f"{folder}: the device key there is not one for suite {suite}; name another directory")
    write_file(folder / _PLACE, keys.model_dump_json(indent=2).encode() + b"\n", 0o644)


def close_device_key(signer: Signer) -> None:
    """Give a token back to others; a file needs nothing of the kind.

    Raises:
        SealingError: The token did not take it.
    """
    if isinstance(signer, Tpm | Pkcs11Signer):
        signer.close()


@contextmanager
def device_key(keys: KeysTable, folder: Path) -> Iterator[Signer]:
    """Open the device key for a moment. Raises as `open_device_key`."""
    signer = open_device_key(keys, folder)
    try:
        yield signer
    finally:
        close_device_key(signer)


def place_of_key(folder: Path) -> KeysTable:
    """Where the device key was made; a file for a unit that was provisioned before there was a choice.

    Raises:
        IdentityError: What stands there is damaged.
    """
    try:
        return KeysTable.model_validate_json((folder / _PLACE).read_bytes())
    except FileNotFoundError:
        return KeysTable()
    except ValidationError as error:
        raise IdentityError(describe(error, str(folder / _PLACE))) from error


def assurance_of(keys: KeysTable) -> Assurance:
    """How well a key that lives there is kept."""
    return Assurance.SOFT if keys.signer is SignerKind.FILE else Assurance.HARDWARE


def _obtain(keys: KeysTable, folder: Path, suite: int) -> Signer:
    if keys.signer is SignerKind.TPM:
        return Tpm.obtain(keys.tcti)
    if keys.signer is SignerKind.PKCS11:
        return Pkcs11Signer.obtain(_place(keys))
    path = folder / DEVICE_KEY
    if not path.exists():
        write_file(path, _new_sm2() if suite == SUITE_3.number else _new_p256(), _KEY_MODE)
    return _open_file(path)


def _new_p256() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _new_sm2() -> bytes:
    return pem.wrap(Sm2PrivateKey.generate().private_der(), pem.PRIVATE_KEY)


def _open_file(path: Path) -> Signer:
    try:
        data = path.read_bytes()
        sm2 = is_sm2(pem.take(data, pem.PRIVATE_KEY))
    except OSError as error:
        raise IdentityError(f"{path}: {error.strerror}; run `recorder provision request` first") from error
    return Sm2FileKeySigner.from_pem(path) if sm2 else FileKeySigner.from_pem(path)


def _place(keys: KeysTable) -> Pkcs11Place:
    if keys.module is None or keys.token is None:
        raise IdentityError("keys: a PKCS#11 token needs `module` and `token`")
    return Pkcs11Place(keys.module, keys.token, keys.key, _pin(keys.pin_file or _credential(PIN_CREDENTIAL)))


def _pin(path: Path | None) -> str:
    if path is None:
        raise IdentityError(f"keys: no `pin_file`, and the service has no credential `{PIN_CREDENTIAL}`")
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            text = file.read(_PIN_BYTES_MAX + 1).removesuffix(b"\n")
    except OSError as error:
        raise IdentityError(f"{path}: the token's PIN cannot be read: {error.strerror}") from error
    if mode & stat.S_IRWXO:
        raise IdentityError(f"{path}: everybody can read the token's PIN; chmod 0600")
    if not text or len(text) > _PIN_BYTES_MAX or not text.isascii():
        raise IdentityError(f"{path}: not a PIN alone on one line")
    return text.decode()


def _credential(name: str) -> Path | None:
    """What systemd handed to the service under a name; None where it did not."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = None if folder is None else Path(folder) / name
    return path if path is not None and path.exists() else None
