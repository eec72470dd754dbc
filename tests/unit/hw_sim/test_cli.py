"""recorder-sim: results on stdout, one clear message and a documented code otherwise."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hw_sim import cli, moves
from hw_sim.options import _SETTERS
from hw_sim.scenario import Act, Expect, parse
from hw_sim.world import World

README = Path("hw-sim/README.md").read_text(encoding="utf-8")


def test_check_lists_the_steps(tmp_path: Path) -> None:
    scenario = tmp_path / "s.txt"
    scenario.write_text('press record\nafter 2 s: 甲某 says "好"; end\n', encoding="utf-8")
    result = CliRunner().invoke(cli.main, ["check", str(scenario)])
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [["1", "act"], ["2", "act"], ["2", "end"]]


@pytest.mark.parametrize(("content", "message"), [(b"press\n", "line 1"), (b"\xff\xfe", "utf-8")])
def test_check_names_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    scenario = tmp_path / "s.txt"
    scenario.write_bytes(content)
    result = CliRunner().invoke(cli.main, ["check", str(scenario)])
    assert result.exit_code == os.EX_DATAERR
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["run", "nowhere.txt"], ["check"], ["demo"]])
def test_a_wrong_command_line_has_the_code_that_the_readme_says(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli.main, arguments).exit_code == os.EX_USAGE
    assert f"· {os.EX_USAGE} wrong usage ·" in README


def test_truth_is_told_of_a_world_that_was_not_closed(tmp_path: Path) -> None:
    world = World(tmp_path / "world", tmp_path / "spool")
    world.plug_camera(plugged=False)
    result = CliRunner().invoke(cli.main, ["truth", str(world.directory), "--out", str(tmp_path / "t.json")])
    world.close()
    assert result.exit_code == 0
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["faults"][0]["state"] == "unplugged"


def test_truth_wants_a_world(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.main, ["truth", str(tmp_path)])
    assert result.exit_code == os.EX_DATAERR
    assert "world_directory" in result.stderr


def test_the_readme_names_every_option() -> None:
    assert [name for name in _SETTERS if f"`{name}`" not in README] == []


def shown_in(heading: str) -> list[str]:
    """What the first column of the table under a line of the README shows; alternatives in brackets left out."""
    table = README.split(f"{heading}\n\n")[1].split("\n\n")[0].splitlines()[2:]
    cells = [re.sub(r"\(`[^)]*\)", "", line.split(" | ")[0]) for line in table]
    return [statement for cell in cells for statement in re.findall(r"`([^`]*)`", cell)]


def test_every_deed_in_the_readme_can_be_read_and_none_is_missing() -> None:
    deeds = [part for shown in shown_in("Deeds:") for part in shown.split(", ")]
    for deed in deeds:
        assert isinstance(parse(deed).steps[0].deed, Act), deed
    unshown = [form.shown for form in moves.FORMS if not any(re.fullmatch(form.pattern, deed) for deed in deeds)]
    assert unshown == []


def test_every_condition_and_example_in_the_readme_can_be_read() -> None:
    shown = shown_in("shuts the unit down.")
    assert len(shown) >= 6
    for each in shown:
        assert isinstance(parse(f"expect {each}").steps[0].deed, Expect), each
    (example,) = re.findall(r"```\n(# Two officers.*?)```", README, re.DOTALL)
    assert len(parse(example).steps) == 15
