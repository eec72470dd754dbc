"""The measured drain over a restart (R1)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from capture.endurance import DrainMeter
from capture.shell.kept_drain import KeptDrain
from hal.values import BatteryReading

SECOND_NS = 1_000_000_000


def told(percent: float) -> BatteryReading:
    """What a gauge says that knows a percentage alone."""
    return BatteryReading(percent, 3_800, charging=False, draw_mw=None, capacity_mwh=None)


def taking(meter: DrainMeter) -> DrainMeter:
    """Ten minutes of a recording that takes 30 % of the pack an hour."""
    for minute in range(11):
        meter.add(minute * 60 * SECOND_NS, told(60.0 - 0.5 * minute))
    return meter


@pytest.mark.requirement("R1", "all")
def test_a_gauge_of_percent_alone_has_minutes_at_the_first_press_after_a_restart(tmp_path: Path) -> None:
    assert DrainMeter().minutes_left(told(50.0)) is None
    KeptDrain(tmp_path / "drain").keep(taking(DrainMeter()).known_percent_per_hour)

    today = DrainMeter(KeptDrain(tmp_path / "drain").percent_per_hour)
    assert today.known
    assert today.minutes_left(told(50.0)) == 100


def test_what_is_measured_anew_counts_before_what_was_kept() -> None:
    meter = DrainMeter(known_percent_per_hour=100.0)
    assert meter.minutes_left(told(50.0)) == 30
    assert taking(meter).minutes_left(told(50.0)) == 100


@pytest.mark.parametrize("content", [b"", b"fast\n", b"nan\n", b"-3\n", b"0\n", b"1e9\n", b"\xff\xfe", b"9" * 100])
def test_what_cannot_be_a_drain_is_told_and_measured_anew(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "drain"
    path.write_bytes(content)
    kept = KeptDrain(path)
    assert kept.percent_per_hour is None
    assert "measured anew" in caplog.text
    assert str(path) in caplog.text
    kept.keep(30.0)
    assert KeptDrain(path).percent_per_hour == pytest.approx(30.0)


def test_a_unit_that_never_recorded_has_nothing_to_tell(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kept = KeptDrain(tmp_path / "drain")
    kept.keep(None)
    kept.keep(float("inf"))
    assert kept.percent_per_hour is None
    assert list(tmp_path.iterdir()) == []
    assert caplog.text == ""


def test_the_medium_is_written_only_when_the_figure_changed(tmp_path: Path) -> None:
    path = tmp_path / "drain"
    kept = KeptDrain(path)
    kept.keep(30.0)
    path.unlink()
    kept.keep(30.5)
    assert not path.exists()
    kept.keep(31.0)
    assert KeptDrain(path).percent_per_hour == pytest.approx(31.0)


def test_a_file_that_cannot_be_written_costs_the_figure_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = KeptDrain(tmp_path / "no" / "such" / "drain")
    kept.keep(30.0)
    assert "is not kept" in caplog.text
    assert kept.percent_per_hour == pytest.approx(30.0)
