"""Small chains made by the real writer, for tests of everything that reads them."""

import datetime as dt
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.x509.oid import NameOID

from hal.drivers.files import DirectoryStorage
from hal.ports import Clock, Storage
from sealing.certificates import suites_extension
from sealing.counters import FileCounter
from sealing.framing import ChainRecord
from sealing.identity import DeviceIdentity, SealingPolicy, SoftwareFacts
from sealing.keys import FileKeySigner
from sealing.oids import EKU_DEVICE, EKU_DOCUMENT, POLICIES, UNIT_URI_PREFIX, Assurance
from sealing.records import Close, Fragment, RunFacts, StateSnapshot
from sealing.recovery import Recovery, Replay
from sealing.suites import SUITE_1, RecipientPrivateKey
from sealing.ticks import Counter
from sealing.wraps import Recipient
from sealing.writer import ChainWriter
from tests.support.clocks import ManualClock

DEVICE_ID = "unit-0001"
SOFTWARE = SoftwareFacts("0.1.0", "test", simulated=True)
SESSION = b"session-00000001"
INIT = b"\x00\x00\x00\x10ftypiso5\x00\x00\x00\x00" + b"\x00\x00\x00\x0cmoovtest"
"""Boxes that stand for an init segment."""
_NOT_BEFORE = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
_YEARS_10 = dt.timedelta(days=3653)


@dataclass(frozen=True)
class Agency:
    """A certificate authority with two recipients."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    custodian: RecipientPrivateKey = field(default_factory=x25519.X25519PrivateKey.generate)
    escrow: RecipientPrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        return (
            Recipient("custodian", public_der(self.custodian)),
            Recipient("escrow", public_der(self.escrow)),
        )

    def certificate(self) -> x509.Certificate:
        """Its own certificate, signed by itself."""
        name = _name("Test Agency CA")
        builder = _builder(name, name, self.key.public_key())
        return builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
            self.key, hashes.SHA256()
        )

    def device_certificate(
        self,
        device_id: str,
        key: ec.EllipticCurvePublicKey,
        assurance: Assurance = Assurance.SIMULATED,
        suites: tuple[int, ...] = (),
        ended: dt.datetime = _NOT_BEFORE + _YEARS_10,
    ) -> bytes:
        """A unit's certificate, DER."""
        uri = x509.UniformResourceIdentifier(UNIT_URI_PREFIX + device_id)
        policy = x509.PolicyInformation(POLICIES[assurance], None)
        builder = _builder(_name(device_id), _name("Test Agency CA"), key, ended)
        builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([EKU_DEVICE]), critical=False)
        builder = builder.add_extension(x509.CertificatePolicies([policy]), critical=False)
        if suites:
            builder = builder.add_extension(suites_extension(suites), critical=False)
        certificate = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True).sign(
            self.key, hashes.SHA256()
        )
        return certificate.public_bytes(serialization.Encoding.DER)

    def identity(self, device_id: str = DEVICE_ID) -> DeviceIdentity:
        """A fresh unit with a soft key."""
        key = ec.generate_private_key(ec.SECP256R1())
        return DeviceIdentity(device_id, FileKeySigner(key), self.device_certificate(device_id, key.public_key()))


@cache
def agency() -> Agency:
    """The agency of most tests: keys are made once."""
    return Agency()


def clerk(
    usage: x509.ObjectIdentifier = EKU_DOCUMENT,
    ended: dt.datetime = _NOT_BEFORE + _YEARS_10,
    authority: Agency | None = None,
) -> tuple[FileKeySigner, bytes]:
    """Somebody whom the agency lets sign its documents: key and certificate (DER)."""
    key, issuer = ec.generate_private_key(ec.SECP256R1()), authority or agency()
    builder = _builder(_name("Clerk"), _name("Test Agency CA"), key.public_key(), ended)
    certificate = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False).sign(
        issuer.key, hashes.SHA256()
    )
    return FileKeySigner(key), certificate.public_bytes(serialization.Encoding.DER)


@cache
def identity() -> DeviceIdentity:
    """The unit of most tests."""
    return agency().identity()


def policy(reserve_bytes: int = 0, ledger_bytes: int = 1 << 20) -> SealingPolicy:
    """The policy of most tests: no reserve, since a test machine's disk is not the subject."""
    return SealingPolicy(agency().recipients, reserve_bytes=reserve_bytes, ledger_bytes=ledger_bytes)


def public_der(key: RecipientPrivateKey) -> bytes:
    """SubjectPublicKeyInfo of a private key."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def snapshot(boot_id: str = "boot-1", state: str = "idle") -> StateSnapshot:
    """The state of a unit that nobody has checked out."""
    return StateSnapshot(
        state=state,
        profile_id="test",
        profile_hash=bytes(32),
        officer_ids=(),
        checkout_sequence=None,
        session_id=None,
        session_number=0,
        activity_id=None,
        category=None,
        label=None,
        due_rule=None,
        run=0,
        next_frame=0,
        next_sample=0,
        media_time_ns=1_000_000_000,
        break_sequence=None,
        break_cause=None,
        boot_id=boot_id,
        session_zero_boottime_ns=None,
        notice_done=False,
        statement_done=False,
        away=False,
        marks=0,
        breaks=0,
        unexplained_breaks=0,
        dropped_frames=0,
        break_origin=None,
    )


def keep_snapshot(snapshot: StateSnapshot, _: tuple[ChainRecord, ...]) -> StateSnapshot:
    """Leave the snapshot as it was: right where no record changes the state."""
    return snapshot


def last_fragment(recovery: Recovery) -> Fragment:
    """The last one of the last file."""
    found = [record.header.body for record in recovery.records if isinstance(record.header.body, Fragment)]
    return found[-1]


def start_writer(
    spool: Path | Storage,
    clock: Clock | None = None,
    *,
    chain_policy: SealingPolicy | None = None,
    unit: DeviceIdentity | None = None,
    replay: Replay = keep_snapshot,
    receipted: dict[int, bytes] | None = None,
    counter: Counter | None = None,
    software: SoftwareFacts = SOFTWARE,
) -> ChainWriter:
    """Start the real writer on a directory, or on any storage."""
    used = clock or ManualClock()
    return ChainWriter.start(
        DirectoryStorage(spool) if isinstance(spool, Path) else spool,
        used,
        unit or identity(),
        chain_policy or policy(),
        software,
        snapshot(used.read().boot_id),
        replay=replay,
        receipted=receipted,
        counter=counter,
    )


def run_facts(run: int = 1, first_frame: int = 0, first_sample: int = 0) -> RunFacts:
    """A run of 30 frames and 48 000 samples a second."""
    return RunFacts(SESSION, run, 0, True, True, 1920, 1080, 30, 1, 48_000, first_frame, first_sample, bytes(32))


def fragment_at(number: int) -> Fragment:
    """The fragment as it is sealed in the session's first file."""
    return replace(fragment(number), index=number)


def fragment(number: int) -> Fragment:
    """The session's fragment with a number from 0: one second each."""
    return Fragment(
        index=0,
        first_frame=30 * number,
        frame_count=30,
        first_video_pts=90_000 * (number + 1),
        last_video_pts=90_000 * (number + 1) + 87_000,
        first_sample=48_000 * number,
        sample_count=48_000,
        first_audio_pts=48_000 * (number + 1),
        dropped_frames=0,
        lost_samples=0,
        captured_boottime_ns=(number + 1) * 10**9,
        before_notice=False,
    )


def close_facts(fragments: int, reason: str = "time") -> Close:
    """How a file with so many fragments from the session's start ended."""
    return Close(reason, fragments, 30 * fragments, 48_000 * fragments, 1024, 0, 0)


def media(number: int, size_bytes: int = 3_000) -> bytes:
    """Bytes that stand for a fragment: no MP4, and different for each number."""
    return bytes([number % 251]) * size_bytes


def shift(
    spool: Path, clock: ManualClock, number: int, counter: Path, *, seconds: int = 5, orderly: bool = True
) -> None:
    """One start with some seconds of footage and a counter, and a reboot behind it; the first one is number 0."""
    writer = start_writer(spool, clock, counter=FileCounter(counter, SUITE_1, identity().signer))
    first = seconds * number
    writer.open_footage(run_facts(number + 1, 30 * first, 48_000 * first))
    for each in range(first, first + seconds):
        clock.advance(1)
        writer.append_fragment(fragment(each), media(each, 50))
    writer.close_footage(close_facts(first + seconds))
    if orderly:
        writer.halt("stop")
    else:
        writer.abandon()
    clock.reboot(f"boot-{number + 2}")


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    ended: dt.datetime = _NOT_BEFORE + _YEARS_10,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(ended)
    )
