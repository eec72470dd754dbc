"""A time server for the machine's chrony: answers as NTP's version 4 asks for, with this machine's time."""

from __future__ import annotations

import select
import socket
import struct
from types import TracebackType
from typing import Self

from hal.drivers.system_clock import SystemClock
from hal.worker import Worker

PORT = 11123
_FROM_1900_TO_1970_SECONDS = 2_208_988_800
_LEAP_NONE_VERSION_4_SERVER = 0x24
_STRATUM, _POLL, _PRECISION = 1, 4, -20
_REQUEST_BYTES = 48
_TRANSMIT = slice(40, 48)
_JOIN_SECONDS = 60.0
_LOOK_SECONDS = 0.2


class TimeServer:
    """Answers while it is open. Use it in a `with`."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", PORT))
        self._worker = Worker("time-server", self._clock, self._serve)
        self.answers = 0

    def __enter__(self) -> Self:
        self._worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.request_stop()
        assert self._worker.join(_JOIN_SECONDS)
        self._socket.close()

    def _serve(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            worker.beat()
            if not select.select([self._socket], [], [], _LOOK_SECONDS)[0]:
                continue
            request, sender = self._socket.recvfrom(1024)
            if len(request) >= _REQUEST_BYTES:
                self._socket.sendto(self._answer(request), sender)
                self.answers += 1

    def _answer(self, request: bytes) -> bytes:
        now = _timestamp(self._clock.read().utc_ns)
        head = struct.pack(">BBbbII4s", _LEAP_NONE_VERSION_4_SERVER, _STRATUM, _POLL, _PRECISION, 0, 0, b"TEST")
        return head + now + request[_TRANSMIT] + now + now


def _timestamp(utc_ns: int) -> bytes:
    seconds, rest_ns = divmod(utc_ns, 1_000_000_000)
    return struct.pack(">II", (seconds + _FROM_1900_TO_1970_SECONDS) & 0xFFFF_FFFF, (rest_ns << 32) // 1_000_000_000)
