"""What continuous integration makes of tiers that pass, fail, cannot run, or are not there."""

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[3] / ".ci/run"
PASSES = 'echo "tier A: not run here, and why: no such device" >&2'
CANNOT = 'echo "tier B: not run: that takes root" >&2; exit 77'
FAILS = "exit 3"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(RUN, tmp_path / ".ci/run")
    return tmp_path


def tier(project: Path, name: str, script: str) -> None:
    path = project / f".ci/tier-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def ran(project: Path, *parts: str) -> tuple[int, list[str]]:
    done = subprocess.run([project / ".ci/run", *parts], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, [" ".join(line.split()) for line in done.stdout.splitlines() if line]


def test_a_tier_that_cannot_run_is_told_and_is_no_failure(project: Path) -> None:
    tier(project, "a", PASSES)
    tier(project, "b", CANNOT)
    code, table = ran(project, "a", "b", "c")
    assert code == 0
    assert table[0].startswith("tier A passed")
    assert table[0].endswith("not run here, and why: no such device")
    assert table[1].startswith("tier B not run")
    assert table[1].endswith("that takes root")
    assert table[2].endswith("there is no .ci/tier-c")


def test_any_other_exit_code_is_red_and_the_rest_runs_all_the_same(project: Path) -> None:
    tier(project, "a", FAILS)
    tier(project, "b", f"touch {project}/ran")
    code, table = ran(project, "a", "b")
    assert code == 1
    assert "FAILED" in table[0]
    assert "exit code 3" in table[0]
    assert (project / "ran").exists()


def test_a_part_that_there_is_not_never_comes_out_green(project: Path) -> None:
    assert ran(project, "d") == (64, [])
