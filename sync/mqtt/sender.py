"""The unit's end of an upload over MQTT: go-back-N by offset, within the store's window (PROTOCOL.md, section 9).

Rules of this module: pure; time is handed in. It says what to send next and takes what was heard; nothing is believed
to have arrived but what the store says, so that a broker may lose, repeat or delay whatever it likes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync.mqtt.bodies import CHUNK_BYTES, UploadStanding

STILL_NS: Final = 2_000_000_000
"""Without progress for so long, the store is asked where it is."""
PATIENCE_NS: Final = 20_000_000_000
"""Without progress for so long, the line is given up."""


@dataclass(frozen=True, slots=True)
class Init:
    """Ask where the store is."""

    round: int
    """Goes with the message and comes back with what answers it: an older round's answers say nothing."""
    worker: str | None
    """Who had the bytes until now; None: nobody, or one that does not answer."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Send bytes."""

    worker: str
    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Fin:
    """Say that every byte was sent."""

    round: int
    worker: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send before something is heard, or this time has come."""

    until_ns: int


@dataclass(frozen=True, slots=True)
class Done:
    """The store has promised the file."""

    standing: UploadStanding


@dataclass(frozen=True, slots=True)
class Lost:
    """The line, or the store behind it, does not answer."""


Step = Init | Chunk | Fin | Wait | Done | Lost


class Sender:
    """One file on its way over one connection.

    Args:
        size_bytes: Length of the file.
        now_ns: Monotonic time.
        first_round: Number of the first round; rounds of a connection are never used again.
        chunk_bytes: Most in one message.
        worker: Who had bytes of the file before, over another connection; None: nobody.
    """

    def __init__(
        self,
        size_bytes: int,
        now_ns: int,
        first_round: int = 1,
        chunk_bytes: int = CHUNK_BYTES,
        worker: str | None = None,
    ) -> None:
        self._size = size_bytes
        self._chunk_bytes = chunk_bytes
        self._moved_ns = self._heard_ns = now_ns
        self._asked_ns: int | None = None
        self._answered = False
        self._fin_sent = False
        self._standing: UploadStanding | None = None
        self._unanswered = 0
        self._worker = worker
        self.round = first_round
        """The present round."""
        self.acknowledged = 0
        """What the store is known to have."""
        self.sent = 0
        """Where sending goes on."""

    @property
    def standing(self) -> UploadStanding | None:
        """What the store said in this round; None before it answered."""
        return self._standing if self._answered else None

    def next(self, now_ns: int) -> Step:
        """Say what to do next; what it names counts as done."""
        if self._standing is not None and self._standing.state == "receipted":
            return Done(self._standing)
        if now_ns - self._heard_ns >= PATIENCE_NS and now_ns - self._moved_ns >= STILL_NS:
            return Lost()
        standing = self.standing
        if standing is None:
            return self._ask(now_ns)
        if now_ns - self._moved_ns >= STILL_NS:
            self._begin_round()
            return self._ask(now_ns)
        return self._go_on(standing)

    def moved(self, now_ns: int) -> None:
        """The line took bytes of what was handed to it: a slow line is no dead one."""
        self._moved_ns = now_ns

    def heard(self, round_: int, standing: UploadStanding, now_ns: int, *, gap: bool = False) -> None:
        """Take what the store says of this file (SY-47).

        Args:
            round_: The round that it answers.
            standing: Where the store is.
            now_ns: Monotonic time.
            gap: The store says so because bytes came that it could not join.
        """
        if round_ != self.round or standing.size_bytes != self._size:
            return
        if standing.state == "receipted":
            self._standing = standing
            return
        if not self._answered:
            self._answer(standing, now_ns)
            return
        if standing.offset_bytes < self.acknowledged or standing.offset_bytes > self.sent:
            self._begin_round()
            return
        if standing.offset_bytes > self.acknowledged:
            self.acknowledged = standing.offset_bytes
            self._moved_ns = self._heard_ns = now_ns
        if gap:
            self.sent = standing.offset_bytes
            self._fin_sent = False

    def forgotten(self, round_: int) -> None:
        """The store does not know the upload any more (`no-upload`): ask anew."""
        if round_ == self.round and self._answered:
            self._begin_round()

    def _answer(self, standing: UploadStanding, now_ns: int) -> None:
        """Whatever was under way before `init` has arrived or is lost: go on where the store is."""
        if standing.offset_bytes > self._size:
            return
        if self._standing is None or standing.offset_bytes != self.acknowledged:
            self._heard_ns = now_ns
        self._answered, self._fin_sent, self._unanswered = True, False, 0
        self._standing = standing
        self._worker = standing.worker
        self.acknowledged = self.sent = standing.offset_bytes
        self._moved_ns = now_ns

    def _begin_round(self) -> None:
        self.round += 1
        self._answered, self._asked_ns = False, None

    def _ask(self, now_ns: int) -> Step:
        """Ask, and ask again after a while; the second time whoever hears it, for the worker may be gone (SY-48)."""
        since = None if self._asked_ns is None else max(self._asked_ns, self._moved_ns)
        if since is not None and now_ns - since < STILL_NS:
            return Wait(since + STILL_NS)
        worker = None if self._unanswered else self._worker
        self._asked_ns = now_ns
        self._unanswered += 1
        return Init(self.round, worker)

    def _go_on(self, standing: UploadStanding) -> Step:
        if self.sent == self._size:
            if not self._fin_sent:
                self._fin_sent = True
                return Fin(self.round, standing.worker)
            return Wait(self._moved_ns + STILL_NS)
        count = min(self._chunk_bytes, standing.window_bytes, self._size - self.sent)
        if self.sent + count > self.acknowledged + standing.window_bytes:
            return Wait(self._moved_ns + STILL_NS)
        self.sent += count
        return Chunk(standing.worker, self.sent - count, count)
