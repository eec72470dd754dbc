"""The store's signed time, where nobody else vouches for the clock: which token moves the clock, and how far.

Rules of this module: pure but for two small files; nothing here sets a clock. A token moves the clock only while the
kernel's time is not synchronised, only to a time that the store has signed for this unit after the one before, never
before the unit's own certificate or behind the store's. Whoever owns `recorder-sync` can hold the time back to a token
that it kept; it can never move it ahead of the store's clock.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from agent.config import UnitPaths
from agent.errors import StoreTimeError
from hal.drivers.common.clock_kernel import KernelTime
from sealing.receipts import ReceiptError, receipt_key
from sync.durable import write_file
from sync.errors import WireError
from sync.inbox import TIME_NAME
from sync.witness import STATEMENT_BYTES_MAX, TimeToken, verify_time

_SECOND_NS: Final = 1_000_000_000
FRESH_NS: Final = 600 * _SECOND_NS
"""A token that lay for longer has seen too much of a clock that nobody vouches for."""
WORTH_NS: Final = 2 * _SECOND_NS
"""Less is not worth a step: it stands between no certificate and its dates."""
_APPLIED_NAME: Final = "applied"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A token of the store, checked, and when it came."""

    token: TimeToken
    civil_ns: int
    """By the clock that is to be judged: the inode's change time, which no user can set."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the machine knows of its time."""

    civil_ns: int
    boottime_ns: int
    kernel: KernelTime
    earliest_ns: int
    """The unit's certificate was issued then: it cannot be earlier."""
    latest_ns: int
    """The store's receipt certificate ends then: what it signs cannot be later."""
    applied_ns: int
    """The store's time that was applied last; 0 when there was none."""


def step_ns(arrival: Arrival, situation: Situation) -> int | None:
    """How far the clock is to be moved; None when it stands well enough, or the network vouches for it.

    Raises:
        StoreTimeError: The token must not move the clock; the message says why.
    """
    if situation.kernel.synchronised:
        return None
    token_ns, age_ns = arrival.token.utc_ns, situation.civil_ns - arrival.civil_ns
    if not 0 <= age_ns <= min(FRESH_NS, situation.boottime_ns):
        raise StoreTimeError(f"the store's time has lain for {age_ns / _SECOND_NS:.0f} s; sync asks again")
    if token_ns <= situation.applied_ns:
        raise StoreTimeError("the store's time is not newer than the one that was applied last; sync asks again")
    if not situation.earliest_ns <= token_ns <= situation.latest_ns:
        raise StoreTimeError(
            f"the store says {_shown(token_ns)}, outside of the certificates' {_shown(situation.earliest_ns)} to "
            f"{_shown(situation.latest_ns)}; look at the store's clock"
        )
    step = token_ns - arrival.civil_ns
    return step if abs(step) > WORTH_NS else None


def read_arrival(paths: UnitPaths, device_id: str) -> Arrival:
    """Read the token from the inbox and check it against the store's receipt key.

    Raises:
        StoreTimeError: There is none, or it is not the store's word to this unit.
    """
    path = paths.inbox / TIME_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            changed_ns = os.fstat(descriptor).st_ctime_ns
            data = file.read(STATEMENT_BYTES_MAX + 1)
        token = verify_time(data, receipt_key(_certificate(paths.certificates / "store-receipt.pem")))
    except OSError as error:
        raise StoreTimeError(f"{path}: no time of the store can be read: {error.strerror}") from error
    except (WireError, ReceiptError) as error:
        raise StoreTimeError(f"{path}: {error}") from error
    if token.device_id != device_id:
        raise StoreTimeError(f"{path}: the time is for unit {token.device_id}, this is {device_id}")
    return Arrival(token, changed_ns)


def bounds_of(paths: UnitPaths) -> tuple[int, int]:
    """Between which times the store's word can lie, in ns UTC.

    Raises:
        StoreTimeError: A certificate is missing or malformed.
    """
    link = _certificate(paths.certificates / "link.pem")
    store = _certificate(paths.certificates / "store-receipt.pem")
    return _ns(link.not_valid_before_utc), _ns(store.not_valid_after_utc)


def last_applied_ns(directory: Path) -> int:
    """The store's time that was applied last, 0 when there was none.

    Raises:
        StoreTimeError: The note of it is damaged or cannot be read.
    """
    path = directory / _APPLIED_NAME
    try:
        return int(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        raise StoreTimeError(f"{path} cannot be used: {error}; remove it") from error


def note_applied(directory: Path, token: TimeToken) -> None:
    """Keep the token's time, so that it is not applied again. Raises OSError."""
    write_file(directory / _APPLIED_NAME, f"{token.utc_ns}\n".encode("ascii"))


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreTimeError(f"{path} cannot be used: {error}; enrol the unit") from error


def _ns(moment: datetime) -> int:
    return round(moment.timestamp()) * _SECOND_NS


def _shown(ns: int) -> str:
    return datetime.fromtimestamp(ns // _SECOND_NS, UTC).isoformat()
