"""Which sealed records are reported at once (R9, R18).

Rules of this module: pure; a record's body and the profile in, a kind out. Used by the unit to send and by the store to
check what is claimed.
"""

from __future__ import annotations

from enum import StrEnum

from sealing.records import Body, Event, Fault, SessionEnd, Torn
from sync.rules import Rules


class AlertKind(StrEnum):
    """What an alert is about."""

    CANNOT_CONTINUE = "cannot-continue"
    """A recording could not go on (R9)."""
    FAULT = "fault"
    """A part of the unit failed (R18)."""
    MEDIUM_FAULT = "medium-fault"
    """The evidence medium failed in the middle of a file (R18)."""
    RECEIPT_REFUSED = "receipt-refused"
    """A store's receipt does not agree with the unit's own disk."""
    STORE_CONTRADICTION = "store-contradiction"
    """The store's log of receipts is smaller than it was, or tells another history."""
    WITHHELD = "withheld"
    """Something happened in a recording whose label keeps its content off this line."""


def alert_of(body: Body, rules: Rules | None) -> AlertKind | None:
    """Say whether a record is to be reported at once.

    Args:
        body: What the record says.
        rules: The profile in force; None when it is not known: then nothing is held back for want of an addressee.
    """
    match body:
        case SessionEnd(reason="cannot-continue") if rules is None or rules.report_to is not None:
            return AlertKind.CANNOT_CONTINUE
        case Fault(present=True):
            return AlertKind.FAULT
        case Torn():
            return AlertKind.MEDIUM_FAULT
        case Event(code="store-contradiction"):
            return AlertKind.STORE_CONTRADICTION
        case Event(code="receipt-refused"):
            return AlertKind.RECEIPT_REFUSED
        case _:
            return None
