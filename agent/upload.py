"""How the upload stands: what recorder-sync has said of itself, and what it found about the store.

Rules of this module: reads small files of the run directory and the inbox; judges nothing. Clearing a contradiction is
a person's decision (SY-43): it is sealed with who decided and why, and what the store had said is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.config import UnitPaths
from agent.errors import RefusedError
from agent.receipts import KeptReceipts
from sealing.codec import Private
from sealing.records import Event
from sealing.service import SealingService
from sync.durable import move_file
from sync.inbox import CHECKPOINT_NAME, CONTRADICTION_NAME
from sync.unit.config import PROGRESS_NAME
from sync.unit.progress_file import read_progress

CLEARED_EVENT = "store-contradiction-cleared"
_SEALING_SECONDS = 30.0
_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class UploadStanding:
    """How the upload stands, as far as recorder-sync has said."""

    event: str | None = None
    """Its newest report; None: it has said nothing since the unit's start."""
    receipted_to: int | None = None
    """Every file up to this number has its receipt."""
    files_left: int | None = None
    bytes_left: int | None = None
    waits_for: str | None = None
    """Why it waits, or what is wrong."""
    contact_utc_ns: int | None = None
    """When the store answered last."""
    contradiction: str | None = None
    """By what the store contradicted itself (SY-43); None while it has not."""


def upload_standing(paths: UnitPaths) -> UploadStanding:
    """Put together what is known. Never raises; what cannot be read is None."""
    progress, contradiction = read_progress(paths.run / PROGRESS_NAME), contradiction_of(paths)
    if progress is None:
        return UploadStanding(contradiction=contradiction)
    return UploadStanding(
        progress.event,
        progress.receipted_to,
        progress.files_left,
        progress.bytes_left,
        progress.reason,
        progress.contact_utc_ns,
        contradiction,
    )


def contradiction_of(paths: UnitPaths) -> str | None:
    """By what the store contradicted itself; None while it has not, or a person has decided."""
    path = paths.inbox / CONTRADICTION_NAME
    if not path.exists():
        return None
    reason = _told(path).get("reason")
    return reason if isinstance(reason, str) else "the store has contradicted itself"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a custodian has decided."""

    decided_by: str
    why: str
    utc_ns: int
    """Civil time; names what is put aside."""


def clear_contradiction(
    paths: UnitPaths, sealing: SealingService, kept: KeptReceipts, decision: Decision
) -> tuple[Path, ...]:
    """Trust the store again by a custodian's decision, sealed first (SY-64).

    The store's receipts until now count no longer: a store that came back from a backup may have lost files that it had
    promised. All that is still here is asked for again; what the store has costs a question, the rest is sent anew.

    Args:
        paths: Where the unit keeps its things.
        sealing: Seals the decision; who and why go encrypted.
        kept: The receipts that count; emptied.
        decision: Who decided, and why.

    Returns:
        Where the two notes lie now.

    Raises:
        RefusedError: There is no contradiction.
        SealingError: It could not be sealed; nothing was changed.
        OSError: A note cannot be moved.
    """
    if contradiction_of(paths) is None:
        raise RefusedError("the store has not contradicted itself; there is nothing to decide")
    said: Private = {"decided_by": decision.decided_by, "why": decision.why}
    sealing.seal(Event(CLEARED_EVENT, None, ()), said).result(_SEALING_SECONDS)
    _put_receipts_aside(paths, decision.utc_ns)
    kept.by_file.clear()
    kept.by_number.clear()
    paths.rejected.mkdir(mode=0o750, exist_ok=True)
    moved: list[Path] = []
    # The contradiction goes last: a unit that loses its power in between still mistrusts.
    for name in (CHECKPOINT_NAME, CONTRADICTION_NAME):
        if (paths.inbox / name).exists():
            moved.append(paths.rejected / f"{name}.{decision.utc_ns}")
            move_file(paths.inbox / name, moved[-1])
    return tuple(moved)


def _put_receipts_aside(paths: UnitPaths, utc_ns: int) -> None:
    aside = paths.receipts / f"until-{utc_ns}"
    for path in sorted((*paths.receipts.glob("*.receipt"), *paths.inbox.glob("*.receipt"))):
        aside.mkdir(mode=0o750, exist_ok=True)
        move_file(path, aside / path.name)


def _told(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_BYTES_MAX))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
