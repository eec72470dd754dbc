"""Which device policy holds at the store: the newest that the agency has signed and the store has got (SY-66).

Rules of this module: reads the trust that the store was opened with and the documents that it hands down; what was
published by another process or gateway meanwhile counts at once. May be asked by any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.serialization import Encoding

from sealing.agency_document import KIND_POLICY
from sealing.policy import UnitPolicy
from sealing.trust import Trust
from sync.store.ports import PromiseLedger
from sync.store.publishing import Publishing

ReadPolicy = Callable[[bytes, Sequence[bytes]], UnitPolicy]
"""Verifies a signed policy by the agency's CA certificates (DER) and reads it. Raises DocumentError, PolicyError."""


class PolicyInForce:
    """Says which policy holds; a document is verified once, however many files are held to it.

    Kept is the policy that was read last, by its digest and never by time: each question asks the documents which one
    is the newest, so that a change counts for the very next file.

    Args:
        trust: Holds the agency's CAs, and the policy that lies in its folder.
        ledger: Where the documents are.
        read: Verifies and reads one.
    """

    def __init__(self, trust: Trust, ledger: PromiseLedger, read: ReadPolicy = UnitPolicy.read) -> None:
        self._trust = trust
        self._publishing = Publishing(ledger)
        self._read = read
        self._kept: UnitPolicy | None = None

    def newest(self) -> UnitPolicy | None:
        """The policy with the highest number; None where the agency has none.

        Raises:
            DocumentError, PolicyError: What was handed down is not the agency's any more.
        """
        own, latest = self._trust.policy, self._publishing.newest_edition(KIND_POLICY)
        if latest is None or (own is not None and own.number >= latest.number):
            return own
        kept = self._kept
        if kept is None or kept.digest != latest.digest:
            authorities = [ca.public_bytes(Encoding.DER) for ca in self._trust.agency_cas]
            kept = self._kept = self._read(self._publishing.content(latest), authorities)
        return kept
