"""A proxy that breaks one exchange at one exact byte, and lets everything behind it pass."""

import socket
from dataclasses import dataclass, field
from enum import Enum

from tests.support.line_proxy import LineProxy, pieces, reset_at_close


class Way(Enum):
    """Which direction is broken."""

    UP = "up"
    DOWN = "down"


@dataclass
class Cut:
    """Where the exchange breaks, counted over all its connections; once."""

    way: Way
    at_byte: int
    reset: bool = False
    flip: bool = False
    """Turn one bit over instead of breaking."""
    seen: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    done: bool = False


class CuttingProxy(LineProxy):
    """Breaks what it was armed with, once.

    Args:
        port: The store's port on this machine.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.cut = Cut(Way.UP, 1 << 62)
        self.upwards = bytearray()
        """Everything that the unit sent since `arm`."""

    def arm(self, cut: Cut) -> None:
        """Break the next exchange there."""
        with self._lock:
            self.cut = cut
            self.upwards.clear()

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        self.start(self._pump, unit, store, Way.UP)
        self.start(self._pump, store, unit, Way.DOWN)

    def _pump(self, source: socket.socket, target: socket.socket, way: Way) -> None:
        with self.carrying(source, target):
            for data in pieces(source):
                passed, broken, reset = self._judge(data, way)
                target.sendall(passed)
                if broken:
                    if reset:
                        reset_at_close(source, target)
                    break

    def _judge(self, data: bytes, way: Way) -> tuple[bytes, bool, bool]:
        """What passes of a piece, whether the line breaks behind it, and how."""
        with self._lock:
            cut = self.cut
            before = cut.seen[way]
            cut.seen[way] += len(data)
            if way is Way.UP:
                self.upwards += data
            if cut.done or cut.way is not way or not before <= cut.at_byte < before + len(data):
                return data, False, False
            cut.done = True
        position = cut.at_byte - before
        if cut.flip:
            return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :], False, False
        return data[:position], True, cut.reset
