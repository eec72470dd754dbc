"""What a TICK attests, and how it is checked.

Rules of this module: values and bytes; whoever writes a chain and whoever verifies one share it. The attestation is
bound to one place of the chain: the record's own sequence number and the hash of the record before (`FORMAT.md`,
SF-43), so that neither a key of an epoch nor an old attestation puts it elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sealing import cose, encoding, tpm_attestation
from sealing.cose import Algorithm, PublicKey
from sealing.errors import BadSignatureError, MalformedError
from sealing.limits import BYTES_MAX, FORMAT_VERSION, INTEGER_MAX
from sealing.records import CounterKind, Tick
from sealing.suites import Suite


@dataclass(frozen=True, slots=True)
class Attested:
    """What a counter says of itself."""

    value: int
    attestation: bytes
    signature: bytes | None = None


class Counter(Protocol):
    """A counter that only goes up. Called on the writer's thread; a chip may take 0.6 s."""

    @property
    def kind(self) -> CounterKind:
        """Where it lives."""
        ...

    def attest(self, binding: bytes) -> Attested:
        """Attest the value as it stands, bound to 32 bytes.

        Raises:
            SealingError: The counter did not answer.
        """
        ...

    def advance(self) -> None:
        """Raise the value by one; durable when it returns.

        Raises:
            SealingError: The counter did not answer.
        """
        ...


def binding(suite: Suite, device_id: str, sequence: int, previous_hash: bytes) -> bytes:
    """Name one place of one chain: what an attestation is bound to (SF-43)."""
    return suite.digest(encoding.encode([FORMAT_VERSION, device_id, sequence, previous_hash]))


def attest_by_key(
    value: int, bound_to: bytes, algorithm: Algorithm, key_id: bytes, sign: Callable[[bytes], bytes]
) -> Attested:
    """Attest a counter that cannot do so itself by the device key."""
    payload = encoding.encode({1: FORMAT_VERSION, 2: value, 3: bound_to})
    return Attested(value, cose.encode_sign1(algorithm, key_id, payload, cose.TICK, sign))


def verify_tick(tick: Tick, bound_to: bytes, device_key: PublicKey) -> None:
    """Check that the device's own counter had this value at this place (SF-43).

    Raises:
        BadSignatureError: Device key, value or place are others.
        MalformedError: The attestation is not one.
        SuiteError: Its algorithm is none of the format's.
    """
    if tick.counter is CounterKind.TPM_NV:
        if tick.signature is None:
            raise MalformedError("a TPM's attestation without its signature")
        found = tpm_attestation.verify(tick.attestation, tick.signature, device_key)
        value, said = found.value, found.binding
    else:
        value, said = _by_key(tick, device_key)
    if said != bound_to:
        raise BadSignatureError("the counter was attested for another place of a chain")
    if value != tick.value:
        raise BadSignatureError(f"the attestation says {value}, the record {tick.value}")


def _by_key(tick: Tick, device_key: PublicKey) -> tuple[int, bytes]:
    if tick.signature is not None:
        raise MalformedError("an attestation by the device key carries its signature itself")
    message = cose.decode_sign1(tick.attestation, BYTES_MAX)
    cose.verify_sign1(message, cose.TICK, device_key)
    match encoding.decode(message.payload, BYTES_MAX):
        case {1: 1, 2: int(value), 3: bytes(said), **others} if not others and 0 <= value <= INTEGER_MAX:
            return value, said
        case _:
            raise MalformedError("an attestation has not exactly version, value and binding")
