"""The unit's sync loop: from the spool's files and one question to the store, to receipts in the inbox.

Rules of this module: one file at a time; nothing but memory of this run is kept, everything durable is the file, the
store's offset, and the receipt. Time, chance and the line are handed in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from hal.ports import Clock, Signal
from sealing.cose import PublicKey
from sync import inbox
from sync.backoff import Backoff
from sync.errors import ConfigurationError
from sync.queue import Item, Standing, must_hurry, next_item, outstanding_bytes
from sync.rules import Radio, Rules, read_rules
from sync.secrecy import Cargo, Line, may_leave
from sync.sessions import due_by_session
from sync.unit.chronicle import Chronicle
from sync.unit.client import LinkError, RefusedError, StoppedError
from sync.unit.config import SyncPaths
from sync.unit.documents import fetch_documents
from sync.unit.herald import Herald
from sync.unit.link import LinkState, read_link
from sync.unit.log_watch import has_contradiction, watch_log
from sync.unit.outcome import REFUSALS_BEFORE_LEAVING, Action, action_for
from sync.unit.presence_line import PresenceLine
from sync.unit.promises import checked_receipt
from sync.unit.reports import Report, Reporter
from sync.unit.roll_call import Holding, ask_store, lost_receipts
from sync.unit.spool import SealedFile, names_in
from sync.unit.transport import Transport
from sync.unit.wrong_clock import fetch_time, is_about_dates

log = logging.getLogger(__name__)

_NOT_TAKEN: Final = frozenset({Standing.PARKED, Standing.REFUSED, Standing.WITHHELD})
POLL_SECONDS: Final = 1.0
WITHHELD_SECONDS: Final = 60.0
"""How often a file that its label keeps off the line is tried over the line that there is then."""


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
    client: Transport
    store_key: PublicKey
    """The store's receipt key."""
    clock: Clock
    stop: Signal
    draw: Callable[[], float]
    """A fresh random number from 0 to 1."""
    reporter: Reporter
    backoff: Backoff = field(default_factory=Backoff)
    alerts_client: Transport | None = None
    """A second connection, for alerts and heads; None: none are told."""
    undated_client: Transport | None = None
    """Asks for the store's time where a certificate's dates fail; None: nobody asks."""
    presence: PresenceLine | None = None
    """Where the unit's presence is said, beside the alerts; None: nowhere."""


class Courier:
    """Carries sealed files to the store.

    Args:
        surroundings: What it works with.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._with = surroundings
        self._chronicle = Chronicle(surroundings.paths.spool)
        self._rules: Rules | None = None
        self._herald = None if surroundings.alerts_client is None else _herald(surroundings, surroundings.alerts_client)
        self._told_ns = 0
        self._due: dict[int, int] = {}
        self._first: frozenset[int] = frozenset()
        self._ask = True
        self._withheld_ns = surroundings.clock.boottime_ns()
        self._verdicts: dict[int, Standing] = {}
        self._refusals: dict[int, int] = {}
        self._declare_again: set[int] = set()
        self._failures = 0
        self._link: LinkState | None = None
        self._left = (0, 0)
        self._items: tuple[Item, ...] = ()

    def run_once(self, patience_seconds: float | None = None) -> Ending:
        """Send everything that is ended now, and end.

        Args:
            patience_seconds: How long attempts may go on behind the first one; None: for ever (SY-20).
        """
        clock, has_tried = self._with.clock, False
        started_ns = clock.boottime_ns()
        while not self._with.stop.is_set():
            if not self._may_send():
                return Ending.NOT_NOW
            item = next_item(self._begin())
            self._tell()
            if item is None:
                return self._all_sent()
            if has_tried and patience_seconds is not None and clock.boottime_ns() - started_ns > patience_seconds * 1e9:
                return Ending.GAVE_UP
            self._carry(item)
            has_tried = True
        return Ending.STOPPED

    def run(self) -> Ending:
        """Send whatever ends, until told to stop."""
        said: int | None = None
        while not self._with.stop.is_set():
            may_send = self._may_send()
            items = self._begin()
            self._tell()
            item = next_item(items) if may_send else None
            if item is not None:
                said = None
                self._carry(item)
                continue
            if may_send and said != (receipted_to := self._receipted_to(items)):
                self._say(Report("idle", reason=_reason(items), receipted_to=receipted_to))
                said = receipted_to
            self._with.client.rest()
            self._with.clock.wait(self._with.stop, POLL_SECONDS)
            self._try_withheld_again()
        return Ending.STOPPED

    def _try_withheld_again(self) -> None:
        """Another line may have come; asking costs a connection, so not every second."""
        now = self._with.clock.boottime_ns()
        if now - self._withheld_ns > WITHHELD_SECONDS * 1e9:
            self._withheld_ns = now
            withheld = [number for number, one in self._verdicts.items() if one is Standing.WITHHELD]
            for number in withheld:
                del self._verdicts[number]

    def _all_sent(self) -> Ending:
        items = self._survey()
        reason = _reason(items)
        self._say(Report("done", reason=reason, receipted_to=self._receipted_to(items)))
        return Ending.ALL_RECEIPTED if reason is None else Ending.SOME_REFUSED

    def _receipted_to(self, items: tuple[Item, ...]) -> int:
        """SY-38: the file before the first without receipt, the open one included; none where trust ended (SY-43)."""
        if has_contradiction(self._with.paths):
            return 0
        receipted = {item.number for item in items if item.standing is Standing.RECEIPTED}
        present = self._chronicle.present
        first_without = min((number for number in present if number not in receipted), default=None)
        return max(present, default=0) if first_without is None else first_without - 1

    def _may_send(self) -> bool:
        """SY-26. A new docking gives refused files and the waiting time a fresh start."""
        link = read_link(self._with.paths.link_state)
        if link.docked and self._link is not None and not self._link.docked:
            self._verdicts.clear()
            self._refusals.clear()
            self._failures = 0
            self._ask = True
        self._link = link
        return link.open_for_sending and not self._with.stop.is_set()

    def _tell(self) -> None:
        """Alerts and heads, over any line, docked or not."""
        if self._herald is not None:
            self._told_ns = self._with.clock.boottime_ns()
            self._herald.tend(self._chronicle, self._rules)

    def _begin(self) -> tuple[Item, ...]:
        items = self._survey()
        if self._ask and self._link is not None and self._link.open_for_sending:
            self._ask = not self._ask_store(items)
            items = self._survey()
        left = (sum(item.standing is Standing.WAITING for item in items), outstanding_bytes(items))
        if self._link is not None and self._link.open_for_sending and left[0] and left != self._left:
            self._say(Report("begin", files_left=left[0], bytes_left=left[1]))
        self._left, self._items = left, items
        return items

    def _survey(self) -> tuple[Item, ...]:
        """What lies in the spool, what is known of it, and by when it has to be handed over."""
        paths = self._with.paths
        names = names_in(paths.inbox) | names_in(paths.receipts)
        receipted = frozenset(inbox.file_number_of(name) for name in names if inbox.is_receipt(name))
        rejected = names_in(paths.rejected)
        present = self._chronicle.look(receipted)
        self._rules = self._read_rules()
        self._due = due = self._due_times()
        items = []
        for number in present:
            if number in receipted:
                items.append(Item(number, 0, Standing.RECEIPTED))
                continue
            facts = self._chronicle.ended(number)
            if facts is not None:
                refused = inbox.receipt_name(number) in rejected
                standing = Standing.REFUSED if refused else self._verdicts.get(number, Standing.WAITING)
                first = number in self._first
                items.append(Item(number, facts.size_bytes, standing, first, due.get(number)))
        return tuple(items)

    def _ask_store(self, items: tuple[Item, ...]) -> bool:
        """SY-34; says whether it is settled. A line that is down is no reason to wait here: sending will find out."""
        waiting = [item.number for item in items if item.standing is not Standing.RECEIPTED]
        holdings = [
            Holding(file, self._chronicle.circumstances(number), self._due.get(number))
            for number in waiting
            if (file := self._chronicle.ended(number)) is not None
        ]
        radio = Radio() if self._rules is None else self._rules.radio
        found = ask_store(self._with.client, holdings, radio, self._with.paths.status)
        if found is None:
            return False
        self._say(Report("answered"))
        contradiction = watch_log(self._with.client, self._with.paths, self._with.store_key)
        if contradiction is not None:
            self._say(Report("store-contradicts-itself", reason=contradiction))
        for kind in fetch_documents(self._with.client, self._with.paths):
            self._say(Report("document", reason=kind))
        self._first = found.first
        for number, reason in found.parked.items():
            self._verdicts.setdefault(number, Standing.PARKED)
            self._say(Report("parked", file=number, reason=reason))
        lost = lost_receipts(found, self._with.paths.inbox, self._with.paths.receipts)
        if lost is not None:
            self._say(Report("store-lost-receipts", reason=lost))
        return True

    def _due_times(self) -> dict[int, int]:
        """By file number: the earliest due time of the recordings that the file belongs to or tells of (SY-21)."""
        if self._rules is None:
            return {}
        rules = {bytes.fromhex(self._rules.profile_sha256): self._rules}
        due = due_by_session(self._chronicle.log().sessions(), rules)
        found: dict[int, int] = {}
        for note in self._chronicle.notes():
            for session_id in (note.circumstances.session_id, getattr(note.header.body, "session_id", None)):
                time = due[session_id].due_utc_ns if session_id in due else None
                if time is not None:
                    found[note.file_number] = min(time, found.get(note.file_number, time))
        return found

    def _read_rules(self) -> Rules | None:
        try:
            return read_rules(self._with.paths.rules)
        except ConfigurationError:
            log.exception("the profile's rules are not obeyed until they can be read")
            return self._rules

    def _carry(self, item: Item) -> None:
        """One attempt with one file; what goes wrong leads to a wait, never to an end (SY-20)."""
        client, now_utc_ns = self._with.client, self._with.clock.read().utc_ns
        client.hurry(must_hurry(self._items, now_utc_ns, client.rate_bytes_per_second))
        file = self._chronicle.ended(item.number)
        if file is None:
            return
        try:
            self._send(file)
        except StoppedError as stopped:
            self._say(Report("stopped", file=file.number, reason=str(stopped)))
        except FileNotFoundError:
            self._chronicle.forget(file.number)
        except RefusedError as refused:
            self._refused(file, refused)
        except (LinkError, OSError) as error:
            self._ask_time(error)
            self._wait(str(error), 0)
        else:
            self._failures = 0
            self._refusals.pop(file.number, None)

    def _ask_time(self, error: Exception) -> None:
        """SY-35: where dates alone stand between unit and store, the unit's clock may be the one that is wrong."""
        client = self._with.undated_client
        if client is not None and is_about_dates(error):
            token = fetch_time(client, self._with.store_key, self._with.device_id, self._with.paths.inbox)
            if token is not None:
                self._say(Report("time", reason="the clock may be wrong; the store's time lies in the inbox"))

    def _send(self, file: SealedFile) -> None:
        client = self._with.client
        if not self._may_leave(file, client.line()):
            self._verdicts[file.number] = Standing.WITHHELD
            self._say(Report("withheld", file=file.number, size_bytes=file.size_bytes, reason="secrecy label"))
            return
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

    def _may_leave(self, file: SealedFile, line: Line) -> bool:
        """SY-37, R16: a session bound to the wire waits for the wire."""
        found = self._chronicle.circumstances(file.number)
        if found is None or self._rules is None:
            return True
        return may_leave(Cargo.FILES, found.label, line, self._rules.radio)

    def _fetch_receipt(self, file: SealedFile) -> None:
        data = self._with.client.receipt(file)
        if data is None:
            raise LinkError(f"the store has no receipt for file {file.number} yet")
        receipt, inclusion = checked_receipt(data, file, self._with.device_id, self._with.store_key)
        inbox.put(self._with.paths.inbox, file.number, receipt, inclusion)
        self._say(Report("receipted", file=file.number, size_bytes=file.size_bytes))

    def _sent(self, file: SealedFile, offset: int) -> None:
        """An alert does not wait for the end of a file."""
        if self._with.clock.boottime_ns() - self._told_ns > POLL_SECONDS * 1e9:
            self._survey()
            self._tell()
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
            # An alert does not wait for the line that files go over (SY-33).
            self._survey()
            self._tell()

    def _say(self, report: Report) -> None:
        self._with.reporter.report(report)


def _herald(surroundings: Surroundings, client: Transport) -> Herald:
    return Herald(
        client=client,
        inbox=surroundings.paths.inbox,
        device_id=surroundings.device_id,
        store_key=surroundings.store_key,
        clock=surroundings.clock,
        draw=surroundings.draw,
        reporter=surroundings.reporter,
        presence=surroundings.presence,
        backoff=surroundings.backoff,
    )


def _reason(items: tuple[Item, ...]) -> str | None:
    """Why not everything that is ended has its receipt; None when it has."""
    return "some files were refused" if any(item.standing in _NOT_TAKEN for item in items) else None
