"""The control socket: administrators and officers ask the running agent.

Rules of this module: its threads block on sockets for real and take no part in the unit's clock; what is asked is done
by the handler, which hands over to the threads that own things. Nothing here can start, end or silence a recording.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from agent.control_wire import LINE_BYTES_MAX, Refusal, Reply, Request, read_request, to_line
from agent.errors import AgentError, SpoolError
from agent.exit_codes import exit_code_of
from capture.errors import CaptureError
from hal.errors import HardwareError
from sealing.errors import SealingError

log = logging.getLogger(__name__)

CONNECTIONS_MAX: Final = 8
SILENCE_SECONDS_MAX: Final = 10.0
_SOCKET_MODE: Final = 0o660
_JOIN_SECONDS: Final = 5.0

Handler = Callable[[Request], Mapping[str, JsonValue]]


class ControlSocket:
    """Listens on a unix socket and answers requests.

    Args:
        path: Where the socket is made; one that an agent before left behind is replaced.
        handler: Does what is asked, on a connection's thread; several at a time. What it raises is the refusal.
        silence_seconds: A connection that sends nothing for so long is given up.
    """

    def __init__(self, path: Path, handler: Handler, silence_seconds: float = SILENCE_SECONDS_MAX) -> None:
        self._path = path
        self._handler = handler
        self._silence_seconds = silence_seconds
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)

    def start(self) -> None:
        """Make the socket and listen; whoever sees it there is answered.

        Raises:
            SpoolError: The socket cannot be made there.
        """
        beside = self._path.with_name(f".{self._path.name}")
        try:
            beside.unlink(missing_ok=True)
            _bind(self._listener, beside)
            beside.chmod(_SOCKET_MODE)
            self._listener.listen(CONNECTIONS_MAX)
            beside.replace(self._path)
        except OSError as error:
            self._listener.close()
            raise SpoolError(f"{self._path}: the control socket cannot be made: {error}") from error
        self._thread.start()

    def stop(self) -> None:
        """Close the socket and every connection; joins the threads. Idempotent."""
        with self._lock:
            self._closing = True
            open_now = dict(self._connections)
        for link in (self._listener, *open_now):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in (self._thread, *open_now.values()):
            if thread.ident is not None:
                thread.join(_JOIN_SECONDS)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                if self._closing:
                    return
                log.exception("the control socket failed; nobody can ask this agent until it starts again")
                return
            self._take(link)

    def _take(self, link: socket.socket) -> None:
        with self._lock:
            if self._closing or len(self._connections) >= CONNECTIONS_MAX:
                link.close()
                return
            thread = threading.Thread(target=self._serve, args=(link,), name="control-connection", daemon=True)
            self._connections[link] = thread
        thread.start()

    def _serve(self, link: socket.socket) -> None:
        try:
            link.settimeout(self._silence_seconds)
            with link, link.makefile("rb") as lines:
                while line := lines.readline(LINE_BYTES_MAX + 1):
                    link.sendall(to_line(self._answer(line)))
        except OSError as error:
            log.debug("a control connection ended: %s", error)
        finally:
            with self._lock:
                self._connections.pop(link, None)

    def _answer(self, line: bytes) -> Reply:
        try:
            request = read_request(line)
            log.info("control: %s", request.command)
            return Reply(result=dict(self._handler(request)))
        except (AgentError, CaptureError, HardwareError, SealingError) as error:
            return _refused(error)
        except Exception as error:
            # A bug behind one request must not take the socket away from the next one.
            log.exception("a control request failed")
            return Reply(refusal=Refusal(code=os.EX_SOFTWARE, message=f"the agent failed over this: {error!r}"))


def _refused(error: Exception) -> Reply:
    log.warning("control: refused: %s", error)
    return Reply(refusal=Refusal(code=exit_code_of(error), message=str(error)))


def _bind(listener: socket.socket, path: Path) -> None:
    """A socket's address holds 107 bytes; a longer path is bound through its folder's descriptor."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
