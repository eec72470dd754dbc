"""Changes of the agency's device policy: whom it believes no longer, what units have to promise.

Rules of this module: what is not changed stays; a revocation is never taken back nor moved to a later time. What it
signs has the next number and stands in the trust folder; handing it down is `sync.store.publishing`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from sealing.policy import Rules, UnitPolicy
from sync.errors import StoreError
from sync.store.authority import Authority, sign_policy
from sync.store.content_index import Transactions
from sync.store.rotation import ended, present_policy
from sync.store.schema import units

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Promises:
    """What units have to promise from now on, in seconds; None: as before."""

    tick_seconds: int | None = None
    alive_seconds: int | None = None
    anchor_seconds: int | None = None

    def put_into(self, rules: Rules) -> Rules:
        """Rules with these promises in them."""
        return replace(
            rules,
            tick_seconds=rules.tick_seconds if self.tick_seconds is None else self.tick_seconds,
            alive_seconds=rules.alive_seconds if self.alive_seconds is None else self.alive_seconds,
            anchor_seconds=rules.anchor_seconds if self.anchor_seconds is None else self.anchor_seconds,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different in the next policy."""

    revocations: Mapping[bytes, int] = field(default_factory=dict)
    """SHA-256 of device certificates (DER), and from when on they count no longer, UTC in ns."""
    promises: Promises = Promises()
    overlap: timedelta = timedelta()
    """How long the rules before hold beside new ones."""


def revocations_of(certificates_der: Iterable[bytes], revoked_ns: int) -> dict[bytes, int]:
    """Name device certificates as a policy does (SF-53)."""
    return {hashlib.sha256(each).digest(): revoked_ns for each in certificates_der}


def certificate_of(ledger: Transactions, device_id: str) -> bytes:
    """The device certificate that a unit was enrolled with last, DER.

    Raises:
        StoreError: There is no such unit.
    """
    with ledger.transaction() as connection:
        wanted = sa.select(units.c.device_certificate).where(units.c.device_id == device_id)
        found: bytes | None = connection.execute(wanted).scalar()
    if found is None:
        raise StoreError(f"no unit {device_id} is enrolled; see `recorder-store units`")
    return bytes(found)


def change_policy(authority: Authority, change: Change, now: datetime) -> UnitPolicy:
    """Sign the policy that follows the present one.

    Args:
        authority: Whose; the key of its CA has to be there.
        change: What is to be different.
        now: Civil time, with its zone.

    Raises:
        StoreError: There is no policy, or key or certificate of the CA are missing; nothing was changed.
        SealingError: A value is outside its range.
    """
    policy = present_policy(authority)
    sign_policy(authority, policy.number + 1, _rules(policy, change, now), now, _revocations(policy, change))
    return present_policy(authority)


def _revocations(policy: UnitPolicy, change: Change) -> dict[bytes, int]:
    found = dict(policy.revocations)
    for certificate, revoked_ns in change.revocations.items():
        found[certificate] = min(revoked_ns, found.get(certificate, revoked_ns))
    return found


def _rules(policy: UnitPolicy, change: Change, now: datetime) -> tuple[Rules, ...]:
    if change.promises == Promises():
        return policy.rules
    begins_ns = int(now.timestamp()) * _NS
    # Of those that begin in the same second the one that was signed last: it stands behind the others.
    last = max(reversed(policy.rules), key=lambda rules: rules.from_utc_ns)
    anew = replace(change.promises.put_into(last), from_utc_ns=begins_ns)
    ending_ns = begins_ns + int(change.overlap.total_seconds()) * _NS
    return (*(ended(each, ending_ns) for each in policy.rules), anew)
