"""A proxy between unit and store that breaks connections as real lines do, repeatably from a seed."""

import socket
from dataclasses import dataclass

from tests.support.faulty_proxy import CLEAN, Fate, FaultyProxy
from tests.support.line_proxy import pieces


@dataclass(frozen=True)
class Chaos:
    """How often a connection is broken, and where."""

    clean: float = 0.1
    """Share of connections that nothing is done to."""
    flip: float = 0.08
    """Share of connections in which one bit is turned over."""
    lost_answer: float = 0.1
    """Share of connections that end instead of the first 204."""
    longest_bytes: int = 1_500_000
    """A connection breaks at a random byte up to here."""
    stall_seconds: float = 1.2
    """A stalled connection is silent for so long before it ends."""


class ChaosProxy(FaultyProxy):
    """Every connection gets its own fate.

    Args:
        port: The store's port on this machine.
        seed: Of the fates.
        chaos: Their shares.
    """

    def __init__(self, port: int, seed: int, chaos: Chaos | None = None) -> None:
        self._chaos = chaos or Chaos()
        super().__init__(port, seed, self._chaos.stall_seconds)

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        rolled = self.rolled
        what = CLEAN if rolled.random() < self._chaos.clean else rolled.choice(["rst", "fin", "stall"])
        # A third breaks inside the first requests, where the states change.
        near = rolled.random() < 0.3
        cut = rolled.randrange(1, 3000 if near else self._chaos.longest_bytes)
        flip = rolled.randrange(600, self._chaos.longest_bytes) if rolled.random() < self._chaos.flip else None
        lose = rolled.random() < self._chaos.lost_answer
        self.happened[what] += 1
        self.start(self.carry_fated, unit, store, Fate(what, cut, flip))
        self.start(self._downwards, unit, store, lose)

    def _downwards(self, unit: socket.socket, store: socket.socket, lose: bool) -> None:
        with self.carrying(store, unit):
            for data in pieces(store):
                if lose and b" 204 " in data[:40]:
                    self.happened["lost-answer"] += 1
                    break
                unit.sendall(data)
