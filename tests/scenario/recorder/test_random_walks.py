"""Random walks of a whole unit: real recorder, writer and encoders on simulated hardware (CS-1, CS-9, CS-10)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.scenario.recorder.walk import UnitWalk
from tests.scenario.recorder.walked import Voices

# Threads of a real unit do not run the same way twice: what fails is not shrunk, its steps are printed as they were.
WALK = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def walk(rendered: Path, directory: Path, examples: int, steps: int) -> int:
    """Walk; gives the number of steps that were taken."""
    (directory / "voices").mkdir()
    taken: list[int] = []

    class Walk(UnitWalk):
        voices = Voices(rendered, directory / "voices")

        def teardown(self) -> None:
            taken.append(self.steps)
            super().teardown()

    Walk.directory = directory
    run_state_machine_as_test(Walk, settings=settings(WALK, max_examples=examples, stateful_step_count=steps))
    return sum(taken)


@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R8", "all")
@pytest.mark.timeout(900)
def test_whatever_happens_nothing_stops_or_breaks_in_silence(rendered: Path, tmp_path: Path) -> None:
    assert walk(rendered, tmp_path, examples=4, steps=11) >= 30


@pytest.mark.soak
def test_whatever_happens_for_thousands_of_steps(rendered: Path, tmp_path: Path) -> None:
    steps = walk(rendered, tmp_path, examples=150, steps=40)
    print(f"{steps} steps")  # noqa: T201 - the soak tells how far it went
    assert steps > 4_000
