"""The shaker changes when things happen, and nothing else."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shaken.naps import LEVEL_VARIABLE, Naps

ROOT = Path(__file__).parents[3]
SHAKER = ROOT / "tests" / "shaken"
PROGRAM = """
import os, subprocess, sys, threading
heard = []
thread = threading.Thread(target=heard.append, args=(1,))
thread.start()
thread.join()
asked = [sys.executable, "-c", "import os; print(hasattr(os.replace, '__wrapped__'))"]
child = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True)
try:
    os.unlink("nothing-here")
except FileNotFoundError as error:
    heard.append(error.filename)
print(heard, child.stdout.strip())
"""


@pytest.mark.parametrize(("level", "shaken"), [("3", True), (None, False)])
def test_a_shaken_process_does_what_it_did_and_so_do_its_children(
    tmp_path: Path, level: str | None, shaken: bool
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != LEVEL_VARIABLE}
    environment |= {"PYTHONPATH": os.pathsep.join([str(ROOT), str(SHAKER)])}
    if level is not None:
        environment[LEVEL_VARIABLE] = level
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == f"[1, 'nothing-here'] {shaken}"


def test_naps_come_as_often_as_their_chance_says_and_are_short() -> None:
    for level, share in ((1.0, 0.2), (2.0, 0.4)):
        naps = Naps(level, random.Random(7))
        drawn = [naps.seconds(0.2, 0.03) for _ in range(5_000)]
        assert sum(nap > 0 for nap in drawn) / len(drawn) == pytest.approx(share, abs=0.03)
        assert max(drawn) <= 0.5
        assert sorted(drawn)[-len(drawn) // 50] <= 0.03
