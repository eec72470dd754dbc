"""What units said of themselves last (SY-53), and how the fleet stands by it.

Rules of this module: SQLAlchemy Core, one transaction for each call, on the ledger's database. A presence is a unit's
word on its link, proves nothing, and decides nothing: promises and due times never look here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from sync.presence import Link, Presence, decode_presence, encode_presence, link_of
from sync.store.ports import PromiseLedger
from sync.store.schema import contacts, presences

log = logging.getLogger(__name__)

_LEAST_NS: Final = 2 * 1_000_000_000
"""A unit that says more than this lets its store write gets the rest written with its next word."""


@dataclass(frozen=True, slots=True)
class Told:
    """The last word of a unit."""

    presence: Presence
    """The last that was more than «gone»."""
    online: bool | None
    """What was said last of its line; None: it never had one that is kept open."""
    told_utc_ns: int
    changed_utc_ns: int | None
    """Since when its line has been up or down."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one unit stands."""

    device_id: str
    link: Link
    told: Told | None
    """None where it never said anything of itself."""
    heard_utc_ns: int | None

    @property
    def in_trouble(self) -> bool:
        """Whether somebody should look after it: no word, something late, no room, or checks that failed."""
        said = None if self.told is None else self.told.presence
        if self.link in {Link.SILENT, Link.LOST} or said is None:
            return self.link in {Link.SILENT, Link.LOST}
        return bool(said.overdue or said.writable is False or said.unhealthy or said.verdict not in {None, "pass"})


class Presences:
    """Keeps and reads the last words.

    Args:
        ledger: Whose database it uses.
    """

    def __init__(self, ledger: PromiseLedger) -> None:
        self._ledger = ledger

    def tell(self, device_id: str, presence: Presence, now_utc_ns: int) -> None:
        """Keep what a unit said, or its broker of it. The unit is one that was let in.

        Args:
            device_id: The unit.
            presence: What was said. Without a connection it came by a question, and says nothing of a line.
            now_utc_ns: The store's time.
        """
        before = self._read(device_id).get(device_id)
        after = _after(before, presence, now_utc_ns)
        if after is None:
            return
        row = {
            "device_id": device_id,
            "online": after.online,
            "body": encode_presence(after.presence),
            "told_utc_ns": after.told_utc_ns,
            "changed_utc_ns": after.changed_utc_ns,
        }
        try:
            self._write(row)
        except sa.exc.IntegrityError as error:
            log.info("another process of the store wrote the first word of %s: %s", device_id, error.orig)

    def told(self) -> Mapping[str, Told]:
        """The last word of every unit that ever said one."""
        return self._read()

    def fleet(self, now_utc_ns: int, silent_ns: int) -> tuple[Standing, ...]:
        """How every enrolled unit stands that is not revoked, by id."""
        told = self._read()
        with self._ledger.transaction() as connection:
            heard = {row[0]: row[1] for row in connection.execute(sa.select(contacts))}
        found = []
        for unit in self._ledger.units():
            if unit.revoked:
                continue
            word, contact = told.get(unit.device_id), heard.get(unit.device_id)
            online, told_ns = (None, None) if word is None else (word.online, word.told_utc_ns)
            link = link_of(online, told_ns, contact or unit.enrolled_utc_ns, now_utc_ns, silent_ns)
            found.append(Standing(unit.device_id, link, word, contact))
        return tuple(found)

    def _write(self, row: Mapping[str, object]) -> None:
        with self._ledger.transaction() as connection:
            changed = sa.update(presences).where(presences.c.device_id == row["device_id"]).values(row)
            if connection.execute(changed).rowcount == 0:
                connection.execute(sa.insert(presences).values(row))

    def _read(self, device_id: str | None = None) -> dict[str, Told]:
        wanted = sa.select(presences)
        if device_id is not None:
            wanted = wanted.where(presences.c.device_id == device_id)
        with self._ledger.transaction() as connection:
            rows = connection.execute(wanted).mappings().all()
        return {
            row["device_id"]: Told(
                decode_presence(row["body"]), row["online"], row["told_utc_ns"], row["changed_utc_ns"]
            )
            for row in rows
        }


def _after(before: Told | None, said: Presence, now_utc_ns: int) -> Told | None:
    """What is known of a unit after its word; None: what was known stays."""
    online = None if before is None else before.online
    if said.connection is None:
        # A question over HTTP: the last connection, if there was one, is as it was.
        since = None if before is None else before.changed_utc_ns
        named = None if before is None else before.presence.connection
        return Told(said.model_copy(update={"connection": named}), online, now_utc_ns, since)
    if not said.online:
        if before is None or before.presence.connection != said.connection or not before.online:
            return None
        return Told(before.presence, online=False, told_utc_ns=before.told_utc_ns, changed_utc_ns=now_utc_ns)
    if before is None or not before.online or before.presence.connection != said.connection:
        return Told(said, online=True, told_utc_ns=now_utc_ns, changed_utc_ns=now_utc_ns)
    if before.presence == said or 0 <= now_utc_ns - before.told_utc_ns < _LEAST_NS:
        return None
    return Told(said, online=True, told_utc_ns=now_utc_ns, changed_utc_ns=before.changed_utc_ns)
