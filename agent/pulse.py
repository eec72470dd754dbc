"""What the agent seals of itself: its counter, and a sign of life while nothing happens.

Rules of this module: measures and composes; when something is sealed is the chain's business (`sealing/FORMAT.md`,
SF-43, SF-45).
"""

from __future__ import annotations

from typing import Final

from agent.assembly import Prepared
from hal.errors import HardwareError
from hal.ports import Hardware
from sealing.counters import FileCounter
from sealing.records import Alive
from sealing.service import SignOfLife
from sealing.ticks import Counter
from sealing.tokens.tpm2_token import Tpm

ALIVE_SECONDS: Final = 60
_COUNTER: Final = "counter"


def counter_of(prepared: Prepared) -> Counter:
    """The unit's counter: its TPM's, where the device key lives in one; else a file, attested by the device key.

    Raises:
        SealingError: The policy names no suite that this software has.
    """
    signer = prepared.identity.signer
    if isinstance(signer, Tpm):
        return signer
    return FileCounter(prepared.paths.keys / _COUNTER, prepared.policy.check(), signer)


def sign_of_life(hardware: Hardware) -> SignOfLife:
    """What is sealed each minute in which nothing else is."""
    return SignOfLife(lambda: _measured(hardware), ALIVE_SECONDS)


def _measured(hardware: Hardware) -> Alive | None:
    """Battery and room; None while a gauge does not answer, which is told elsewhere."""
    try:
        charge, free = hardware.battery.read().charge_percent, hardware.storage.usage().free_bytes
    except HardwareError:
        return None
    return Alive(min(100, max(0, round(charge))), max(0, free))
