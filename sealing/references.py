"""What the writing side hands back: where something was sealed, and which files there are.

Rules of this module: values only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordReference:
    """A record that is on the medium."""

    sequence: int
    hash: bytes
    """Suite hash of its header: what the next record names."""
    file_number: int
    utc_ns: int
    boottime_ns: int


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file of the spool that has ended."""

    number: int
    name: str
    receipt_hash: bytes | None
    """Suite hash of the store's receipt, None when none was sealed."""
    freeable: bool
    """Whether `free_file` would take it."""


@dataclass(frozen=True, slots=True)
class StoreReceipt:
    """What the chain says of a receipt that was checked against the unit's own disk."""

    file_number: int
    file_id: bytes
    receipt_hash: bytes
    store_id: str
    receipt_number: int
