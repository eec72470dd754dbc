"""`python -m tests.shaken [--level 2] [--times 20] [pytest's arguments]`: the tests, shaken, until one fails."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.shaken.naps import LEVEL_VARIABLE

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]


def main() -> int:
    """Run pytest as often as asked; the exit code of the first run that is not green."""
    parser = argparse.ArgumentParser(prog="python -m tests.shaken", description=__doc__)
    parser.add_argument("--level", type=float, default=2.0, help="1 is mild, 3 is rude (default: %(default)s)")
    parser.add_argument("--times", type=int, default=1, help="how often (default: %(default)s)")
    options, rest = parser.parse_known_args()
    if not options.level > 0:
        parser.error(f"--level {options.level} must be above 0; without shaking, call pytest itself")
    for number in range(1, options.times + 1):
        sys.stdout.write(f"shaken, run {number} of {options.times}, level {options.level:g}\n")
        sys.stdout.flush()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *rest], env=_environment(options.level), check=False
        )
        if done.returncode != 0:
            return done.returncode
    return 0


def _environment(level: float) -> dict[str, str]:
    known = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(_ROOT), str(_HERE), *([known] if known else [])])
    return {**os.environ, "PYTHONPATH": path, LEVEL_VARIABLE: f"{level:g}"}


if __name__ == "__main__":
    sys.exit(main())
