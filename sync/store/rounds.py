"""The check of everything held, made by one of a store's processes at a time (R38).

Rules of this module: whose turn it is; what is checked is `fsck`'s. Blocking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from sync.store.database import put
from sync.store.fsck import check_store
from sync.store.intake import Intake
from sync.store.ports import PromiseLedger
from sync.store.schema import rounds

CHECK: Final = "fsck"
_HOUR_NS: Final = 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Round:
    """When everything was checked last, by whichever process, and what was found."""

    ended_utc_ns: int
    faults: int


def check_in_turn(intake: Intake, hours: float, may_go_on: Callable[[], bool]) -> Round | None:
    """Check everything held, unless another process of the store does, or did within half of the interval.

    Args:
        intake: The store.
        hours: Between two checks.
        may_go_on: Asked before each file; a check that was ended early counts for nothing.

    Returns:
        The last whole round; None when there was none.
    """
    ledger = intake.ledger
    with ledger.only_runner(CHECK) as mine:
        before = last_round(ledger)
        if not mine or (before is not None and intake.now_utc_ns() - before.ended_utc_ns < hours * _HOUR_NS / 2):
            return before
        found = check_store(intake, may_go_on)
        if not may_go_on():
            return before
        done = Round(intake.now_utc_ns(), len(found.faults))
        with ledger.transaction() as connection:
            put(connection, rounds, {"name": CHECK, "ended_utc_ns": done.ended_utc_ns, "faults": done.faults})
    return done


def last_round(ledger: PromiseLedger) -> Round | None:
    """The last check that went through to its end."""
    with ledger.transaction() as connection:
        row = connection.execute(
            sa.select(rounds.c.ended_utc_ns, rounds.c.faults).where(rounds.c.name == CHECK)
        ).first()
    return None if row is None else Round(row.ended_utc_ns, row.faults)
