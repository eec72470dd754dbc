"""A proxy between unit and store on this machine: what every kind of bad line has in common."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Self

PIECE_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)


class LineProxy:
    """Listens on a free port and joins each connection with one to the store; what passes is its subclass's matter.

    Args:
        port: The store's port on this machine.
    """

    SCHEME: ClassVar[str] = "http"

    def __init__(self, port: int) -> None:
        self.store_port = port
        self.over = threading.Event()
        """Set at the end: nobody is to wait any longer."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.SCHEME}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self.start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._open)
        for one in left:
            _end(one)
        # The first one makes the others: behind its end there are no more.
        self._threads[0].join(60)
        for thread in self._threads:
            thread.join(60)

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        """Both ends are connected: start what carries bytes between them."""
        raise NotImplementedError

    def refused(self) -> None:
        """The store did not answer; the unit's connection is closed."""

    def broken(self) -> None:
        """One end did not take what was sent on, or was gone; the connection is closed."""

    @contextmanager
    def carrying(self, source: socket.socket, target: socket.socket) -> Iterator[None]:
        """Bytes are sent on in here; with the end of it, or of either line, both are closed."""
        try:
            yield
        except OSError:
            self.broken()
        finally:
            self.close(source, target)

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        """Send on everything as it comes."""
        with self.carrying(source, target):
            for piece in pieces(source):
                target.sendall(piece)

    def start(self, body: Callable[..., None], *args: object) -> None:
        """Run something on a thread that is joined at the end."""
        thread = threading.Thread(target=body, args=args, name="line")
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()

    def close(self, *sockets: socket.socket) -> None:
        """Close connections."""
        with self._lock:
            self._open -= set(sockets)
        for one in sockets:
            _end(one)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                unit, _ = self._listener.accept()
            except OSError:
                return
            try:
                store = socket.create_connection(("127.0.0.1", self.store_port), timeout=5)
            except OSError:
                unit.close()
                self.refused()
                continue
            store.settimeout(None)
            with self._lock:
                over = self.over.is_set()
                self._open |= {unit, store}
            if over:
                # It came just before the end, which has not seen it.
                self.close(unit, store)
                return
            self.joined(unit, store)


def pieces(source: socket.socket) -> Iterator[bytes]:
    """What comes from one end, until it sends no more. Raises OSError."""
    return iter(lambda: source.recv(PIECE_BYTES), b"")


def reset_at_close(*sockets: socket.socket) -> None:
    """Have connections end by RST instead of FIN."""
    for one in sockets:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _end(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
