"""A proxy that breaks one exchange at one exact byte, and lets everything behind it pass."""

import socket
import struct
import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

_RESET = struct.pack("ii", 1, 0)
_PIECE = 65_536


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


class CuttingProxy:
    """Listens on a free port.

    Args:
        port: The store's port on this machine.
    """

    def __init__(self, port: int) -> None:
        self._store_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self.cut = Cut(Way.UP, 1 << 62)
        self.upwards = bytearray()
        """Everything that the unit sent since `arm`."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def arm(self, cut: Cut) -> None:
        """Break the next exchange there."""
        with self._lock:
            self.cut = cut
            self.upwards.clear()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._open)
        for one in left:
            _end(one)
        for thread in self._threads:
            thread.join(5)

    def _start(self, body: object, *args: object) -> None:
        thread = threading.Thread(target=body, args=args, name="cutting")  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                unit, _ = self._listener.accept()
                store = socket.create_connection(("127.0.0.1", self._store_port), timeout=5)
            except OSError:
                return
            store.settimeout(None)
            with self._lock:
                self._open |= {unit, store}
            self._threads = [one for one in self._threads if one.is_alive()]
            self._start(self._pump, unit, store, Way.UP)
            self._start(self._pump, store, unit, Way.DOWN)

    def _pump(self, source: socket.socket, target: socket.socket, way: Way) -> None:
        try:
            while data := source.recv(_PIECE):
                passed, broken, reset = self._judge(data, way)
                target.sendall(passed)
                if broken:
                    if reset:
                        for one in (source, target):
                            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    break
        except OSError:
            self._close(source, target)
            return
        self._close(source, target)

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

    def _close(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._open -= set(sockets)
        for one in sockets:
            _end(one)
            one.close()


def _end(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
