"""The battery of a PiSugar board, through the socket of its own service (DR-9).

Rules of this module: one short conversation for each reading, held to a limit; nothing is set.
"""

from __future__ import annotations

import socket
from pathlib import Path

from hal.errors import TransientHardwareError
from hal.values import BatteryReading

SOCKET = Path("/tmp/pisugar-server.sock")  # noqa: S108 -- where the service puts it
_LIMIT_SECONDS = 0.04
_QUESTIONS = ("battery", "battery_v", "battery_i", "battery_charging")
_ANSWER_BYTES = 4096
_MILLI = 1000


class PiSugarBattery:
    """`hal.ports.Battery` by `pisugar-server`.

    Args:
        path: The service's Unix socket.
        capacity_mwh: Energy of a full pack, None where nobody knows.
    """

    def __init__(self, path: Path = SOCKET, capacity_mwh: float | None = None) -> None:
        self._path = path
        self._capacity_mwh = capacity_mwh

    def read(self) -> BatteryReading:
        """Ask the service. Raises TransientHardwareError."""
        try:
            answers = self._ask()
        except OSError as error:
            raise TransientHardwareError(
                f"PiSugar's service does not answer at {self._path}: {error}; is pisugar-server running?"
            ) from error
        try:
            percent, voltage_mv = float(answers["battery"]), round(float(answers["battery_v"]) * _MILLI)
            charging = answers["battery_charging"] == "true"
            current_a = float(answers["battery_i"]) if "battery_i" in answers else None
        except (KeyError, ValueError) as error:
            raise TransientHardwareError(f"PiSugar's service gave no figure: {answers}") from error
        draw_mw = None if current_a is None or charging else abs(current_a) * voltage_mv
        return BatteryReading(min(100.0, max(0.0, percent)), voltage_mv, charging, draw_mw, self._capacity_mwh)

    def _ask(self) -> dict[str, str]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_LIMIT_SECONDS)
            connection.connect(str(self._path))
            connection.sendall("".join(f"get {question}\n" for question in _QUESTIONS).encode())
            received = b""
            # The service answers line by line and keeps the connection.
            while received.count(b"\n") < len(_QUESTIONS) and len(received) < _ANSWER_BYTES:
                part = connection.recv(_ANSWER_BYTES)
                if not part:
                    break
                received += part
        lines = (line.partition(":") for line in received.decode("utf-8", "replace").splitlines())
        return {name.strip(): value.strip() for name, _, value in lines if value.strip()}
