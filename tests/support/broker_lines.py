"""Lines to a broker that fail as real ones do, and brokers that lose, repeat and disorder what they were handed."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.faulty_proxy import CLEAN, Fate, FaultyProxy
from tests.support.line_proxy import PIECE_BYTES, LineProxy, pieces

PUBLISH = 3
SCHEME = "mqtt"
_LENGTH_BYTES_MAX = 4


@dataclass(frozen=True)
class Breaks:
    """How connections to a broker break, and where."""

    clean: float = 0.1
    """Share of connections that nothing is done to."""
    flip: float = 0.05
    """Share of connections in which one bit of what goes to the broker is turned over."""
    longest_bytes: int = 1_500_000
    """A connection breaks at a random byte up to here, of either direction."""
    stall_seconds: float = 0.8
    """A stalled connection is silent for so long before it ends; a delayed one goes on."""


class BrokenLines(FaultyProxy):
    """Every connection gets its own fate: it ends by FIN, by RST or after a silence, or is late, or stays whole.

    Args:
        port: The broker's port on this machine.
        seed: Of the fates.
        breaks: Their shares.
    """

    SCHEME = SCHEME

    def __init__(self, port: int, seed: int, breaks: Breaks | None = None) -> None:
        self._breaks = breaks or Breaks()
        super().__init__(port, seed, self._breaks.stall_seconds)

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        rolled, breaks = self.rolled, self._breaks
        what = CLEAN if rolled.random() < breaks.clean else rolled.choice(["rst", "fin", "stall", "delay"])
        upwards = rolled.random() < 0.6
        # A third breaks inside the first packets, where the states change.
        cut = rolled.randrange(1, 1500 if rolled.random() < 0.3 else breaks.longest_bytes if upwards else 4000)
        flip = rolled.randrange(600, breaks.longest_bytes) if rolled.random() < breaks.flip else None
        self.happened[what] += 1
        self.start(self.carry_fated, unit, store, Fate(what, cut, flip) if upwards else Fate(flip=flip))
        self.start(self.carry_fated, store, unit, Fate() if upwards else Fate(what, cut))


class NarrowLine(LineProxy):
    """A line to the broker that is slower than what comes down it.

    Args:
        port: The broker's port on this machine.
        bytes_per_second: What it takes downwards.
    """

    SCHEME = SCHEME

    def __init__(self, port: int, bytes_per_second: int) -> None:
        super().__init__(port)
        self._seconds = PIECE_BYTES / bytes_per_second

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        self.start(self.carry, unit, store)
        self.start(self._downwards, store, unit)

    def _downwards(self, broker: socket.socket, unit: socket.socket) -> None:
        with self.carrying(broker, unit):
            for data in pieces(broker):
                unit.sendall(data)
                self.over.wait(self._seconds)


@dataclass(frozen=True)
class Losses:
    """What becomes of messages that are handed to a broker."""

    dropped: float = 0.0
    """Share that is acknowledged, where that is asked for, and gone."""
    repeated: float = 0.0
    """Share that arrives twice."""
    swapped: float = 0.0
    """Share that arrives behind the next one."""


class LosingBroker(FaultyProxy):
    """A broker, as whoever stands behind this line sees it: it takes every message, and then does as it likes.

    Args:
        port: The true broker's port on this machine.
        seed: Of the choice.
        losses: Shares of the messages towards the broker.
    """

    SCHEME = SCHEME

    def __init__(self, port: int, seed: int, losses: Losses) -> None:
        super().__init__(port, seed)
        self._losses = losses

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        self.start(self._upwards, unit, store)
        self.start(self.carry, store, unit)

    def _upwards(self, unit: socket.socket, broker: socket.socket) -> None:
        held = b""
        with self.carrying(unit, broker):
            for packet in _packets(unit):
                if packet[0] >> 4 != PUBLISH:
                    broker.sendall(packet)
                    continue
                now, held = self._fate(packet, held, unit)
                broker.sendall(now)

    def _fate(self, packet: bytes, held: bytes, unit: socket.socket) -> tuple[bytes, bytes]:
        """What goes on now, and what waits for the next message."""
        losses, roll = self._losses, self.rolled.random()
        self.happened["messages"] += 1
        if roll < losses.dropped:
            self.happened["dropped"] += 1
            if (packet[0] >> 1) & 3 == 1:
                unit.sendall(_acknowledgement(packet))
            return b"", held
        if roll < losses.dropped + losses.repeated:
            self.happened["repeated"] += 1
            return packet + packet + held, b""
        if not held and roll < losses.dropped + losses.repeated + losses.swapped:
            self.happened["swapped"] += 1
            return b"", packet
        return packet + held, b""


def _packets(line: socket.socket) -> Iterator[bytes]:
    """MQTT's packets as they come."""
    buffer = bytearray()
    for data in pieces(line):
        buffer += data
        while (size := _size(buffer)) is not None and len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]


def _size(buffer: bytearray) -> int | None:
    """Length of the packet at the front, its own head included; None while it cannot be told."""
    found = 0
    for place in range(1, 1 + _LENGTH_BYTES_MAX):
        if place >= len(buffer):
            return None
        found |= (buffer[place] & 0x7F) << (7 * (place - 1))
        if not buffer[place] & 0x80:
            return 1 + place + found
    raise OSError("no packet of MQTT")


def _acknowledgement(packet: bytes) -> bytes:
    """The PUBACK of a PUBLISH of QoS 1."""
    place = 1
    while packet[place] & 0x80:
        place += 1
    topic_bytes = int.from_bytes(packet[place + 1 : place + 3])
    number = place + 3 + topic_bytes
    return bytes([0x40, 2]) + packet[number : number + 2]
