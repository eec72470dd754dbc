"""How a body declares its fields: the number that each one has in the format, and what it may hold."""

from __future__ import annotations

from dataclasses import MISSING, field
from typing import TypeVar

from sealing.limits import INTEGER_MAX, INTEGER_MIN

Value = TypeVar("Value")


def numbered(
    number: int,
    *,
    low: int = INTEGER_MIN,
    high: int = INTEGER_MAX,
    size: int | None = None,
    default: object = MISSING,
) -> Value:  # type: ignore[type-var]
    """Declare a body field with its CBOR map key and what it may hold.

    Args:
        number: CBOR map key.
        low: Smallest value of an integer.
        high: Largest value of an integer.
        size: Exact length of a byte string; None for any up to `limits.BYTES_MAX`.
        default: For a field that came later than others: what those who do not know it leave it at.
    """
    metadata = {"key": number, "low": low, "high": high, "size": size}
    return field(default=default, metadata=metadata)  # type: ignore[return-value]
