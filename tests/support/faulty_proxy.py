"""What proxies that break lines at random have in common: fates from a seed, and a count of what happened."""

import random
import socket
from collections import Counter
from dataclasses import dataclass

from tests.support.line_proxy import LineProxy, pieces, reset_at_close

CLEAN = "clean"


@dataclass(frozen=True)
class Fate:
    """What becomes of one direction of a connection."""

    what: str = CLEAN
    """`rst`, `fin`: it ends so. `stall`: it ends after a silence. `delay`: it goes on after one."""
    cut: int = 0
    """Byte behind which that happens."""
    flip: int | None = None
    """Byte in which one bit is turned over."""


class FaultyProxy(LineProxy):
    """Gives connections their fates, the same ones for the same seed.

    Args:
        port: Where what is behind it listens on this machine.
        seed: Of the fates.
        stall_seconds: How long a silence lasts.
    """

    def __init__(self, port: int, seed: int, stall_seconds: float = 0.0) -> None:
        super().__init__(port)
        self.rolled = random.Random(seed)
        self.happened: Counter[str] = Counter()
        self.passed_bytes = 0
        """What `carry_fated` sent on, of all connections."""
        self._stall_seconds = stall_seconds

    def refused(self) -> None:
        self.happened["refused"] += 1

    def broken(self) -> None:
        self.happened["broken"] += 1

    def carry_fated(self, source: socket.socket, target: socket.socket, fate: Fate) -> None:
        """Send on what comes, until its fate is there."""
        seen = 0
        with self.carrying(source, target):
            for data in pieces(source):
                sent = self._flipped(data, seen, fate.flip)
                if fate.what != CLEAN and seen < fate.cut <= seen + len(sent):
                    target.sendall(sent[: fate.cut - seen])
                    if self._broke(source, target, fate.what):
                        break
                    sent = sent[fate.cut - seen :]
                    seen = fate.cut
                target.sendall(sent)
                seen += len(sent)
                self.passed_bytes += len(sent)

    def _broke(self, source: socket.socket, target: socket.socket, what: str) -> bool:
        """Do what happens at the place; tells whether the connection is over."""
        if what in {"stall", "delay"}:
            self.over.wait(self._stall_seconds)
        if what == "rst":
            reset_at_close(source, target)
        return what != "delay"

    def _flipped(self, data: bytes, seen: int, flip: int | None) -> bytes:
        if flip is None or not seen <= flip < seen + len(data):
            return data
        self.happened["flip"] += 1
        changed = bytearray(data)
        changed[flip - seen] ^= 1
        return bytes(changed)
