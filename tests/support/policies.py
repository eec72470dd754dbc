"""Device policies, as the agency of the tests signs them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.serialization import Encoding

from sealing.agency_document import KIND_POLICY, sign_document
from sealing.keys import FileKeySigner
from sealing.policy import Rules, UnitPolicy, encode_policy
from sealing.suites import SUITE_1
from sealing.wraps import Recipient
from tests.support.chains import agency
from tests.support.clocks import START_UTC_NS


def key_ids(recipients: Sequence[Recipient] | None = None) -> frozenset[bytes]:
    """Key ids of recipients, the agency's own where none are given."""
    chosen = agency().recipients if recipients is None else recipients
    return frozenset(SUITE_1.key_id(each.public_key_der) for each in chosen)


def rules(from_utc_ns: int = 0, **changes: object) -> Rules:
    """What the agency of the tests allows: suite 1, its two recipients."""
    return replace(Rules(from_utc_ns, None, frozenset({1}), key_ids()), **changes)  # type: ignore[arg-type]  # as named


def signed_policy(
    held: Sequence[Rules] | None = None, revocations: Mapping[bytes, int] | None = None, number: int = 1
) -> bytes:
    """A policy as the agency sends it; revocations by device certificate."""
    hashed = {hashlib.sha256(der).digest(): utc_ns for der, utc_ns in (revocations or {}).items()}
    payload = encode_policy([rules()] if held is None else held, hashed)
    certificate = agency().certificate().public_bytes(Encoding.DER)
    return sign_document(KIND_POLICY, number, START_UTC_NS, payload, FileKeySigner(agency().key), certificate)


def policy(held: Sequence[Rules] | None = None, revocations: Mapping[bytes, int] | None = None) -> UnitPolicy:
    """The same, verified."""
    hashed = {hashlib.sha256(der).digest(): utc_ns for der, utc_ns in (revocations or {}).items()}
    return UnitPolicy(1, START_UTC_NS, bytes(32), tuple([rules()] if held is None else held), hashed)
