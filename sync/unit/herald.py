"""Tells the store of single records at once, over any line: alerts (R9, R18) and heads to be witnessed.

Rules of this module: small messages on a connection of their own, never more than one at a time; what is told and
answered is remembered for this run only, the rest lies on the disk: an alert is owed until its file has a receipt, or
its statement lies in the inbox. What fails waits, and is never given up (SY-20).
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from hal.ports import Clock
from sealing.cose import PublicKey
from sync import inbox
from sync.alerts import AlertKind, alert_of
from sync.backoff import Backoff
from sync.errors import WireError
from sync.rules import Radio, Rules
from sync.secrecy import Cargo, Line, may_leave
from sync.unit.chronicle import Chronicle, Note
from sync.unit.client import LinkError, RefusedError
from sync.unit.presence_line import PresenceLine
from sync.unit.reports import Report, Reporter
from sync.unit.transport import Transport
from sync.wire import RecordReport
from sync.witness import Witnessed, verify_statement

log = logging.getLogger(__name__)

_REFUSED_FOR_GOOD: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass
class Herald:
    """Tells and remembers what was answered."""

    client: Transport
    """A connection of its own: an alert does not wait behind a file."""
    inbox: Path
    device_id: str
    store_key: PublicKey
    clock: Clock
    draw: Callable[[], float]
    reporter: Reporter
    presence: PresenceLine | None = None
    """Where the unit's presence is said; None: nowhere."""
    backoff: Backoff = field(default_factory=Backoff)
    _told: set[tuple[int, Witnessed]] = field(default_factory=set)
    _telling: tuple[int, Witnessed] | None = None
    _failures: int = 0
    _not_before_ns: int = 0

    def tend(self, chronicle: Chronicle, rules: Rules | None) -> None:
        """Tell what is owed now; returns at once when there is nothing, or while a failure waits."""
        self.stay(rules)
        if self.clock.boottime_ns() < self._not_before_ns:
            return
        owed = [*self._alerts(chronicle, rules), *self._heads(chronicle)]
        try:
            for note, seen_as, kind in owed:
                self._tell(chronicle, note, seen_as, kind, rules)
                self._failures = 0
        except RefusedError as refused:
            self._refused(refused)
        except (LinkError, WireError, OSError) as error:
            self._wait(error)
        finally:
            if owed:
                self.client.rest()

    def stay(self, rules: Rules | None) -> None:
        """Keep the unit's presence up (SY-53)."""
        if self.presence is not None:
            self.presence.tend(Radio() if rules is None else rules.radio)

    def _alerts(self, chronicle: Chronicle, rules: Rules | None) -> list[tuple[Note, Witnessed, AlertKind | None]]:
        """SY-33."""
        return [
            (note, Witnessed.ALERT, kind)
            for note in chronicle.notes()
            if (kind := alert_of(note.header.body, rules)) is not None and not self._is_told(note, Witnessed.ALERT)
        ]

    def _heads(self, chronicle: Chronicle) -> list[tuple[Note, Witnessed, AlertKind | None]]:
        """SY-31: the newest closed footage file alone; it commits to everything before it."""
        head = chronicle.newest_head()
        return [] if head is None or self._is_told(head, Witnessed.HEAD) else [(head, Witnessed.HEAD, None)]

    def _is_told(self, note: Note, seen_as: Witnessed) -> bool:
        key = (note.header.sequence, seen_as)
        if key not in self._told and (self.inbox / inbox.statement_name(*key)).exists():
            self._told.add(key)
        return key in self._told

    def _tell(
        self, chronicle: Chronicle, note: Note, seen_as: Witnessed, kind: AlertKind | None, rules: Rules | None
    ) -> None:
        self._telling = (note.header.sequence, seen_as)
        radio = Radio() if rules is None else rules.radio
        report = _report(note, chronicle.opening(note.file_number), kind, self.client.line(), radio)
        data = self.client.report(seen_as, report)
        statement = verify_statement(data, self.store_key)
        found = (statement.device_id, statement.seen_as, statement.sequence, statement.record_hash)
        if found != (self.device_id, seen_as, note.header.sequence, note.digest):
            raise WireError(f"the store's statement speaks of {found[:3]}, not of record {note.header.sequence}")
        inbox.put_statement(self.inbox, note.header.sequence, seen_as, data)
        self._told.add((note.header.sequence, seen_as))
        self.reporter.report(Report(f"{seen_as.value}-told", file=note.file_number, reason=kind))

    def _refused(self, refused: RefusedError) -> None:
        """A refusal of what was told is not repeated in this run (SY-20); any other waits."""
        if self._telling is not None and refused.status in _REFUSED_FOR_GOOD:
            log.error("the store does not take record %d: %s", self._telling[0], refused)
            self._told.add(self._telling)
            return
        self._wait(refused)

    def _wait(self, error: Exception) -> None:
        self._failures += 1
        asked = float(error.retry_after_seconds) if isinstance(error, RefusedError) else 0.0
        delay = self.backoff.delay_seconds(self._failures, self.draw(), asked)
        self._not_before_ns = self.clock.boottime_ns() + int(delay * 1e9)
        log.info("alerts and heads wait %.1f s: %s", delay, error)


def _report(note: Note, opening: Note | None, kind: AlertKind | None, line: Line, radio: Radio) -> RecordReport:
    """Say as much as the recording's label lets leave over this line (R16)."""
    label = note.circumstances.label
    told = kind
    if kind is not None and not may_leave(Cargo.ALERTS, label, line, radio):
        told = AlertKind.WITHHELD
    bare = RecordReport(sequence=note.header.sequence, record_hash=note.digest.hex(), kind=told)
    withheld = told is AlertKind.WITHHELD or not may_leave(Cargo.HEADERS, label, line, radio)
    if withheld or opening is None:
        return bare
    record, carrier = (base64.b64encode(one.cose_bytes).decode() for one in (note, opening))
    return bare.model_copy(update={"record": record, "opening": carrier})
