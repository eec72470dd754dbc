"""A proxy between unit and store that breaks connections as real lines do, repeatably from a seed."""

import random
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Self

_RESET = struct.pack("ii", 1, 0)
_PIECE = 65_536


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


class ChaosProxy:
    """Listens on a free port; every connection gets its own fate.

    Args:
        port: The store's port on this machine.
        seed: Of the fates.
        chaos: Their shares.
    """

    def __init__(self, port: int, seed: int, chaos: Chaos | None = None) -> None:
        self._store_port = port
        self._random = random.Random(seed)
        self._chaos = chaos or Chaos()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.happened: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            open_now = list(self._sockets)
        for one in open_now:
            _end(one)
        for thread in self._threads:
            thread.join(5)

    def _start(self, body: object, *args: object) -> None:
        thread = threading.Thread(target=body, args=args, name="chaos")  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                unit, _ = self._listener.accept()
            except OSError:
                return
            self._connect(unit)

    def _connect(self, unit: socket.socket) -> None:
        try:
            store = socket.create_connection(("127.0.0.1", self._store_port), timeout=5)
        except OSError:
            self.happened["refused"] += 1
            unit.close()
            return
        store.settimeout(None)
        with self._lock:
            self._sockets |= {unit, store}
        rolled = self._random
        fate = "clean" if rolled.random() < self._chaos.clean else rolled.choice(["rst", "fin", "stall"])
        # A third breaks inside the first requests, where the states change.
        near = rolled.random() < 0.3
        cut = rolled.randrange(1, 3000 if near else self._chaos.longest_bytes)
        flip = rolled.randrange(600, self._chaos.longest_bytes) if rolled.random() < self._chaos.flip else None
        lose = rolled.random() < self._chaos.lost_answer
        self.happened[fate] += 1
        self._start(self._upwards, unit, store, fate, cut, flip)
        self._start(self._downwards, unit, store, lose)

    def _upwards(self, unit: socket.socket, store: socket.socket, fate: str, cut: int, flip: int | None) -> None:
        seen = 0
        try:
            while data := unit.recv(_PIECE):
                sent = self._flipped(data, seen, flip)
                if fate != "clean" and seen + len(sent) >= cut:
                    store.sendall(sent[: cut - seen])
                    self._break(unit, store, fate)
                    break
                store.sendall(sent)
                seen += len(sent)
        except OSError:
            self.happened["broken"] += 1
        self._close(unit, store)

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
            for one in (unit, store):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _downwards(self, unit: socket.socket, store: socket.socket, lose: bool) -> None:
        try:
            while data := store.recv(_PIECE):
                if lose and b" 204 " in data[:40]:
                    self.happened["lost-answer"] += 1
                    break
                unit.sendall(data)
        except OSError:
            self.happened["broken"] += 1
        self._close(unit, store)

    def _close(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._sockets -= set(sockets)
        for one in sockets:
            _end(one)
            one.close()


def _end(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
