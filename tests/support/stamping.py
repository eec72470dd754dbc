"""A store that puts its time on records, and a time-stamping authority made with the openssl program."""

import datetime as dt
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sealing import cose, encoding
from sealing.cose import Algorithm
from sealing.oids import EKU_RECEIPT

_CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2046, 1, 1, tzinfo=dt.UTC)


def certificate(key: ec.EllipticCurvePrivateKey, usage: x509.ObjectIdentifier) -> x509.Certificate:
    """A certificate signed by itself, for one usage."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(BEGIN).not_valid_after(END)
    return builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True).sign(key, hashes.SHA256())


class Store:
    """Signs witness statements."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = certificate(self.key, EKU_RECEIPT)

    def statement(self, device_id: str, sequence: int, record_hash: bytes, utc_ns: int, seen_as: str = "head") -> bytes:
        fields: dict[int, encoding.Plain] = {
            1: 1,
            2: "store",
            3: device_id,
            4: seen_as,
            5: sequence,
            6: record_hash,
            7: utc_ns,
        }
        return cose.encode_sign1(Algorithm.ESP256, bytes(16), encoding.encode(fields), cose.WITNESS, self.sign)

    def sign(self, message: bytes) -> bytes:
        """Raw signature of its receipt key."""
        return cose.raw_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))


class Stamper:
    """Makes RFC 3161 tokens of the present time.

    Args:
        folder: For its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = certificate(key, ExtendedKeyUsageOID.TIME_STAMPING)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "key.pem").write_bytes(pem)
        (folder / "certificate.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))

    def token(self, record_hash: bytes) -> bytes:
        """A TimeStampToken over a hash."""
        query, token = self.folder / "query", self.folder / "token"
        self._openssl("ts", "-query", "-digest", record_hash.hex(), "-sha256", "-no_nonce", "-out", str(query))
        signer = ["-signer", str(self.folder / "certificate.pem"), "-inkey", str(self.folder / "key.pem")]
        config = ["-config", str(self.folder / "tsa.cnf")]
        self._openssl("ts", "-reply", *config, "-queryfile", str(query), *signer, "-token_out", "-out", str(token))
        return token.read_bytes()

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
