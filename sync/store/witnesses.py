"""The store's answers about single records and about time: heads, alerts, time tokens.

Rules of this module: blocking; judges what a unit tells, keeps it, then signs. What comes without a signature of the
unit's own is kept as what it is: told over the unit's link, not proved.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from sealing import framing
from sealing.errors import SealingError
from sealing.framing import RecordHeader
from sealing.records import Open
from sealing.suites import suite
from sync.alerts import AlertKind, alert_of
from sync.errors import ContentError, WireError
from sync.store.intake import Intake
from sync.store.judge import Judge
from sync.store.register import Register, Seen
from sync.wire import RecordReport, decode_cose
from sync.witness import Statement, TimeToken, Witnessed, sign_statement, sign_time

log = logging.getLogger(__name__)


class Witnesses:
    """Witnesses records for units.

    Args:
        intake: Knows the units and holds the receipt key.
        register: Where it is kept.
    """

    def __init__(self, intake: Intake, register: Register) -> None:
        self._intake = intake
        self._register = register

    def witness(self, device_id: str, seen_as: Witnessed, report: RecordReport) -> bytes:
        """Take a head or an alert (SY-31, SY-33).

        Returns:
            The store's statement, durable; the same bytes when it is told again (SY-32).

        Raises:
            WireError: What it claims is not what the record says.
            ContentError: The record does not verify.
        """
        if (report.kind is None) is (seen_as is Witnessed.ALERT):
            raise WireError("an alert names its kind, a head has none")
        record_hash = bytes.fromhex(report.record_hash)
        before = self._register.seen(device_id, seen_as, report.sequence, record_hash)
        if before is not None:
            return before.statement
        header = self._proved(device_id, report)
        if header is not None and seen_as is Witnessed.ALERT and not _bears(header, report.kind):
            raise WireError(f"record {report.sequence} is a {header.type.name} and no alert of kind {report.kind}")
        seen = self._signed(device_id, seen_as, report, proved=header is not None)
        kept = self._register.witness(seen)
        if seen_as is Witnessed.ALERT:
            log.warning("alert %s of unit %s, record %d", report.kind, device_id, report.sequence)
        self._sound_forks(device_id)
        return kept.statement

    def time(self, device_id: str, nonce: bytes) -> bytes:
        """Say what time it is (SY-35)."""
        signer = self._intake.signer
        token = TimeToken(signer.store_id, device_id, self._intake.now_utc_ns(), nonce)
        return sign_time(token, signer.key_id, signer.signature)

    def _signed(self, device_id: str, seen_as: Witnessed, report: RecordReport, *, proved: bool) -> Seen:
        signer, now = self._intake.signer, self._intake.now_utc_ns()
        record_hash = bytes.fromhex(report.record_hash)
        statement = Statement(signer.store_id, device_id, seen_as, report.sequence, record_hash, now)
        return Seen(
            device_id=device_id,
            seen_as=seen_as,
            sequence=report.sequence,
            record_hash=record_hash,
            kind=report.kind,
            proved=proved,
            record=None if report.record is None else decode_cose(report.record),
            opening=None if report.opening is None else decode_cose(report.opening),
            received_utc_ns=now,
            statement=sign_statement(statement, signer.key_id, signer.signature),
        )

    def _proved(self, device_id: str, report: RecordReport) -> RecordHeader | None:
        """Check the record that was told; None when none came, or when its file's OPEN does not tell its epoch."""
        if report.record is None or report.opening is None:
            return None
        try:
            return self._verified(device_id, report, decode_cose(report.record), decode_cose(report.opening))
        except ContentError as error:
            if error.code == "epoch":
                return None
            raise
        except SealingError as error:
            raise ContentError("signature", f"record {report.sequence}: {error}") from error

    def _verified(self, device_id: str, report: RecordReport, record: bytes, opening: bytes) -> RecordHeader:
        carrier, opened = framing.open_header(opening)
        if not isinstance(opened.body, Open):
            raise ContentError("sequence", f"a {opened.type.name} came as OPEN")
        used = suite(opened.body.suite)
        # Alone, without what other files say: a twin's record has to verify, to be proof of the fork.
        judge = Judge(replace(self._intake.known(device_id), epochs={}, heads={}))
        judge.record(carrier, opened, used.digest(opening))
        message, header = framing.open_header(record)
        judge.check_alone(message, header)
        if (header.sequence, used.digest(record).hex()) != (report.sequence, report.record_hash):
            raise WireError(f"the record is {header.sequence}, not {report.sequence}, or has another hash")
        return header

    def _sound_forks(self, device_id: str) -> None:
        for fork in self._register.forks(device_id):
            log.critical("unit %s has two records %d: its chain was forked", device_id, fork.sequence)


def _bears(header: RecordHeader, kind: str | None) -> bool:
    return kind == AlertKind.WITHHELD or kind == alert_of(header.body, None)
