"""A new key for a recipient of content keys, and the policy that says so.

Rules of this module: nothing is thrown away: what was sealed to the old key needs it as long as the footage is kept.
Old and new rules hold side by side for a while, until every unit has its new bundle (`sealing/FORMAT.md`, SF-52).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from sealing.certificates import spki_of
from sealing.errors import SealingError
from sealing.policy import Rules, UnitPolicy
from sealing.suites import SUITE_1
from sync.errors import StoreError
from sync.store.authority import RECIPIENTS, Authority, make_recipient, rules_of_today, sign_policy

_NS = 1_000_000_000
_NAME_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation made."""

    policy_number: int
    old_key: Path
    """Where the old private key lies now; absent when it was taken offline before."""


def rotate_recipient(authority: Authority, recipient: str, now: datetime, overlap: timedelta) -> Rotated:
    """Make a new key for a recipient and sign the policy of which it is part.

    Args:
        authority: Whose; the key of its CA has to be there.
        recipient: Who gets a new key.
        now: Civil time, with its zone.
        overlap: How long units may go on sealing to the old key.

    Raises:
        StoreError: There is no such recipient or no policy, or a key or certificate is missing; nothing was changed.
    """
    if recipient not in RECIPIENTS:
        raise StoreError(f"no recipient {recipient}; there are {', '.join(RECIPIENTS)}")
    policy = present_policy(authority)
    number = min(max(policy.rules, key=lambda rules: rules.from_utc_ns).suites)
    authority.key("agency-ca")
    old_key = _put_aside(authority, recipient)
    make_recipient(authority, recipient, number, now)
    ending = int((now + overlap).timestamp()) * _NS
    today = replace(rules_of_today(authority, number, now), from_utc_ns=int(now.timestamp()) * _NS)
    rules = (*(ended(each, ending) for each in policy.rules), today)
    sign_policy(authority, policy.number + 1, rules, now, policy.revocations)
    return Rotated(policy.number + 1, old_key)


def present_policy(authority: Authority) -> UnitPolicy:
    """Read the agency's policy as it stands.

    Raises:
        StoreError: There is none, or it cannot be used.
    """
    data = authority.policy()
    if data is None:
        raise StoreError(f"{authority.trust}: the store has no device policy; it was made before there were any")
    try:
        return UnitPolicy.read(data, [each.public_bytes(Encoding.DER) for each in authority.authorities()])
    except SealingError as error:
        raise StoreError(f"{authority.trust}: {error}; restore the policy from the backup") from error


def _put_aside(authority: Authority, recipient: str) -> Path:
    """Keep the old key and certificate under a name that says which key it is."""
    name = f"recipient-{recipient}"
    certificate = authority.trust / f"{name}.pem"
    key_id = SUITE_1.key_id(spki_of(authority.certificate(certificate.name))).hex()[:_NAME_CHARACTERS]
    key, kept = authority.keys / f"{name}.key", authority.keys / f"{name}-{key_id}.key"
    if key.exists():
        key.rename(kept)
    shutil.copyfile(certificate, authority.trust / f"{name}-{key_id}.pem")
    return kept


def ended(rules: Rules, ending_utc_ns: int) -> Rules:
    """Rules that hold no longer than up to a moment."""
    if rules.until_utc_ns is not None and rules.until_utc_ns <= ending_utc_ns:
        return rules
    return replace(rules, until_utc_ns=ending_utc_ns)
