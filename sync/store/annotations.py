"""Keeps what the back office states, and who may: append-only, chained, on the ledger's database (SY-60 to SY-63).

Rules of this module: SQLAlchemy Core, one transaction for each call. What may be said is `annotating`'s matter; here
every annotation gets its place, is signed there, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from sealing.certificates import spki_of
from sealing.keys import FileKeySigner
from sync.errors import ContentError, StoreError
from sync.store.annotation import (
    CODE,
    FIRST_PREVIOUS_ANNOTATION,
    Annotation,
    Operator,
    Stated,
    Subject,
    annotation_hash,
    operator_of,
    read_annotation,
    sign_annotation,
    verify_annotation,
)
from sync.store.ports import PromiseLedger
from sync.store.schema import annotation_rows, operators
from sync.store.statements import Statement, Withdrawal

_TABLE: Final = annotation_rows
_OPERATORS: Final = operators


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to state."""

    subject: Subject
    statement: Statement
    supersedes: bytes | None = None


@dataclass(frozen=True, slots=True)
class KnownOperator:
    """Somebody who may annotate, or might until he was ended."""

    operator: Operator
    since_utc_ns: int
    ended_utc_ns: int | None
    ended_why: str | None


@dataclass(frozen=True, slots=True)
class BadAnnotation:
    """An annotation that is not what it should be."""

    number: int
    device_id: str
    digest: bytes
    detail: str


class Annotations:
    """Reads and adds annotations.

    Args:
        ledger: Whose database it uses.
    """

    def __init__(self, ledger: PromiseLedger) -> None:
        self._ledger = ledger

    def add_operator(self, certificate_der: bytes, now_utc_ns: int) -> Operator:
        """Let a person annotate. Raises ContentError: the certificate names nobody."""
        operator = operator_of(certificate_der)
        row = {
            "certificate_sha256": operator.certificate_sha256,
            "name": operator.name,
            "office": operator.office,
            "certificate": certificate_der,
            "since_utc_ns": now_utc_ns,
            "ended_utc_ns": None,
            "ended_why": None,
        }
        with self._ledger.transaction() as connection:
            connection.execute(sa.insert(_OPERATORS).values(row))
        return operator

    def end_operator(self, name: str, why: str, now_utc_ns: int) -> int:
        """Let a person annotate no more; what he stated before stays. Gives how many keys that ended."""
        own = (_OPERATORS.c.name == name, _OPERATORS.c.ended_utc_ns.is_(None))
        with self._ledger.transaction() as connection:
            found = connection.execute(sa.select(sa.func.count()).select_from(_OPERATORS).where(*own)).scalar_one()
            connection.execute(sa.update(_OPERATORS).where(*own).values(ended_utc_ns=now_utc_ns, ended_why=why))
        if not found:
            raise StoreError(f"nobody named {name} may annotate; see `recorder-store operator list`")
        return int(found)

    def operators(self) -> tuple[KnownOperator, ...]:
        """Everybody who may or might annotate."""
        with self._ledger.transaction() as connection:
            rows = connection.execute(sa.select(_OPERATORS).order_by(_OPERATORS.c.since_utc_ns)).mappings().all()
        return tuple(
            KnownOperator(operator_of(row["certificate"]), row["since_utc_ns"], row["ended_utc_ns"], row["ended_why"])
            for row in rows
        )

    def operator_with(self, key: ec.EllipticCurvePrivateKey) -> Operator:
        """Find who a key belongs to. Raises StoreError: nobody's, or he may annotate no more (SY-61)."""
        public = FileKeySigner(key).public_key_der()
        for known in self.operators():
            if spki_of(x509.load_der_x509_certificate(known.operator.certificate_der)) == public:
                if known.ended_utc_ns is not None:
                    raise StoreError(f"{known.operator.name} may annotate no more: {known.ended_why}")
                return known.operator
        raise StoreError("the key is no operator's of this store; make one with `recorder-store operator add`")

    def add(self, draft: Draft, store_id: str, key: ec.EllipticCurvePrivateKey, now_utc_ns: int) -> Stated:
        """Give a draft its place, sign it there, and make it durable (SY-60).

        Raises:
            StoreError: The key may not, or somebody else annotated in the same moment.
            ContentError: It supersedes something that does not stand about the same thing.
        """
        operator = self.operator_with(key)
        try:
            with self._ledger.transaction() as connection:
                made = _placed(connection, draft, store_id, now_utc_ns)
                data = sign_annotation(made, key, operator.certificate_der)
                connection.execute(sa.insert(_TABLE).values(_row(made, data)))
        except sa.exc.IntegrityError as error:
            raise StoreError("somebody else annotated in the same moment; nothing was stated, do it again") from error
        return Stated(made, operator, annotation_hash(data))

    def all(self, subject: Subject | None = None) -> tuple[Stated, ...]:
        """What was stated, in its order; about one thing where given."""
        return tuple(read_annotation(data) for _, data in self._rows(subject))

    def check(self, agency_cas: Sequence[x509.Certificate], store_id: str) -> Iterator[BadAnnotation]:
        """Verify every annotation and both its chains (SY-62).

        Args:
            agency_cas: The agency's CA certificates.
            store_id: Whose annotations they have to be.
        """
        seen = _Seen(store_id)
        for row, data in self._rows(None):
            digest = annotation_hash(data)
            try:
                seen.take(verify_annotation(data, agency_cas), row)
            except ContentError as error:
                yield BadAnnotation(row["number"], row["device_id"], digest, error.detail)
            seen.number, seen.previous = row["number"], digest

    def _rows(self, subject: Subject | None) -> tuple[tuple[sa.RowMapping, bytes], ...]:
        found = sa.select(_TABLE).order_by(_TABLE.c.number)
        if subject is not None:
            found = found.where(*_about(subject))
        with self._ledger.transaction() as connection:
            rows = connection.execute(found).mappings().all()
        return tuple((row, bytes(row["content"])) for row in rows)


class _Seen:
    """The chains of the store and of every subject, as far as they were read."""

    def __init__(self, store_id: str) -> None:
        self._store_id = store_id
        self.number = 0
        self.previous = FIRST_PREVIOUS_ANNOTATION
        self._newest: dict[Subject, tuple[int, bytes]] = {}
        self._standing: dict[bytes, Stated] = {}

    def take(self, stated: Stated, row: sa.RowMapping) -> None:
        """Check the next one against both chains. Raises ContentError."""
        made, subject = stated.annotation, stated.annotation.subject
        number, previous = self._newest.get(subject, (0, FIRST_PREVIOUS_ANNOTATION))
        self._newest[subject] = (made.subject_number, stated.digest)
        columns = (row["number"], row["digest"], Subject(row["device_id"], row["session_id"], row["file_id"]))
        if columns != (made.number, stated.digest, subject) or made.store_id != self._store_id:
            raise ContentError(CODE, f"annotation {made.number} of {made.store_id} stands in another's row")
        if (made.number, made.previous_hash) != (self.number + 1, self.previous):
            raise ContentError(CODE, f"annotation {made.number} does not follow the one before, {self.number}")
        if (made.subject_number, made.subject_previous_hash) != (number + 1, previous):
            raise ContentError(CODE, f"it is number {made.subject_number} about its subject, behind {number}")
        check_supersedes(Draft(subject, made.statement, made.supersedes), self._standing.values())
        if made.supersedes is not None:
            self._standing.pop(made.supersedes)
        self._standing[stated.digest] = stated


def standing(stated: Iterable[Stated]) -> tuple[Stated, ...]:
    """What holds: neither superseded nor taken back, nor itself the taking back."""
    listed = list(stated)
    gone = {one.annotation.supersedes for one in listed}
    return tuple(
        one for one in listed if one.digest not in gone and not isinstance(one.annotation.statement, Withdrawal)
    )


def check_supersedes(draft: Draft, standing_now: Iterable[Stated]) -> None:
    """SY-63: only what stands about the same thing, by a statement of the same kind or by taking it back.

    Raises:
        ContentError: It does not, or a withdrawal names nothing.
    """
    if draft.supersedes is None:
        if isinstance(draft.statement, Withdrawal):
            raise ContentError(CODE, "a withdrawal names what it takes back; give its hash")
        return
    before = next((one for one in standing_now if one.digest == draft.supersedes), None)
    if before is None or before.annotation.subject != draft.subject:
        raise ContentError(
            CODE, f"{draft.supersedes.hex()} does not stand about this; see `recorder-store annotations`"
        )
    kind = before.annotation.statement.kind
    if draft.statement.kind not in {kind, "withdrawal"} or kind == "withdrawal":
        raise ContentError(CODE, f"a {draft.statement.kind} does not supersede a {kind}")


def _placed(connection: sa.Connection, draft: Draft, store_id: str, now_utc_ns: int) -> Annotation:
    newest = sa.select(_TABLE).order_by(_TABLE.c.number.desc()).limit(1)
    last = connection.execute(newest).mappings().first()
    about = connection.execute(sa.select(_TABLE).where(*_about(draft.subject)).order_by(_TABLE.c.number)).mappings()
    before = [read_annotation(bytes(row["content"])) for row in about]
    check_supersedes(draft, standing(before))
    return Annotation(
        store_id=store_id,
        number=1 if last is None else last["number"] + 1,
        previous_hash=FIRST_PREVIOUS_ANNOTATION if last is None else bytes(last["digest"]),
        subject=draft.subject,
        subject_number=len(before) + 1,
        subject_previous_hash=before[-1].digest if before else FIRST_PREVIOUS_ANNOTATION,
        statement=draft.statement,
        stated_utc_ns=now_utc_ns,
        supersedes=draft.supersedes,
    )


def _about(subject: Subject) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _TABLE.c.device_id == subject.device_id,
        _is(_TABLE.c.session_id, subject.session_id),
        _is(_TABLE.c.file_id, subject.file_id),
    )


def _is(column: sa.Column[bytes], value: bytes | None) -> sa.ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _row(made: Annotation, data: bytes) -> dict[str, object]:
    return {
        "number": made.number,
        "digest": annotation_hash(data),
        "device_id": made.subject.device_id,
        "session_id": made.subject.session_id,
        "file_id": made.subject.file_id,
        "content": data,
    }
