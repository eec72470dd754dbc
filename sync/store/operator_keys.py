"""Keys of the people who annotate: made once, kept outside the store's folder, read for each annotation.

Rules of this module: files and certificates alone. A key may be encrypted with a password; the store never keeps it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sync import durable
from sync.errors import StoreError
from sync.store import certificates
from sync.store.authority import Authority


def make_operator(
    authority: Authority, name: str, office: str, key_file: Path, now: datetime, password: bytes | None = None
) -> bytes:
    """Make a person's key and have the agency's CA certify it.

    Args:
        authority: The agency's; the CA's key has to be there.
        name: The person's name.
        office: What he is in the agency.
        key_file: Where the private key goes, for its owner alone.
        now: Civil time, with its zone.
        password: Encrypts the key file; None leaves it open.

    Returns:
        The certificate (DER).

    Raises:
        FileExistsError: There is a file already.
        StoreError: The CA's key or certificate is missing.
        OSError: The key cannot be written.
    """
    if key_file.exists():
        raise FileExistsError(f"{key_file} is there already; name a new file for the key")
    issuer, key = authority.issuer(), ec.generate_private_key(ec.SECP256R1())
    wanted = certificates.operator_wanted(name, office)
    certificate = certificates.issue(issuer, key.public_key(), wanted, now)
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    durable.write_file(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption), 0o600)
    return certificate.public_bytes(Encoding.DER)


def load_operator_key(key_file: Path, password: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Read a person's key. Raises StoreError: it is none, or the password is missing or wrong."""
    try:
        key = load_pem_private_key(key_file.read_bytes(), password)
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"operator key {key_file} cannot be used: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise StoreError(f"operator key {key_file} is not a P-256 key; make one with `recorder-store operator add`")
    return key
