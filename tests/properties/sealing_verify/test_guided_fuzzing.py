"""Coverage-guided fuzzing of parser and verifier: no crash, no hang, no unbounded memory, no false OK."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SECONDS = 60 if os.environ.get("CI") else 10
"""A minute where nobody waits for it."""
MEMORY_MB = 1_024
HANG_SECONDS = 30
EXECUTIONS_MIN = 100
"""Fewer mean that the machine had no time for it, and nothing was shown: it is given more."""
LONG_SECONDS = 300
"""For what ends by itself long before."""

SEED = "-seed=1"
"""What decides over a change of the code repeats; only the soak goes where nobody was."""

pytestmark = pytest.mark.skipif(find_spec("atheris") is None, reason="libFuzzer's binding is made for x86-64 alone")


def fuzz(corpus: Path, seconds: int, *flags: str) -> tuple[int, str]:
    """Run the target for a time; gives its exit code and what libFuzzer said."""
    limits = (f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MB}", f"-timeout={HANG_SECONDS}")
    how = ("-print_final_stats=1", "-len_control=0", "-max_len=65536", f"-artifact_prefix={corpus.parent}/")
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzz_target", corpus, *limits, *how, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds + 120,
        check=False,
    )
    return done.returncode, done.stdout


def figure(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", said)
    assert found is not None, said[-2_000:]
    return int(found[1])


def assert_nothing_found(tmp_path: Path, seconds: int, *flags: str) -> str:
    executed = memory = 0
    while executed < EXECUTIONS_MIN:
        code, said = fuzz(tmp_path / "corpus", seconds, *flags)
        assert code == 0, said[-4_000:]
        executed, memory = figure(said, "number_of_executed_units"), figure(said, "peak_rss_mb")
        assert memory < MEMORY_MB
        seconds *= 3
    return f"{executed} executions, {memory} MB at most"


@pytest.mark.system
def test_guided_fuzzing_finds_nothing(tmp_path: Path) -> None:
    assert_nothing_found(tmp_path, SECONDS, SEED)


@pytest.mark.system
def test_the_target_would_see_a_false_ok(tmp_path: Path) -> None:
    """A verifier that found nothing in the first change would end the fuzzing with a finding."""
    code, said = fuzz(tmp_path / "corpus", LONG_SECONDS, SEED, "--blind")
    assert code != 0
    assert "was called clean" in said


@pytest.mark.soak
def test_guided_fuzzing_finds_nothing_in_ten_minutes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = assert_nothing_found(tmp_path, 600)
    with capsys.disabled():
        sys.stdout.write(f"\nfuzzing of parser and verifier, 600 s: {told}, no finding\n")
