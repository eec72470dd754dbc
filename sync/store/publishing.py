"""What the agency hands down to its units: signed documents, the newest of each kind (SY-40).

Rules of this module: one transaction for each call, on the ledger's database. A document is verified before it is kept;
what it means is the unit's matter, save that a profile's rules are the store's, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from sealing.agency_document import KIND_POLICY, KIND_PROFILE, AgencyDocument, verify_document
from sealing.errors import DocumentError
from sync.errors import ContentError
from sync.store.ports import PromiseLedger
from sync.store.register import Register
from sync.store.schema import documents
from sync.wire import DOCUMENT_KINDS

_CODE: Final = "document"


@dataclass(frozen=True, slots=True)
class Edition:
    """Which document: what it takes to tell it from every other one."""

    kind: str
    number: int
    digest: bytes
    """SHA-256 of it."""


@dataclass(frozen=True, slots=True)
class Published:
    """One document, as units get it."""

    kind: str
    number: int
    digest: bytes
    """SHA-256 of it."""
    content: bytes
    published_utc_ns: int


class Publishing:
    """Keeps and gives out the agency's documents.

    Args:
        ledger: Whose database it uses.
    """

    def __init__(self, ledger: PromiseLedger) -> None:
        self._ledger = ledger

    def publish(self, content: bytes, agency_ca_ders: Sequence[bytes], now_utc_ns: int) -> Published:
        """Take a document in; the same one again changes nothing.

        Args:
            content: As the agency signed it.
            agency_ca_ders: The agency's CA certificates.
            now_utc_ns: The store's civil time.

        Raises:
            ContentError: The agency did not sign it, its kind is none that units take, or it is older than what
                units have already.
            ConfigurationError: It is a profile whose rules cannot be read.
        """
        document = _verified(content, agency_ca_ders)
        if document.kind == KIND_PROFILE:
            Register(self._ledger).add_profile(document.payload, now_utc_ns)
        made = Published(document.kind, document.number, document.digest, content, now_utc_ns)
        with self._ledger.transaction() as connection:
            known = _newest(connection, document.kind)
            if known is not None and known.digest == made.digest:
                return known
            if known is not None and known.number >= made.number:
                detail = (
                    f"«{made.kind}» number {made.number}: units have number {known.number} already; give a higher one"
                )
                raise ContentError(_CODE, detail)
            connection.execute(sa.insert(documents).values(**_row(made)))
        return made

    def newest(self, kind: str) -> Published | None:
        """The document of a kind that units are to have; None when there is none."""
        with self._ledger.transaction() as connection:
            return _newest(connection, kind)

    def newest_edition(self, kind: str) -> Edition | None:
        """Which document of a kind units are to have, without reading it; None when there is none."""
        columns = (documents.c.kind, documents.c.number, documents.c.digest)
        with self._ledger.transaction() as connection:
            row = connection.execute(_newest_of(kind, *columns)).first()
        return None if row is None else Edition(*row)

    def content(self, edition: Edition) -> bytes:
        """A document as the agency signed it; none is ever taken away."""
        wanted = sa.select(documents.c.content).where(
            documents.c.kind == edition.kind, documents.c.number == edition.number
        )
        with self._ledger.transaction() as connection:
            return bytes(connection.execute(wanted).scalar_one())


def _verified(content: bytes, agency_ca_ders: Sequence[bytes]) -> AgencyDocument:
    problems: list[str] = []
    for kind in DOCUMENT_KINDS:
        try:
            return verify_document(content, kind, agency_ca_ders)
        except DocumentError as error:
            problems.append(str(error))
    wanted = f"{KIND_PROFILE} or {KIND_POLICY}"
    raise ContentError(_CODE, f"not a {wanted} that the agency signed: {problems[0]}")


def _newest(connection: sa.Connection, kind: str) -> Published | None:
    row = connection.execute(_newest_of(kind, *documents.c)).mappings().first()
    return None if row is None else Published(**{str(key): value for key, value in row.items()})


def _newest_of(kind: str, *columns: sa.Column[Any]) -> sa.Select[Any]:
    return sa.select(*columns).where(documents.c.kind == kind).order_by(documents.c.number.desc()).limit(1)


def _row(made: Published) -> dict[str, object]:
    return {
        "kind": made.kind,
        "number": made.number,
        "digest": made.digest,
        "content": made.content,
        "published_utc_ns": made.published_utc_ns,
    }
