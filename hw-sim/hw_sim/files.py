"""Reading the world's logs back.

Rules of this module: a line cut short by a kill is no error, anything else that is not JSON is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from hw_sim.errors import SimulationError

Entry = dict[str, str | int | float | bool | None]


def read_lines(path: Path) -> Iterator[Entry]:
    """Every whole line of a file of JSON lines.

    Raises:
        SimulationError: A line is not a JSON object; the message names file and line.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith("\n"):
                return
            try:
                yield cast("Entry", json.loads(line))
            except json.JSONDecodeError as error:
                raise SimulationError(f"{path}, line {number}: not JSON ({error}); move the file away") from error
