"""Which device policy holds at the store: the newest that the agency has signed and the store has got (SY-66).

Rules of this module: reads the trust that the store was opened with and the documents that it hands down; what was
published by another process or gateway meanwhile counts at once.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding

from sealing.agency_document import KIND_POLICY
from sealing.policy import UnitPolicy
from sealing.trust import Trust
from sync.store.ports import PromiseLedger
from sync.store.publishing import Publishing


def newest_policy(trust: Trust, ledger: PromiseLedger) -> UnitPolicy | None:
    """The policy with the highest number; None where the agency has none.

    Raises:
        DocumentError, PolicyError: What was handed down is not the agency's any more.
    """
    published = Publishing(ledger).newest(KIND_POLICY)
    if published is None or (trust.policy is not None and trust.policy.number >= published.number):
        return trust.policy
    authorities = [ca.public_bytes(Encoding.DER) for ca in trust.agency_cas]
    return UnitPolicy.read(published.content, authorities)
