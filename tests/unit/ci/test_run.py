"""What continuous integration makes of stages that pass, fail, cannot run, or are not there, and of their order."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[3] / ".ci/run"
PASSES = 'echo "tier A: not run here, and why: no such device" >&2'
CANNOT = 'echo "tier B: not run: that takes root" >&2; exit 77'
FAILS = "echo everything broke; exit 3"
WAIT = "wait_for() { for _ in $(seq 1200); do [ -e $1 ] && return; sleep 0.05; done; echo no $1; exit 9; }"
"""Shell: until a file is there, a minute at most."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(RUN, tmp_path / ".ci/run")
    return tmp_path


def tier(project: Path, name: str, script: str, prepare: str = "") -> None:
    """A tier whose tests are a script; preparing it is another."""
    path = project / f".ci/tier-{name}"
    path.write_text(f'#!/bin/sh\n{WAIT}\nif [ "$1" = --prepare ]; then\n{prepare}\nexit 0; fi\n{script}\n', "utf-8")
    path.chmod(0o755)


def makefile(project: Path, test: str, setup: str = "true") -> None:
    """The project's own commands, each a script."""
    for name, script in (("test", test), ("setup", setup)):
        (project / name).write_text(f"{WAIT}\n{script}\n", "utf-8")
    text = "test:\n\t@sh ./test\nsetup:\n\t@sh ./setup\nbrowser:\n\t@:\n.PHONY: test setup browser\n"
    (project / "Makefile").write_text(text, "utf-8")


def ran(project: Path, *parts: str) -> tuple[int, dict[str, str], str]:
    """Exit code, the closing table, and what was said on the way."""
    done = subprocess.run([project / ".ci/run", *parts], capture_output=True, text=True, check=False, timeout=200)
    rows = [line for line in done.stdout.splitlines() if line]
    return done.returncode, {row[:8].strip(): " ".join(row.split()) for row in rows}, done.stderr


def test_a_tier_that_cannot_run_is_told_and_is_no_failure(project: Path) -> None:
    tier(project, "a", PASSES)
    tier(project, "b", CANNOT)
    code, table, _ = ran(project, "a", "b", "c")
    assert code == 0
    assert table["tier A"].startswith("tier A passed")
    assert table["tier A"].endswith("not run here, and why: no such device")
    assert table["tier B"].startswith("tier B not run")
    assert table["tier B"].endswith("that takes root")
    assert table["tier C"].endswith("there is no .ci/tier-c")
    assert table["whole"].startswith("whole passed")


def test_any_other_exit_code_is_red_and_the_rest_runs_all_the_same(project: Path) -> None:
    tier(project, "a", FAILS)
    tier(project, "b", f"touch {project}/ran; echo nobody needs this")
    code, table, said = ran(project, "a", "b")
    assert code == 1
    assert "FAILED" in table["tier A"]
    assert "exit code 3" in table["tier A"]
    assert "FAILED" in table["whole"]
    assert (project / "ran").exists()
    assert "everything broke" in said
    assert "nobody needs this" not in said


def test_a_part_that_there_is_not_never_comes_out_green(project: Path) -> None:
    assert ran(project, "d")[:2] == (64, {})


def test_trees_are_made_while_the_tests_run_and_not_before_the_set_up(project: Path) -> None:
    makefile(project, test="wait_for made", setup="touch set-up")
    tier(project, "a", "wait_for made", prepare="[ -e set-up ] && touch made || exit 5")
    code, table, _ = ran(project, "tests", "a")
    assert code == 0
    assert list(table) == ["setup", "tests", "trees A", "tier A", "whole"]
    assert all(" passed " in row for row in table.values())


def test_tiers_that_wait_run_side_by_side_and_emulation_has_the_machine_to_itself(project: Path) -> None:
    makefile(project, test="[ ! -e from-a ] && touch tested")
    tier(project, "a", "[ -e tested ] || exit 4; touch from-a; wait_for from-b; touch over-a")
    tier(project, "b", "[ -e tested ] || exit 4; touch from-b; wait_for from-a; touch over-b")
    tier(project, "c", "[ -e over-a ] && [ -e over-b ] || exit 6")
    code, table, _ = ran(project, "tests", "c", "b", "a")
    assert code == 0, table


def test_trees_that_could_not_be_made_are_the_tiers_failure_and_nobody_elses(project: Path) -> None:
    tier(project, "a", f"touch {project}/began", prepare="echo no such mirror; exit 1")
    tier(project, "b", "true", prepare='echo "tier B: not run: no cgroups" >&2; exit 77')
    tier(project, "c", "true")
    code, table, said = ran(project, "a", "b", "c")
    assert code == 1
    assert "no such mirror" in said
    assert table["trees A"].startswith("trees A FAILED")
    assert table["tier A"].endswith("its trees were not made: build/ci/trees-A.log")
    assert not (project / "began").exists()
    assert table["tier B"].endswith("no cgroups")
    assert table["tier C"].startswith("tier C passed")


def test_red_tests_leave_the_tiers_their_turn(project: Path) -> None:
    makefile(project, test="echo 1 failed, 3 passed in 1.00s; exit 1")
    tier(project, "a", "true")
    code, table, said = ran(project, "tests", "a")
    assert code == 1
    assert table["tests"].startswith("tests FAILED")
    assert table["tier A"].startswith("tier A passed")
    assert "1 failed" in said


def test_the_table_is_kept_for_machines(project: Path) -> None:
    makefile(project, test="echo 3 passed in 1.00s")
    tier(project, "a", 'echo "not run here, and why: a \\"part\\"" >&2; exit 0')
    ran(project, "tests", "a")
    kept = json.loads((project / "build/ci/stages.json").read_text("utf-8"))
    assert kept["seconds"] >= 0
    assert [(each["stage"], each["outcome"], each["remark"]) for each in kept["stages"]] == [
        ("setup", "passed", ""),
        ("tests", "passed", "3 passed in 1.00s"),
        ("trees A", "passed", ""),
        ("tier A", "passed", 'not run here, and why: a "part"'),
    ]
    assert {type(each["seconds"]) for each in kept["stages"]} == {int}


def test_whoever_ends_the_run_ends_all_that_it_began(project: Path) -> None:
    makefile(project, test="exec 3>alive; echo tests >&3; sleep 60")
    os.mkfifo(project / "alive")
    tier(project, "a", "true", prepare="exec 3>alive; echo trees >&3; sleep 60")
    command, said = [str(project / ".ci/run"), "tests", "a"], subprocess.DEVNULL
    with (
        subprocess.Popen(command, stdout=said, stderr=said) as run,
        (project / "alive").open(encoding="utf-8") as alive,
    ):
        assert {alive.readline(), alive.readline()} == {"tests\n", "trees\n"}
        run.terminate()
        assert run.wait(100) == 130
        assert alive.read() == "", "the end comes when the last of them is gone"
