"""Object identifiers that certificates of the chain carry.

Rules of this module: constants only; whoever makes certificates and whoever judges them read the same ones.

The arc stands under 2.25 (identifiers made from a UUID), which needs no registration.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cryptography.x509 import ObjectIdentifier

_ARC: Final = "2.25.140274052557584419817123936319623862829"

EKU_DEVICE: Final = ObjectIdentifier(f"{_ARC}.1.1")
"""Extended key usage of a unit's device key: it certifies epoch keys."""
EKU_LINK: Final = ObjectIdentifier(f"{_ARC}.1.2")
"""Extended key usage of a unit's link key (beside clientAuth): it opens connections and seals nothing."""
EKU_RECEIPT: Final = ObjectIdentifier(f"{_ARC}.1.3")
"""Extended key usage of a store's receipt key."""
EKU_RECIPIENT: Final = ObjectIdentifier(f"{_ARC}.1.4")
"""Extended key usage of a recipient's key: content keys are wrapped to it."""
EKU_DOCUMENT: Final = ObjectIdentifier(f"{_ARC}.1.5")
"""Extended key usage of a key that signs the agency's documents in place of its CA."""
EKU_OPERATOR: Final = ObjectIdentifier(f"{_ARC}.1.6")
"""Extended key usage of a person's key in the back office: it signs annotations (`sync/PROTOCOL.md`)."""

POLICY_SIMULATED: Final = ObjectIdentifier(f"{_ARC}.2.1")
"""Certificate policy: a simulated unit; never evidence."""
POLICY_SOFT: Final = ObjectIdentifier(f"{_ARC}.2.2")
"""Certificate policy: the device key is a file."""
POLICY_HARDWARE: Final = ObjectIdentifier(f"{_ARC}.2.3")
"""Certificate policy: the device key lives in a token that does not give it out."""

HYBRID_KEY: Final = ObjectIdentifier(f"{_ARC}.3.1")
"""Key algorithm: ML-KEM-768 and X25519, raw, one behind the other (suite 2)."""
SUITES_EXTENSION: Final = ObjectIdentifier(f"{_ARC}.4.1")
"""Certificate extension: suites that a unit may use, SEQUENCE OF INTEGER."""

UNIT_URI_PREFIX: Final = "urn:recorder:unit:"
"""A unit's certificate names it twice: as common name, and as this prefix and the device id in a URI SAN."""


class Assurance(StrEnum):
    """How well a unit's device key is kept; stands in its certificate as a policy."""

    SIMULATED = "simulated"
    SOFT = "soft"
    HARDWARE = "hardware"


POLICIES: Final = {
    Assurance.SIMULATED: POLICY_SIMULATED,
    Assurance.SOFT: POLICY_SOFT,
    Assurance.HARDWARE: POLICY_HARDWARE,
}
"""Certificate policy of each assurance."""
