"""Bodies of the unit: its starts and ends, its key, counter and time, its parts, and who has it in hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sealing.limits import FILE_NUMBER_MAX, HASH_BYTES, SESSION_ID_BYTES, SIGNATURE_BYTES_MAX
from sealing.records.codes import AnchorKind, CounterKind, RecordType
from sealing.records.numbering import numbered


@dataclass(frozen=True, slots=True)
class Boot:
    """Start of the agent, second record of its first file: closes what the last run of it left open."""

    TYPE: ClassVar[RecordType] = RecordType.BOOT
    boot_number: int = numbered(1, low=1)
    """Starts of the agent on this chain, from 1."""
    clean: bool = numbered(2)
    """Whether HALT and CLOSE are the last records in front of this file and nothing is torn (or there is none)."""
    torn_file: int | None = numbered(3, low=1, high=FILE_NUMBER_MAX)
    """Number of the file whose torn end is accepted, None when none was torn."""
    torn_bytes: int = numbered(4, low=0)
    torn_hash: bytes | None = numbered(5, size=HASH_BYTES)
    """Suite hash over exactly the torn bytes."""
    dropped_files: tuple[int, ...] = numbered(6, low=1, high=FILE_NUMBER_MAX)
    """Numbers of files that hold no whole beginning, renamed `*.torn`; nothing in them counts."""
    software_version: str = numbered(7)
    driver_set: str = numbered(8)
    simulated: bool = numbered(9)
    kernel_boot_id: str = numbered(10)
    reason: str = numbered(11)
    """Code of what ended the run before: clean, crash, watchdog, power-loss, first-start."""
    alive_seconds: int | None = numbered(12, low=1)
    """Promise of this run: silence is never longer, ALIVE stands where nothing else happens. None: no promise."""
    tick_seconds: int | None = numbered(13, low=1)
    """Promise of this run: a TICK at its start and at its end, and at least so often while it records. None: no
    counter."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Change of the record-signing key; signed by the old one."""

    TYPE: ClassVar[RecordType] = RecordType.EPOCH
    epoch_certificate: bytes = numbered(1)


@dataclass(frozen=True, slots=True)
class Tick:
    """The unit's monotonic counter, attested at exactly this place of the chain."""

    TYPE: ClassVar[RecordType] = RecordType.TICK
    counter: CounterKind = numbered(1)
    value: int = numbered(2, low=0)
    """As it stood; it is raised by one when this record is on the medium."""
    attestation: bytes = numbered(3)
    """`file`: COSE_Sign1 by the device key. `tpm-nv`: the TPM's TPMS_ATTEST."""
    signature: bytes | None = numbered(4, size=SIGNATURE_BYTES_MAX)
    """`tpm-nv`: signature of the device key over the attestation, r ‖ s."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Somebody else's signed time over an earlier record: it existed then, and what follows is later."""

    TYPE: ClassVar[RecordType] = RecordType.ANCHOR
    kind: AnchorKind = numbered(1)
    sequence: int = numbered(2, low=1)
    """Record that the token names."""
    record_hash: bytes = numbered(3, size=HASH_BYTES)
    utc_ns: int = numbered(4, low=0)
    """Time that the token says."""
    token: bytes = numbered(5)


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Civil time was moved against monotonic time."""

    TYPE: ClassVar[RecordType] = RecordType.CLOCK
    step_ns: int = numbered(1)
    """New minus old civil time."""
    source_before: str = numbered(2)
    source_after: str = numbered(3)


@dataclass(frozen=True, slots=True)
class Alive:
    """Nothing happened, and the unit was there."""

    TYPE: ClassVar[RecordType] = RecordType.ALIVE
    battery_percent: int = numbered(1, low=0, high=100)
    free_bytes: int = numbered(2, low=0)


@dataclass(frozen=True, slots=True)
class Halt:
    """Orderly end of the agent."""

    TYPE: ClassVar[RecordType] = RecordType.HALT
    reason: str = numbered(1)


@dataclass(frozen=True, slots=True)
class Event:
    """Anything else worth sealing: a code and counted facts."""

    TYPE: ClassVar[RecordType] = RecordType.EVENT
    code: str = numbered(1)
    session_id: bytes | None = numbered(2, size=SESSION_ID_BYTES)
    values: tuple[tuple[str, int], ...] = numbered(3)


@dataclass(frozen=True, slots=True)
class Fault:
    """A part failed or came back (R18)."""

    TYPE: ClassVar[RecordType] = RecordType.FAULT
    part: str = numbered(1)
    code: str = numbered(2)
    present: bool = numbered(3)
    """True when found, False when it is gone again."""
    session_id: bytes | None = numbered(4, size=SESSION_ID_BYTES, default=None)
    """The recording that was going on, None when none was."""


@dataclass(frozen=True, slots=True)
class DockChange:
    """The unit was put into its dock or taken out."""

    TYPE: ClassVar[RecordType] = RecordType.DOCK
    docked: bool = numbered(1)


@dataclass(frozen=True, slots=True)
class Checkout:
    """The unit was handed to named officers (R2); names stand in the payload."""

    TYPE: ClassVar[RecordType] = RecordType.CHECKOUT
    officer_ids: tuple[str, ...] = numbered(1)
    activity_id: str | None = numbered(2)
    category: str | None = numbered(3)
    label: str | None = numbered(4)
    away: bool = numbered(5)
    away_reason: str | None = numbered(6, default=None)
    """Code of the reason for which the later transfer limit is claimed (R20)."""
    keeper_id: str | None = numbered(7, default=None)
    """The unit's standing keeper, apart from who wears it (R2)."""
    labels_given: tuple[str, ...] | None = numbered(8, default=None)
    """Codes of the profile's label fields whose texts stand in the payload (R22); None: none."""
    department: str | None = numbered(9, default=None)
    """The agency's department that the footage is kept under and found by (R22)."""


@dataclass(frozen=True, slots=True)
class Checkin:
    """The unit was given back (R2)."""

    TYPE: ClassVar[RecordType] = RecordType.CHECKIN
    checkout_sequence: int | None = numbered(1, low=1)
