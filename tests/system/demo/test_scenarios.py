"""Scenarios of one's own: a unit lives through them, and their failure is the command's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.system.demo.played import SMALL, play

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

TWO_POWER_CUTS = """
press record                        # nobody is checked out
wait for lamp "recording"
after 3 s: power cut for 10 s
wait for words "现恢复录制"
after 1 s: power cut during next sync for 10 s
wait for words "现恢复录制"
after 3 s: end
"""
NEVER = 'press record\nwait for words "never said" within 8 s\n'


def test_a_unit_lives_through_power_cuts(tmp_path: Path, voices: Path) -> None:
    scenario = tmp_path / "cuts.txt"
    scenario.write_text(TWO_POWER_CUTS, encoding="utf-8")
    played = play(tmp_path / "out", "run", scenario, *SMALL, voices=voices)
    (session,) = played.report["sessions"]
    assert played.report["intact"]
    assert not session["checked_out"]
    assert [each["cause"] for each in session["breaks"]] == ["power-loss", "power-loss"]
    assert session["end_reason"] == "stop"
    assert len(list((played.out / "sessions").glob("*/run-*.mp4"))) == 3


def test_a_scenario_that_does_not_come_true_fails(tmp_path: Path, voices: Path) -> None:
    scenario = tmp_path / "never.txt"
    scenario.write_text(NEVER, encoding="utf-8")
    out = tmp_path / "out"
    played = play(out, "run", scenario, *SMALL, voices=voices, expected=os.EX_UNAVAILABLE)
    assert "never.txt, line 2" in played.output
    assert "did not happen within 8 s" in played.output
    assert played.simulation["frames"]["count"] > 100
