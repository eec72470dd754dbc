"""PiSugar's own service, played by a socket that answers as it does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hal.drivers.common import pisugar
from hal.drivers.common.pisugar import PiSugarBattery
from hal.drivers.system_clock import SystemClock
from hal.errors import TransientHardwareError
from hal.worker import Worker

_LIMIT_SECONDS = 60.0


@contextmanager
def service(path: Path, answers: dict[str, str]) -> Iterator[None]:
    """Answer one caller, question by question; a question that has no answer is passed over."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.settimeout(_LIMIT_SECONDS)
        listener.bind(str(path))
        listener.listen()

        def answer(_: Worker) -> None:
            connection, _address = listener.accept()
            with connection, connection.makefile("r") as questions:
                for line in questions:
                    name = line.removeprefix("get ").strip()
                    if name in answers:
                        connection.sendall(f"{name}: {answers[name]}\n".encode())

        worker = Worker("pisugar", SystemClock(), answer)
        worker.start()
        yield
        assert worker.join(_LIMIT_SECONDS)


def test_the_services_figures_come_in_the_ports_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DR-9: volts and amperes to millivolts and milliwatts."""
    path = tmp_path / "s"
    answers = {"battery": "84.52", "battery_v": "4.01", "battery_i": "0.75", "battery_charging": "false"}
    monkeypatch.setattr(pisugar, "_LIMIT_SECONDS", _LIMIT_SECONDS)
    with service(path, answers):
        reading = PiSugarBattery(path, 18_500).read()
    assert (reading.charge_percent, reading.voltage_mv, reading.charging) == (84.52, 4010, False)
    assert reading.draw_mw == pytest.approx(3007.5)
    assert reading.capacity_mwh == 18_500


def test_a_service_that_leaves_an_answer_out_is_not_waited_for(tmp_path: Path) -> None:
    """DR-9: a reading takes less than 50 ms, so silence is a missing answer."""
    path = tmp_path / "s"
    clock = SystemClock()
    with service(path, {"battery": "84.52"}):
        begun_ns = clock.boottime_ns()
        with pytest.raises(TransientHardwareError):
            PiSugarBattery(path).read()
        assert clock.boottime_ns() - begun_ns < _LIMIT_SECONDS * 1e9


def test_a_service_that_is_down_is_named(tmp_path: Path) -> None:
    """DR-9: with the remedy."""
    with pytest.raises(TransientHardwareError, match="pisugar-server"):
        PiSugarBattery(tmp_path / "none").read()


def test_an_answer_that_is_no_figure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DR-9: nothing is guessed."""
    path = tmp_path / "s"
    answers = {"battery": "I2C not connected", "battery_v": "0", "battery_i": "0", "battery_charging": "false"}
    monkeypatch.setattr(pisugar, "_LIMIT_SECONDS", _LIMIT_SECONDS)
    with service(path, answers), pytest.raises(TransientHardwareError, match="no figure"):
        PiSugarBattery(path).read()
