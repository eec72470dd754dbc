"""How `recorder check` prints what was measured."""

from dataclasses import replace

import pytest

from agent.cli.surroundings import Surroundings
from agent.cli.unit_commands import _print_checks
from agent.config import Language
from agent.status import check_table
from capture.preflight import judge
from capture.profile import PreflightSection
from hal.values import ClockComparison
from tests.unit.capture_session.test_preflight import HEALTHY


@pytest.mark.requirement("R1", "all")
def test_the_clock_is_printed_with_its_source_and_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    compared = ClockComparison(rtc_difference_ns=-700_000_000, kernel_offset_ns=1_500_000)
    found = judge(replace(HEALTHY, comparison=compared), PreflightSection())
    _print_checks(dict(check_table(found)), Surroundings(None, Language.EN))
    printed = capsys.readouterr().out
    for figure in ("20 ms", "network", "2 offset-ms", "-700 rtc-ms"):
        assert figure in printed
    assert "source-" not in printed
