"""What is still to be handed over, and by when, as the unit itself can tell (R20).

Rules of this module: reads the spool as sync does and asks the same pure function; the store's reckoning governs where
the two differ. One thread at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.profile import LoadedProfile
from sync.deadlines import Due, DueKind
from sync.errors import SyncError
from sync.labels import LabelsOwed, labels_owed
from sync.profile import LabelField
from sync.rules import Rules, rules_of_profile
from sync.sessions import Session, due_by_session
from sync.unit.chronicle import Chronicle

log = logging.getLogger(__name__)

FILES_MAX = 20
"""Files read by one look: half a second of a small board. Hours of recording are read while they are made, and what a
start finds in the spool is read by and by; who looks has a heartbeat to keep."""


@dataclass(frozen=True, slots=True)
class LabelWords:
    """One label of the profile."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class DueStanding:
    """What the unit owes its store."""

    sessions: int = 0
    """Recordings that have ended and of which something has no receipt."""
    due_utc_ns: int | None = None
    """Earliest due time of them; None when nothing is due yet."""
    awaiting_return: int = 0
    """Of these, recordings whose later limit was claimed and runs from the return to the dock."""
    refused_claims: int = 0
    """Of these, recordings for which a reason was claimed that the text does not have: the normal limit runs."""
    confirmed: bool = True
    """False: working days were counted in a year whose calendar the profile does not name."""
    labels_missing: tuple[LabelWords, ...] = ()
    """What some of them lack of the profile's labels (R22), in its order."""
    labels_due_utc_ns: int | None = None
    """Earliest time by which they have to be given; None: no limit, or nothing is due yet."""
    unread_files: int = 0
    """Files that lie in the spool and were not read yet: what they owe is not counted."""

    def overdue_at(self, now_utc_ns: int) -> bool:
        """Whether something should have been handed over before now."""
        return self.due_utc_ns is not None and now_utc_ns > self.due_utc_ns


def rules_by_hash(loaded: LoadedProfile) -> dict[bytes, Rules]:
    """The rules of the profile in force, by its hash: of recordings under an earlier one the time is not known."""
    return {loaded.hash: rules_of_profile(loaded.content)}


class DueBook:
    """Keeps count of what is owed.

    Args:
        spool: Where the sealed files lie.
        rules: By the hash of their profile.
        receipted: Numbers of the files that have their receipt.
    """

    def __init__(self, spool: Path, rules: dict[bytes, Rules], receipted: Callable[[], frozenset[int]]) -> None:
        self._chronicle = Chronicle(spool)
        self._rules = rules
        self._receipted = receipted
        self._complained = False
        self.standing = DueStanding()
        """As of the last look; any thread may read it."""

    def look(self, *, recording: bool = False) -> DueStanding:
        """Read what is new, `FILES_MAX` files at most, and count again.

        A spool that cannot be read leaves the count of before, and is said.

        Args:
            recording: The newest file is being written, and left alone.
        """
        try:
            self._chronicle.look(self._receipted(), files_max=FILES_MAX, newest_too=not recording)
        except (SyncError, OSError) as error:
            if not self._complained:
                log.warning("what is owed cannot be counted: %s; the store's reckoning governs", error)
            self._complained = True
            return self.standing
        self._complained = False
        sessions = self._chronicle.log().sessions()
        ended = {session.session_id for session in sessions if session.ended_utc_ns is not None}
        found = [due for session, due in due_by_session(sessions, self._rules).items() if session in ended]
        standing = _standing(len(ended), found, self._chronicle.behind)
        self.standing = _with_labels(standing, self._labels_owed(sessions))
        return self.standing

    def _labels_owed(self, sessions: Sequence[Session]) -> list[LabelsOwed]:
        """R22: what ended recordings lack, by the same reckoning as the store's."""
        return [
            labels_owed(session, sessions, self._rules[told.profile_hash])
            for session in sessions
            if (told := session.circumstances) is not None
            and session.ended_utc_ns is not None
            and told.profile_hash in self._rules
        ]


def label_words(fields: Iterable[LabelField]) -> tuple[LabelWords, ...]:
    """Labels of a profile as they are shown and said; each once."""
    return tuple(dict.fromkeys(LabelWords(one.code, one.zh, one.en) for one in fields))


def _with_labels(standing: DueStanding, owed: Sequence[LabelsOwed]) -> DueStanding:
    times = [one.due_utc_ns for one in owed if one.due_utc_ns is not None]
    missing = label_words(field for one in owed for field in one.fields)
    return replace(standing, labels_missing=missing, labels_due_utc_ns=min(times, default=None))


def _standing(sessions: int, found: list[Due], unread_files: int) -> DueStanding:
    times = [due.due_utc_ns for due in found if due.due_utc_ns is not None]
    return DueStanding(
        sessions=sessions,
        due_utc_ns=min(times, default=None),
        awaiting_return=sum(due.kind is DueKind.AWAITING_RETURN for due in found),
        refused_claims=sum(due.exception_refused for due in found),
        confirmed=all(due.confirmed for due in found),
        unread_files=unread_files,
    )
