"""Words rendered before the first start: what is left alone, and what is said."""

from pathlib import Path

import pytest

from agent.cli.main import run
from agent.lock import only_agent
from capture.shell.wardrobe import ASSIGNMENT_NAME
from tests.support.provisioned_unit import ProvisionedUnit, provision


@pytest.fixture
def unit(tmp_path: Path) -> ProvisionedUnit:
    return provision(tmp_path / "unit")


def test_the_words_of_a_running_agent_are_its_own(unit: ProvisionedUnit, capsys: pytest.CaptureFixture[str]) -> None:
    with only_agent(unit.paths.state):
        assert run(["--config", str(unit.config_path), "voice"]) == 75
    assert "an agent runs on it" in capsys.readouterr().err
    assert not unit.paths.voice.exists()


def test_words_that_hold_names_are_left_to_the_agent(unit: ProvisionedUnit) -> None:
    unit.paths.voice.mkdir()
    (unit.paths.voice / ASSIGNMENT_NAME).write_text("{}", encoding="utf-8")
    assert run(["--config", str(unit.config_path), "voice"]) == 0
    assert [path.name for path in unit.paths.voice.iterdir()] == [ASSIGNMENT_NAME]


def test_a_unit_whose_voice_fails_is_told_and_keeps_its_tones(
    unit: ProvisionedUnit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(unit.root))
    assert run(["--lang", "en", "--config", str(unit.config_path), "voice"]) == 1
    assert "not rendered" in capsys.readouterr().out
