"""A unit becomes its agency's: keys, one request, one signed bundle installed.

Rules of this module: works on a state directory that the administrator names, never on a running agent's; installing is
idempotent (the same bundle again changes nothing) and writes each file whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.config import KeysTable
from agent.device_key import device_key, make_device_key, open_device_key, place_of_key
from agent.errors import IdentityError, SpoolError
from agent.signed_profile import ProfileSignatureError, agency_cas
from sealing.errors import SealingError
from sealing.gm.sm2 import Sm2PublicKey
from sealing.identity import DeviceIdentity
from sealing.keys import Signer
from sealing.oids import Assurance
from sealing.policy import POLICY_FILE, UnitPolicy
from sealing.suites import SUITE_1, SUITE_3
from sealing.tokens.signing_key import TokenPrivateKey
from sealing.wraps import Recipient, recipient_from_certificate
from sync.durable import write_file
from sync.enrolment import BUNDLE_BYTES_MAX, DeviceKey, EnrolmentBundle, make_request, read_bundle
from sync.errors import EnrolmentError

LINK_KEY = "link.key"
BUNDLE = "enrolment.bundle"
AGENCY_CA = "agency-ca.pem"
RECEIPT_CERTIFICATE = "store-receipt.pem"
_DEVICE_ID = "device-id"
"""Written beside the keys, so that they are never asked for under another name."""
_FILE = KeysTable()
_LINK_KEY_MODE = 0o640
"""The link key is read by sync, which is another user of the same group."""


@dataclass(frozen=True, slots=True)
class UnitFolders:
    """Where a unit keeps keys and certificates, both under its state directory."""

    keys: Path
    certificates: Path


@contextmanager
def _umask_of_a_service() -> Iterator[None]:
    """Whoever provisions may have a umask of his own; that the services can read what he made is not his to decide."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


@_umask_of_a_service()
def request_enrolment(
    folders: UnitFolders,
    device_id: str,
    assurance: Assurance,
    keys: KeysTable = _FILE,
    suite: int = SUITE_1.number,
) -> bytes:
    """Make the unit's two keys, unless they are there, and the request that carries them to the agency.

    Args:
        folders: Made when missing.
        device_id: The unit's id.
        assurance: How the device key is kept.
        keys: Where the device key is to live.
        suite: What the agency seals by: decides the kind of the device key.

    Returns:
        The request, a JSON document.

    Raises:
        SpoolError: The folders cannot be written.
        IdentityError: A key is there and is of another kind, cannot be made, or the keys are another unit's.
    """
    known = unit_of(folders)
    if known not in (None, device_id):
        raise IdentityError(f"{folders.keys}: the keys there are those of unit {known}, not {device_id}; name that one")
    try:
        folders.keys.mkdir(parents=True, exist_ok=True, mode=0o750)
        write_file(folders.keys / _DEVICE_ID, device_id.encode() + b"\n", 0o644)
        link = _key(folders.keys / LINK_KEY, _LINK_KEY_MODE)
        make_device_key(keys, folders.keys, suite)
    except OSError as error:
        raise SpoolError(f"{folders.keys}: keys cannot be written: {error.strerror}; check owner and medium") from error
    with device_key(keys, folders.keys) as device:
        return make_request(device_id, assurance, device, link)


@_umask_of_a_service()
def install_bundle(
    folders: UnitFolders, data: bytes, device_id: str, ca_sha256: bytes | None = None
) -> EnrolmentBundle:
    """Check the agency's answer and install its certificates.

    Args:
        folders: Where the keys of the request lie.
        data: The bundle as it came.
        device_id: The unit's id.
        ca_sha256: SHA-256 of the agency CA's certificate in DER when an administrator compared it.

    Returns:
        What was installed.

    Raises:
        IdentityError: The bundle is not for this unit and its keys, or forged; nothing was changed.
        SpoolError: The folders cannot be written.
    """
    link = _existing_key(folders.keys / LINK_KEY)
    try:
        with device_key(place_of_key(folders.keys), folders.keys) as signer:
            device = _public_key(signer)
        bundle = read_bundle(data[: BUNDLE_BYTES_MAX + 1], device_id, device, link.public_key(), ca_sha256)
    except (EnrolmentError, SealingError) as error:
        raise IdentityError(str(error)) from error
    _refuse_other_agency(folders.certificates / AGENCY_CA, bundle.agency_ca_der)
    present = load_policy(folders)
    try:
        _install(folders.certificates, bundle, data, 0 if present is None else present.number)
    except OSError as error:
        raise SpoolError(f"{folders.certificates}: cannot be written: {error.strerror}") from error
    return bundle


def unit_of(folders: UnitFolders) -> str | None:
    """Id of the unit that the keys were made for; None before they are."""
    try:
        return (folders.keys / _DEVICE_ID).read_text().strip()
    except FileNotFoundError:
        return None


def load_receipt_certificate(folders: UnitFolders) -> x509.Certificate | None:
    """The store's receipt certificate; None on a unit that has no store.

    Raises:
        IdentityError: It is there and cannot be used.
    """
    path = folders.certificates / RECEIPT_CERTIFICATE
    return _read_certificate(path) if path.exists() else None


def load_identity(folders: UnitFolders, device_id: str, keys: KeysTable = _FILE) -> DeviceIdentity:
    """Load the unit's device key and its certificate.

    Args:
        folders: Where they lie.
        device_id: The unit's id.
        keys: Where the device key lives.

    Raises:
        IdentityError: One is missing, or they do not belong together; the message says which and what to do.
    """
    path = folders.certificates / "device.pem"
    try:
        certificate = _read_certificate(path)
        identity = DeviceIdentity(device_id, open_device_key(keys, folders.keys), _der(certificate))
        identity.check()
    except SealingError as error:
        raise IdentityError(f"{error}; run `recorder provision`") from error
    return identity


def load_recipients(folders: UnitFolders) -> tuple[Recipient, ...]:
    """Load the certificates that content keys are wrapped to, in the order of their file names.

    Raises:
        IdentityError: There are none, or one cannot be used.
    """
    folder = folders.certificates / "recipients"
    found = sorted(folder.glob("*.pem")) if folder.is_dir() else []
    if not found:
        raise IdentityError(f"{folder}: no recipient certificates; run `recorder provision install`")
    try:
        return tuple(recipient_from_certificate(path.stem, _der(_read_certificate(path))) for path in found)
    except SealingError as error:
        raise IdentityError(f"{folder}: {error}") from error


def load_policy(folders: UnitFolders) -> UnitPolicy | None:
    """The agency's signed device policy; None on a unit whose agency has none.

    Raises:
        IdentityError: It is there and is not the agency's, or cannot be read.
    """
    path = folders.certificates / POLICY_FILE
    try:
        return UnitPolicy.read(path.read_bytes(), agency_cas(folders.certificates / AGENCY_CA))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IdentityError(f"{path}: {error.strerror}; run `recorder provision install`") from error
    except (SealingError, ProfileSignatureError) as error:
        raise IdentityError(f"{path}: {error}; run `recorder provision install`") from error


def _public_key(signer: Signer) -> DeviceKey:
    der = signer.public_key_der()
    return Sm2PublicKey(der) if signer.algorithm is SUITE_3.device_algorithm else TokenPrivateKey(signer).public_key()


def _key(path: Path, mode: int) -> ec.EllipticCurvePrivateKey:
    if path.exists():
        return _existing_key(path)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_file(path, pem, mode)
    return key


def _existing_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise IdentityError(f"{path}: {error.strerror}; run `recorder provision request` first") from error
    except (ValueError, TypeError) as error:
        raise IdentityError(f"{path}: no private key in PEM: {error}; provision the unit again") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityError(f"{path}: not a P-256 key; provision the unit again")
    return key


def _refuse_other_agency(path: Path, der: bytes) -> None:
    """A unit changes hands by being decommissioned, never by a second bundle."""
    if path.exists() and _der(_read_certificate(path)) != der:
        raise IdentityError(f"{path}: the unit belongs to another agency already; nothing was changed")


def _install(folder: Path, bundle: EnrolmentBundle, data: bytes, policy_number: int) -> None:
    recipients = folder / "recipients"
    recipients.mkdir(parents=True, exist_ok=True, mode=0o755)
    write_file(folder / AGENCY_CA, b"".join(map(_pem, bundle.agency_ca_ders)), 0o644)
    if bundle.policy is not None and UnitPolicy.read(bundle.policy, bundle.agency_ca_ders).number >= policy_number:
        write_file(folder / POLICY_FILE, bundle.policy, 0o644)
    for name, der in (
        (RECEIPT_CERTIFICATE, bundle.receipt_certificate_der),
        ("device.pem", bundle.device_certificate_der),
        ("link.pem", bundle.link_certificate_der),
    ):
        write_file(folder / name, _pem(der), 0o644)
    wanted = {f"{number}-{one.name}.pem": one.certificate_der for number, one in enumerate(bundle.recipients, 1)}
    for name, der in wanted.items():
        write_file(recipients / name, _pem(der), 0o644)
    for present in sorted(recipients.iterdir()):
        if present.name not in wanted:
            present.unlink()
    write_file(folder / BUNDLE, data, 0o644)


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise IdentityError(f"{path}: {error.strerror}; run `recorder provision install`") from error
    except ValueError as error:
        raise IdentityError(f"{path}: no certificate in PEM: {error}; run `recorder provision install`") from error
