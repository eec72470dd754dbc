"""Asks the running agent over its control socket.

Rules of this module: one request, one answer, one connection; blocks for real, up to the time that is given.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from pydantic import JsonValue

from agent.control_wire import LINE_BYTES_MAX, Refusal, Request, read_reply, to_line
from agent.errors import ControlError

_START = "is recorder-agent running, and is --config its configuration?"


class AgentRefusedError(ControlError):
    """The agent answered, and did not do it.

    Args:
        refusal: What it said; the exit code is its.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.exit_code = refusal.code


def ask(path: Path, request: Request, timeout_seconds: float) -> dict[str, JsonValue]:
    """Ask, and wait for the answer.

    Args:
        path: The agent's socket.
        request: What is asked.
        timeout_seconds: Longest silence of the agent.

    Raises:
        AgentRefusedError: It will not do it.
        ControlError: Nobody answers there, or not in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(timeout_seconds)
        try:
            _connect(link, path)
            link.sendall(to_line(request))
            line = _line(link)
        except TimeoutError as error:
            raise ControlError(f"{path}: the agent did not answer in {timeout_seconds:g} s; see its log") from error
        except PermissionError as error:
            raise ControlError(f"{path}: not allowed; run this as root or as a member of its group") from error
        except OSError as error:
            raise ControlError(f"{path}: no agent answers ({error.strerror}); {_START}") from error
    reply = read_reply(line)
    if reply.refusal is not None:
        raise AgentRefusedError(reply.refusal)
    return reply.result or {}


def _connect(link: socket.socket, path: Path) -> None:
    """A socket's address holds 107 bytes; a longer path is reached through its folder's descriptor."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        link.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def _line(link: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        piece = link.recv(LINE_BYTES_MAX)
        if not piece or len(received) > 16 * LINE_BYTES_MAX:
            raise ControlError(f"the agent broke off after {len(received)} bytes of its answer; see its log")
        received += piece
    return bytes(received)
