"""Units, agencies and recipients of suites 2 and 3."""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from sealing import pem
from sealing.certificates import suites_extension
from sealing.gm.sm2 import Sm2PrivateKey
from sealing.hybrid import HybridPrivateKey
from sealing.identity import DeviceIdentity, SealingPolicy
from sealing.keys import FileKeySigner, Sm2FileKeySigner
from sealing.oids import EKU_DEVICE, POLICY_SOFT, SUITES_EXTENSION, UNIT_URI_PREFIX
from sealing.suites import RecipientPrivateKey
from sealing.trust import Trust
from sealing.wraps import Recipient
from tests.support import chains
from tests.support.clocks import START_UTC_NS, ManualClock

_DEVICE_EXTENSIONS = """
basicConstraints = critical, CA:FALSE
subjectAltName = URI:{uri}
extendedKeyUsage = {usage}
certificatePolicies = {policy}
{suites_oid} = DER:{suites}
"""
_SM2_OPTIONS = ("-sm3", "-sigopt", "distid:1234567812345678")


@dataclass(frozen=True)
class Setting:
    """All that a chain of one suite needs."""

    unit: DeviceIdentity
    policy: SealingPolicy
    trust: Trust
    recipient: RecipientPrivateKey

    def clock(self) -> ManualClock:
        """A clock inside the life of the unit's certificate."""
        begin = x509.load_der_x509_certificate(self.unit.certificate_der).not_valid_before_utc
        return ManualClock(max(START_UTC_NS, int(begin.timestamp() + 86_400) * 10**9))


@cache
def hybrid(allowed: tuple[int, ...] = (1, 2)) -> Setting:
    """Suite 2, under the agency of the other tests."""
    keys = HybridPrivateKey.generate(), HybridPrivateKey.generate()
    device = ec.generate_private_key(ec.SECP256R1())
    certificate = chains.agency().device_certificate("unit-0001", device.public_key(), suites=allowed)
    unit = DeviceIdentity("unit-0001", FileKeySigner(device), certificate)
    return Setting(unit, _policy(keys, 2), Trust((chains.agency().certificate(),)), keys[0])


@cache
def gm() -> Setting:
    """Suite 3: an agency whose CA signs with SM2, made by the openssl program."""
    keys = Sm2PrivateKey.generate(), Sm2PrivateKey.generate()
    device = Sm2PrivateKey.generate()
    with TemporaryDirectory() as name:
        ca, certificate = _sm2_certificates(Path(name), device)
    unit = DeviceIdentity("unit-0001", Sm2FileKeySigner(device), certificate.public_bytes(Encoding.DER))
    return Setting(unit, _policy(keys, 3), Trust((ca,)), keys[0])


def _policy(keys: tuple[RecipientPrivateKey, RecipientPrivateKey], number: int) -> SealingPolicy:
    recipients = tuple(Recipient(f"recipient-{index}", chains.public_der(key)) for index, key in enumerate(keys))
    return SealingPolicy(recipients, suites=(number,), reserve_bytes=0)


def _sm2_certificates(folder: Path, device: Sm2PrivateKey) -> tuple[x509.Certificate, x509.Certificate]:
    ca_key, device_key = folder / "ca.key", folder / "device.key"
    ca_key.write_bytes(pem.wrap(Sm2PrivateKey.generate().private_der(), pem.PRIVATE_KEY))
    device_key.write_bytes(pem.wrap(device.private_der(), pem.PRIVATE_KEY))
    extensions = folder / "device.ext"
    extensions.write_text(
        _DEVICE_EXTENSIONS.format(
            uri=UNIT_URI_PREFIX + "unit-0001",
            usage=EKU_DEVICE.dotted_string,
            policy=POLICY_SOFT.dotted_string,
            suites_oid=SUITES_EXTENSION.dotted_string,
            suites=suites_extension({3}).value.hex(":"),
        )
    )
    days = ("-days", "7000")
    ca, request, certificate = folder / "ca.pem", folder / "device.csr", folder / "device.pem"
    _openssl("req", "-x509", "-new", "-key", ca_key, "-subj", "/CN=GM CA", *_SM2_OPTIONS, *days, "-out", ca)
    _openssl("req", "-new", "-key", device_key, "-subj", "/CN=unit-0001", *_SM2_OPTIONS, "-out", request)
    options = ("-vfyopt", "distid:1234567812345678", "-extfile", extensions, "-out", certificate)
    _openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, *_SM2_OPTIONS, *days, *options)
    return x509.load_pem_x509_certificate(ca.read_bytes()), x509.load_pem_x509_certificate(certificate.read_bytes())


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
