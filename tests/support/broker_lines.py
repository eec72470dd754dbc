"""Lines to a broker that fail as real ones do, and brokers that lose, repeat and disorder what they were handed."""

import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.line_proxy import PIECE_BYTES, LineProxy, reset_at_close

PUBLISH = 3
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


class BrokenLines(LineProxy):
    """Every connection gets its own fate: it ends by FIN, by RST or after a silence, or is late, or stays whole.

    Args:
        port: The broker's port on this machine.
        seed: Of the fates.
        breaks: Their shares.
    """

    def __init__(self, port: int, seed: int, breaks: Breaks | None = None) -> None:
        super().__init__(port)
        self._random = random.Random(seed)
        self._breaks = breaks or Breaks()
        self._stop = threading.Event()
        self.happened: Counter[str] = Counter()
        self.passed_bytes = 0
        """Of all connections, both ways."""

    @property
    def url(self) -> str:
        return f"mqtt{super().url.removeprefix('http')}"

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        super().__exit__()

    def refused(self) -> None:
        self.happened["refused"] += 1

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        rolled, breaks = self._random, self._breaks
        fate = "clean" if rolled.random() < breaks.clean else rolled.choice(["rst", "fin", "stall", "delay"])
        upwards = rolled.random() < 0.6
        # A third breaks inside the first packets, where the states change.
        cut = rolled.randrange(1, 1500 if rolled.random() < 0.3 else breaks.longest_bytes if upwards else 4000)
        flip = rolled.randrange(600, breaks.longest_bytes) if rolled.random() < breaks.flip else None
        self.happened[fate] += 1
        self.start(self._pump, unit, store, (fate, cut) if upwards else ("clean", 0), flip)
        self.start(self._pump, store, unit, ("clean", 0) if upwards else (fate, cut), None)

    def _pump(self, source: socket.socket, target: socket.socket, fate: tuple[str, int], flip: int | None) -> None:
        seen, (what, cut) = 0, fate
        try:
            while data := source.recv(PIECE_BYTES):
                sent = self._flipped(data, seen, flip)
                if what != "clean" and seen < cut <= seen + len(sent):
                    target.sendall(sent[: cut - seen])
                    if self._broke(source, target, what):
                        break
                    sent = sent[cut - seen :]
                    seen = cut
                target.sendall(sent)
                seen += len(sent)
                self.passed_bytes += len(sent)
        except OSError:
            self.happened["broken"] += 1
        self.close(source, target)

    def _broke(self, source: socket.socket, target: socket.socket, what: str) -> bool:
        """Do what happens at the place; tells whether the connection is over."""
        if what in {"stall", "delay"}:
            self._stop.wait(self._breaks.stall_seconds)
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


class NarrowLine(LineProxy):
    """A line to the broker that is slower than what comes down it.

    Args:
        port: The broker's port on this machine.
        bytes_per_second: What it takes downwards.
    """

    def __init__(self, port: int, bytes_per_second: int) -> None:
        super().__init__(port)
        self._seconds = PIECE_BYTES / bytes_per_second
        self._stop = threading.Event()

    @property
    def url(self) -> str:
        return f"mqtt{super().url.removeprefix('http')}"

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        super().__exit__()

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        self.start(self._pump, unit, store, 0.0)
        self.start(self._pump, store, unit, self._seconds)

    def _pump(self, source: socket.socket, target: socket.socket, seconds: float) -> None:
        try:
            while data := source.recv(PIECE_BYTES):
                target.sendall(data)
                if seconds:
                    self._stop.wait(seconds)
        except OSError:
            self.close(source, target)
            return
        self.close(source, target)


@dataclass(frozen=True)
class Losses:
    """What becomes of messages that are handed to a broker."""

    dropped: float = 0.0
    """Share that is acknowledged, where that is asked for, and gone."""
    repeated: float = 0.0
    """Share that arrives twice."""
    swapped: float = 0.0
    """Share that arrives behind the next one."""


class LosingBroker(LineProxy):
    """A broker, as whoever stands behind this line sees it: it takes every message, and then does as it likes.

    Args:
        port: The true broker's port on this machine.
        seed: Of the choice.
        losses: Shares of the messages towards the broker.
    """

    def __init__(self, port: int, seed: int, losses: Losses) -> None:
        super().__init__(port)
        self._random = random.Random(seed)
        self._losses = losses
        self.happened: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"mqtt{super().url.removeprefix('http')}"

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        self.start(self._upwards, unit, store)
        self.start(self._downwards, store, unit)

    def _upwards(self, unit: socket.socket, broker: socket.socket) -> None:
        held = b""
        try:
            for packet in _packets(unit):
                if packet[0] >> 4 != PUBLISH:
                    broker.sendall(packet)
                    continue
                now, held = self._fate(packet, held, unit)
                broker.sendall(now)
        except OSError:
            self.happened["broken"] += 1
        self.close(unit, broker)

    def _fate(self, packet: bytes, held: bytes, unit: socket.socket) -> tuple[bytes, bytes]:
        """What goes on now, and what waits for the next message."""
        losses, roll = self._losses, self._random.random()
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

    def _downwards(self, broker: socket.socket, unit: socket.socket) -> None:
        try:
            while data := broker.recv(PIECE_BYTES):
                unit.sendall(data)
        except OSError:
            self.happened["broken"] += 1
        self.close(unit, broker)


def _packets(line: socket.socket) -> Iterator[bytes]:
    """MQTT's packets as they come."""
    buffer = bytearray()
    while data := line.recv(PIECE_BYTES):
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
