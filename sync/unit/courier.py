"""The unit's sync loop: from the spool's files and one question to the store, to receipts in the inbox.

Rules of this module: one file at a time; nothing but memory of this run is kept, everything durable is the file, the
store's offset, and the receipt. Time, chance and the line are handed in.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from hal.ports import Clock, Signal
from sealing.cose import PublicKey
from sealing.errors import SealingError
from sealing.framing import RecordHeader, file_name
from sealing.receipts import verify_receipt
from sync import inbox
from sync.backoff import Backoff
from sync.errors import SpoolError
from sync.queue import Item, Standing, next_item, outstanding_bytes
from sync.unit.client import LinkError, RefusedError, StoppedError, StoreClient
from sync.unit.config import SyncPaths
from sync.unit.link import LinkState, read_link
from sync.unit.outcome import REFUSALS_BEFORE_LEAVING, Action, action_for
from sync.unit.reports import Report, Reporter
from sync.unit.spool import SealedFile, numbers, opening, read_ended

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0


class Ending(Enum):
    """Why a run ended."""

    ALL_RECEIPTED = "all-receipted"
    SOME_REFUSED = "some-refused"
    """Everything else is receipted; the store parked or refused some files, or the agent rejected a receipt."""
    STOPPED = "stopped"
    NOT_NOW = "not-now"
    """Not docked, or a session is open."""
    GAVE_UP = "gave-up"
    """The time that was given for it is over."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a courier works with."""

    paths: SyncPaths
    device_id: str
    client: StoreClient
    store_key: PublicKey
    """The store's receipt key."""
    clock: Clock
    stop: Signal
    draw: Callable[[], float]
    """A fresh random number from 0 to 1."""
    reporter: Reporter
    backoff: Backoff = field(default_factory=Backoff)


class Courier:
    """Carries sealed files to the store.

    Args:
        surroundings: What it works with.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._with = surroundings
        self._facts: dict[int, SealedFile] = {}
        self._verdicts: dict[int, Standing] = {}
        self._refusals: dict[int, int] = {}
        self._declare_again: set[int] = set()
        self._failures = 0
        self._link: LinkState | None = None
        self._left = (0, 0)

    def run_once(self, patience_seconds: float | None = None) -> Ending:
        """Send everything that is ended now, and end.

        Args:
            patience_seconds: How long attempts may go on; None: for ever (SY-20).
        """
        clock = self._with.clock
        started_ns = clock.boottime_ns()
        while not self._with.stop.is_set():
            if not self._may_send():
                return Ending.NOT_NOW
            item = next_item(self._begin())
            if item is None:
                return self._all_sent()
            if patience_seconds is not None and clock.boottime_ns() - started_ns > patience_seconds * 1e9:
                return Ending.GAVE_UP
            self._carry(item)
        return Ending.STOPPED

    def run(self) -> Ending:
        """Send whatever ends, until told to stop."""
        said_idle = False
        while not self._with.stop.is_set():
            item = next_item(self._begin()) if self._may_send() else None
            if item is not None:
                said_idle = False
                self._carry(item)
                continue
            if self._link is not None and self._link.open_for_sending and not said_idle:
                self._say(Report("idle"))
                said_idle = True
            self._with.client.close()
            self._with.clock.wait(self._with.stop, POLL_SECONDS)
        return Ending.STOPPED

    def _all_sent(self) -> Ending:
        refused = any(item.standing in {Standing.PARKED, Standing.REFUSED} for item in self._survey())
        self._say(Report("done", reason="some files were refused" if refused else None))
        return Ending.SOME_REFUSED if refused else Ending.ALL_RECEIPTED

    def _may_send(self) -> bool:
        """SY-26. A new docking gives refused files and the waiting time a fresh start."""
        link = read_link(self._with.paths.link_state)
        if link.docked and self._link is not None and not self._link.docked:
            self._verdicts.clear()
            self._refusals.clear()
            self._failures = 0
        self._link = link
        return link.open_for_sending and not self._with.stop.is_set()

    def _begin(self) -> tuple[Item, ...]:
        items = self._survey()
        left = (sum(item.standing is Standing.WAITING for item in items), outstanding_bytes(items))
        if left[0] and left != self._left:
            self._say(Report("begin", files_left=left[0], bytes_left=left[1]))
        self._left = left
        return items

    def _survey(self) -> tuple[Item, ...]:
        """What lies in the spool, and what is known of it."""
        paths = self._with.paths
        receipted = _names(paths.inbox) | _names(paths.receipts)
        rejected = _names(paths.rejected)
        present = numbers(paths.spool)
        items = []
        for number in present:
            name = inbox.receipt_name(number)
            if name in receipted:
                items.append(Item(number, 0, Standing.RECEIPTED))
                continue
            facts = self._ended(number, present)
            if facts is not None:
                standing = Standing.REFUSED if name in rejected else self._verdicts.get(number, Standing.WAITING)
                items.append(Item(number, facts.size_bytes, standing))
        return tuple(items)

    def _ended(self, number: int, present: tuple[int, ...]) -> SealedFile | None:
        """Facts of an ended file, read once; None while it is open, gone, or unreadable (SY-25)."""
        if number not in self._facts:
            try:
                found = read_ended(self._path(number), self._following(number, present))
            except FileNotFoundError:
                return None
            except (SpoolError, OSError):
                log.exception("file %d of the spool cannot be read", number)
                return None
            if found is None:
                return None
            self._facts[number] = found
        return self._facts[number]

    def _following(self, number: int, present: tuple[int, ...]) -> RecordHeader | None:
        """OPEN of the next file that has a whole one."""
        for later in present[present.index(number) + 1 :]:
            header = opening(self._path(later))
            if header is not None:
                return header
        return None

    def _path(self, number: int) -> Path:
        return self._with.paths.spool / file_name(number)

    def _carry(self, item: Item) -> None:
        """One attempt with one file; what goes wrong leads to a wait, never to an end (SY-20)."""
        file = self._facts[item.number]
        try:
            self._send(file)
        except StoppedError as stopped:
            self._say(Report("stopped", file=file.number, reason=str(stopped)))
        except FileNotFoundError:
            self._facts.pop(file.number, None)
        except RefusedError as refused:
            self._refused(file, refused)
        except (LinkError, OSError) as error:
            self._wait(str(error), 0)
        else:
            self._failures = 0
            self._refusals.pop(file.number, None)

    def _send(self, file: SealedFile) -> None:
        client = self._with.client
        standing = None if file.number in self._declare_again else client.head(file)
        if standing is None or standing.size_bytes != file.size_bytes:
            client.create(file)
            self._declare_again.discard(file.number)
            standing = client.head(file)
        if standing is None:
            raise LinkError("the store forgot an upload that it had just created")
        if not standing.receipted:
            client.append(file, standing.offset_bytes, self._may_send, lambda offset: self._sent(file, offset))
        self._fetch_receipt(file)

    def _fetch_receipt(self, file: SealedFile) -> None:
        data = self._with.client.receipt(file)
        if data is None:
            raise LinkError(f"the store has no receipt for file {file.number} yet")
        try:
            receipt = verify_receipt(data, self._with.store_key)
        except SealingError as error:
            raise LinkError(f"what came as receipt for file {file.number} is none: {error}") from error
        if (receipt.device_id, receipt.file_id) != (self._with.device_id, file.file_id):
            raise LinkError(f"the receipt for file {file.number} is for another file")
        inbox.put(self._with.paths.inbox, file.number, data)
        self._say(Report("receipted", file=file.number, size_bytes=file.size_bytes))

    def _sent(self, file: SealedFile, offset: int) -> None:
        self._say(Report("sending", file=file.number, offset_bytes=offset, size_bytes=file.size_bytes))

    def _refused(self, file: SealedFile, refused: RefusedError) -> None:
        action = action_for(refused.status, refused.code)
        if action is Action.PARKED:
            self._leave(file, Standing.PARKED, "parked", refused)
            return
        if action is Action.DECLARE_AGAIN:
            self._declare_again.add(file.number)
        if action is Action.COUNT:
            self._refusals[file.number] = self._refusals.get(file.number, 0) + 1
            if self._refusals[file.number] >= REFUSALS_BEFORE_LEAVING:
                self._leave(file, Standing.REFUSED, "left", refused)
                return
        self._wait(str(refused), refused.retry_after_seconds)

    def _leave(self, file: SealedFile, standing: Standing, event: str, refused: RefusedError) -> None:
        log.error("file %d: %s", file.number, refused)
        self._verdicts[file.number] = standing
        self._say(Report(event, file=file.number, size_bytes=file.size_bytes, reason=str(refused)))

    def _wait(self, reason: str, retry_after_seconds: int) -> None:
        self._failures += 1
        delay = self._with.backoff.delay_seconds(self._failures, self._with.draw(), float(retry_after_seconds))
        self._say(Report("waiting", seconds=round(delay, 3), reason=reason))
        log.info("waiting %.1f s after %d failures: %s", delay, self._failures, reason)
        failures = self._failures
        while delay > 0 and self._may_send() and self._failures == failures:
            self._with.clock.wait(self._with.stop, min(delay, POLL_SECONDS))
            delay -= POLL_SECONDS

    def _say(self, report: Report) -> None:
        self._with.reporter.report(report)


def _names(directory: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(directory))  # noqa: PTH208 - names alone
    except FileNotFoundError:
        return frozenset()
