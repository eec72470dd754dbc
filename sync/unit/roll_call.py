"""The question at the dock: what the unit holds, told once, and what the store has of it (SY-34).

Rules of this module: builds the question, asks once, reads the answer; asking again and waiting are the courier's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sealing.receipts import ReceiptError, read_receipt
from sync import inbox
from sync.rules import Radio
from sync.secrecy import Cargo, Line, may_leave
from sync.sessions import Circumstances
from sync.unit.client import LinkError, RefusedError
from sync.unit.presence import read_presence
from sync.unit.spool import SealedFile
from sync.unit.transport import Transport
from sync.wire import INVENTORY_FILES_MAX, HeldFile, Inventory, InventoryAnswer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holding:
    """One ended file without receipt."""

    file: SealedFile
    circumstances: Circumstances | None
    due_utc_ns: int | None


@dataclass(frozen=True, slots=True)
class Standings:
    """What the answer says, by file number."""

    first: frozenset[int] = field(default_factory=frozenset)
    parked: Mapping[int, str] = field(default_factory=dict)
    """Reasons."""
    last_receipt_number: int | None = None
    """None where the store did not say."""


def ask_store(client: Transport, holdings: Sequence[Holding], radio: Radio, status: Path) -> Standings | None:
    """Tell what is held, once, and hear what the store has of it (SY-34); how the unit stands goes with it (SY-53).

    Args:
        client: The line.
        holdings: What is held.
        radio: The profile's rule for labels.
        status: The agent's `status.json`.

    Returns:
        The answer; nothing where the store takes no inventory; None when the line is down: sending will find that out.
    """
    try:
        line = client.line()
        asked = question(holdings, line, radio).model_copy(update={"presence": read_presence(status, line, radio)})
        return standings(holdings, client.inventory(asked))
    except LinkError as error:
        log.info("the store was not asked: %s", error)
        return None
    except RefusedError as error:
        log.warning("the store does not take the inventory: %s", error)
        return Standings()


def lost_receipts(found: Standings, *folders: Path) -> str | None:
    """SY-22: a store that knows fewer receipts than the unit holds has lost some; says so, None when it has not."""
    held = newest_receipt_number(*folders)
    if found.last_receipt_number is None or held <= found.last_receipt_number:
        return None
    detail = f"the unit holds receipt {held}, the store's newest is {found.last_receipt_number}"
    log.error("the store has lost receipts: %s; tell the custodian, free nothing", detail)
    return detail


def question(holdings: Iterable[Holding], line: Line, radio: Radio) -> Inventory:
    """Say what is held; what a label keeps off this line is not said."""
    files = [_held(one, line, radio) for one in holdings]
    return Inventory(files=tuple(files[:INVENTORY_FILES_MAX]))


def _held(one: Holding, line: Line, radio: Radio) -> HeldFile:
    file, circumstances = one.file, one.circumstances
    plain = HeldFile(file_id=file.file_id.hex(), number=file.number, size_bytes=file.size_bytes)
    if circumstances is None or not may_leave(Cargo.HEADERS, circumstances.label, line, radio):
        return plain
    session = circumstances.session_id
    told = {"session_id": None if session is None else session.hex(), "due_utc_ns": one.due_utc_ns}
    return plain.model_copy(update=told)


def standings(holdings: Iterable[Holding], answer: InventoryAnswer) -> Standings:
    """Read the answer; files that it does not name stay as they are."""
    numbers = {one.file.file_id.hex(): one.file.number for one in holdings}
    known = [(numbers[one.file_id], one) for one in answer.files if one.file_id in numbers]
    return Standings(
        first=frozenset(number for number, one in known if one.first),
        parked={number: one.reason or "parked" for number, one in known if one.state == "parked"},
        last_receipt_number=answer.last_receipt_number,
    )


def newest_receipt_number(*folders: Path) -> int:
    """Highest number among the receipts that the unit holds: a store that knows less has lost some (SY-22)."""
    newest = 0
    for path in (path for folder in folders if folder.is_dir() for path in folder.iterdir()):
        if not inbox.is_receipt(path.name):
            continue
        try:
            newest = max(newest, read_receipt(path.read_bytes()).receipt_number)
        except FileNotFoundError:
            continue
        except ReceiptError:
            log.warning("%s is no receipt; the agent will reject it", path)
    return newest
