"""What an MQTT broker needs to stand between units and store: certificates, configuration, access rules.

Rules of this module: files alone, out of the shipped `sync/mosquitto/` and the agency's CA; nothing runs here. The
broker is trusted with nothing, so its key promises nothing (PROTOCOL.md, MQTT).

The folder for the broker: `mosquitto.conf`, `acl`, `agency-ca.pem`, `broker.pem`, `broker.key`,
`denied.crl`. The store's own end lies in the store: `keys/mqtt.key`, `trust/mqtt.pem`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from sync import durable
from sync.errors import StoreError
from sync.store import certificates
from sync.store.authority import CA_CERTIFICATE, Authority
from sync.store.certificates import Issuer, Wanted

STORE_USER: Final = "recorder:store"
"""The store's name at the broker. No unit can be called so: a device id has no colon."""
CLIENT_KEY: Final = "mqtt.key"
CLIENT_CERTIFICATE: Final = "mqtt.pem"
CONFIGURATION: Final = "mosquitto.conf"
ACCESS_RULES: Final = "acl"
DENIED: Final = "denied.crl"
DEFAULT_PORT: Final = 8883
SHIPPED: Final = Path(__file__).resolve().parents[1] / "mosquitto"
_GROUP_PURPOSE: Final = b"recorder/v1 shared subscriptions"
_SCALAR_BYTES: Final = 32
_SHIPPED_FOLDER: Final = "/etc/mosquitto/recorder"


def make_client(authority: Authority, now: datetime) -> None:
    """Make the store's key and certificate for the broker, over what was there.

    Args:
        authority: The agency's, with the CA's key at hand.
        now: Civil time, with its zone.

    Raises:
        StoreError: Key or certificate of the CA are missing.
        OSError: The folder cannot be written.
    """
    wanted = Wanted(STORE_USER, certificates.SERVER_DAYS, (ExtendedKeyUsageOID.CLIENT_AUTH,))
    private, certificate = _issued(authority.issuer(), wanted, now)
    durable.write_file(authority.keys / CLIENT_KEY, private, 0o600)
    durable.write_file(authority.trust / CLIENT_CERTIFICATE, certificate, 0o644)


def write_broker(
    authority: Authority, folder: Path, hosts: Sequence[str], port: int, now: datetime, denied: Iterable[bytes] = ()
) -> None:
    """Write all that the broker needs, with a new key, into a folder that is there.

    Args:
        authority: The agency's, with the CA's key at hand.
        folder: Where the broker will find it; the configuration names it.
        hosts: Names and addresses under which units and store reach the broker; at least one.
        port: Where it listens.
        now: Civil time, with its zone.
        denied: Link certificates that are let in no more, in DER.

    Raises:
        StoreError: Key or certificate of the CA are missing.
        OSError: The folder cannot be written.
    """
    write_denied(authority, folder, denied, now)
    private, certificate = _issued(authority.issuer(), certificates.server_wanted(hosts), now)
    durable.write_file(folder / "broker.key", private, 0o600)
    durable.write_file(folder / "broker.pem", certificate, 0o644)
    durable.write_file(folder / CA_CERTIFICATE, _first_ca(authority), 0o644)
    durable.write_file(folder / ACCESS_RULES, (SHIPPED / ACCESS_RULES).read_bytes(), 0o644)
    durable.write_file(folder / CONFIGURATION, configuration(folder.absolute(), port).encode(), 0o644)


def write_denied(authority: Authority, folder: Path, denied: Iterable[bytes], now: datetime) -> None:
    """Write the list of link certificates that the broker refuses (SY-36, SY-51); it reads it anew on SIGHUP.

    Args:
        authority: The agency's, with the CA's key at hand.
        folder: The broker's.
        denied: Certificates in DER.
        now: Civil time, with its zone.

    Raises:
        StoreError: Key or certificate of the CA are missing, or what was denied is no certificate.
        OSError: The folder cannot be written.
    """
    issuer = authority.issuer()
    # A list that is out of date shuts everybody out, and an old one is better than that: it counts as long as its CA.
    made = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    made = made.last_update(now - certificates.CLOCK_TOLERANCE).next_update(issuer.certificate.not_valid_after_utc)
    for der in denied:
        one = x509.RevokedCertificateBuilder().serial_number(_serial(der)).revocation_date(now).build()
        made = made.add_revoked_certificate(one)
    data = made.sign(authority.key("agency-ca"), SHA256()).public_bytes(Encoding.PEM)
    durable.write_file(folder / DENIED, data, 0o644)


def share_group(authority: Authority) -> str:
    """Name of the group in which the store's processes share what units say; nobody else may know it.

    Access rules do not reach subscriptions: whoever knew the name could join the group, and what the broker dealt to
    him would be lost. So it follows from a key that only the store has.

    Raises:
        StoreError: The receipt key is missing.
    """
    scalar = authority.key("receipt").private_numbers().private_value
    return hmac.digest(scalar.to_bytes(_SCALAR_BYTES), _GROUP_PURPOSE, "sha256").hex()


def configuration(folder: Path, port: int) -> str:
    """The shipped `mosquitto.conf` for a folder and a port."""
    text = (SHIPPED / CONFIGURATION).read_text(encoding="utf-8")
    return text.replace(_SHIPPED_FOLDER, str(folder)).replace(f"listener {DEFAULT_PORT}\n", f"listener {port}\n")


def _first_ca(authority: Authority) -> bytes:
    """The CA that issues link certificates; that of suite 3 issues none, and a broker may not know its kind of key."""
    return authority.certificate(CA_CERTIFICATE).public_bytes(Encoding.PEM)


def _serial(der: bytes) -> int:
    try:
        return x509.load_der_x509_certificate(der).serial_number
    except ValueError as error:
        raise StoreError(f"a denied link certificate cannot be read: {error}; check the store with fsck") from error


def _issued(issuer: Issuer, wanted: Wanted, now: datetime) -> tuple[bytes, bytes]:
    """A new private key and its certificate, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate: x509.Certificate = certificates.issue(issuer, key.public_key(), wanted, now)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, certificate.public_bytes(Encoding.PEM)
