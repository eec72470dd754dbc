"""A proxy between unit and store that breaks connections as real lines do, repeatably from a seed."""

import random
import socket
import threading
from collections import Counter
from dataclasses import dataclass

from tests.support.line_proxy import PIECE_BYTES, LineProxy, reset_at_close


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


class ChaosProxy(LineProxy):
    """Every connection gets its own fate.

    Args:
        port: The store's port on this machine.
        seed: Of the fates.
        chaos: Their shares.
    """

    def __init__(self, port: int, seed: int, chaos: Chaos | None = None) -> None:
        super().__init__(port)
        self._random = random.Random(seed)
        self._chaos = chaos or Chaos()
        self._stop = threading.Event()
        self.happened: Counter[str] = Counter()
        self.passed_bytes = 0
        """Of all connections, towards the store."""

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        super().__exit__()

    def refused(self) -> None:
        self.happened["refused"] += 1

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        rolled = self._random
        fate = "clean" if rolled.random() < self._chaos.clean else rolled.choice(["rst", "fin", "stall"])
        # A third breaks inside the first requests, where the states change.
        near = rolled.random() < 0.3
        cut = rolled.randrange(1, 3000 if near else self._chaos.longest_bytes)
        flip = rolled.randrange(600, self._chaos.longest_bytes) if rolled.random() < self._chaos.flip else None
        lose = rolled.random() < self._chaos.lost_answer
        self.happened[fate] += 1
        self.start(self._upwards, unit, store, fate, cut, flip)
        self.start(self._downwards, unit, store, lose)

    def _upwards(self, unit: socket.socket, store: socket.socket, fate: str, cut: int, flip: int | None) -> None:
        seen = 0
        try:
            while data := unit.recv(PIECE_BYTES):
                sent = self._flipped(data, seen, flip)
                if fate != "clean" and seen + len(sent) >= cut:
                    store.sendall(sent[: cut - seen])
                    self._break(unit, store, fate)
                    break
                store.sendall(sent)
                seen += len(sent)
                self.passed_bytes += len(sent)
        except OSError:
            self.happened["broken"] += 1
        self.close(unit, store)

    def _flipped(self, data: bytes, seen: int, flip: int | None) -> bytes:
        if flip is None or not seen <= flip < seen + len(data):
            return data
        self.happened["flip"] += 1
        changed = bytearray(data)
        changed[flip - seen] ^= 1
        return bytes(changed)

    def _break(self, unit: socket.socket, store: socket.socket, fate: str) -> None:
        if fate == "stall":
            self._stop.wait(self._chaos.stall_seconds)
        if fate == "rst":
            reset_at_close(unit, store)

    def _downwards(self, unit: socket.socket, store: socket.socket, lose: bool) -> None:
        try:
            while data := store.recv(PIECE_BYTES):
                if lose and b" 204 " in data[:40]:
                    self.happened["lost-answer"] += 1
                    break
                unit.sendall(data)
        except OSError:
            self.happened["broken"] += 1
        self.close(unit, store)
