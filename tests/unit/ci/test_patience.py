"""What `.ci/patience` makes of a mirror that fails once, or for good."""

import os
import subprocess
from pathlib import Path

PATIENCE = Path(__file__).resolve().parents[3] / ".ci/patience"
FAILS = 'tried() { echo x >>tries; [ "$(wc -l <tries)" -gt %d ] || return 7; }'
"""Shell: fails so many times."""
APT = 'apt() { echo "$@" >>asked; case "$*" in *update) ;; *) [ "$(wc -l <asked)" -gt 2 ] || return 100 ;; esac; }'
"""Shell: an apt-get whose first install fails."""


def ran(folder: Path, script: str, pauses: str = "0 0") -> subprocess.CompletedProcess[str]:
    """Run a script that has taken patience."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"source {PATIENCE}\n{script}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CI_PAUSES": pauses},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_fails_for_a_while_succeeds_and_says_how_often_it_failed(tmp_path: Path) -> None:
    done = ran(tmp_path, f"{FAILS % 2}\npatiently tried a b\necho after")
    assert (done.returncode, done.stdout) == (0, "after\n")
    assert done.stderr.splitlines() == ["== exit code 7, tried again in 0 s: tried a b"] * 2


def test_what_succeeds_is_done_once_and_in_silence(tmp_path: Path) -> None:
    done = ran(tmp_path, f"{FAILS % 0}\npatiently tried", pauses="60")
    assert (done.returncode, done.stderr, (tmp_path / "tries").read_text()) == (0, "", "x\n")


def test_what_fails_for_good_ends_with_its_own_exit_code(tmp_path: Path) -> None:
    done = ran(tmp_path, f"{FAILS % 9}\npatiently tried\necho after")
    assert (done.returncode, done.stdout) == (7, "")
    assert (tmp_path / "tries").read_text() == "x\n" * 3


def test_packages_that_a_mirror_has_no_more_are_asked_for_by_new_lists(tmp_path: Path) -> None:
    assert ran(tmp_path, f"{APT}\npatiently apt_install apt -qq -- one two").returncode == 0
    asked = [line.split() for line in (tmp_path / "asked").read_text().splitlines()]
    assert [line[-1] for line in asked] == ["update", "two", "update", "two"]
    assert all(line[0] == "-qq" and "Acquire::Retries=5" in line for line in asked)


def test_whoever_set_pips_patience_is_heeded(tmp_path: Path) -> None:
    said = [ran(tmp_path, f'{own} source {PATIENCE}; echo "$PIP_RETRIES"').stdout for own in ("", "PIP_RETRIES=2;")]
    assert said == ["10\n", "2\n"]
