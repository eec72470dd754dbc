"""A scenario of one's own: a unit lives through it, and what it sealed is verified.

Rules of this module: the parts of the demo in a shorter order; nothing is uploaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hw_sim.demo.agency import Agency, agency, options_of
from hw_sim.demo.errors import DemoError
from hw_sim.demo.folder import OutFolder
from hw_sim.demo.living import hand_over, live
from hw_sim.demo.proof import open_all, tell_truth, verify
from hw_sim.demo.rules import Language
from hw_sim.demo.telling import Both, Telling
from hw_sim.demo.unit import Option
from hw_sim.demo.witness import Witness
from hw_sim.scenario import Scenario, Wait, parse

_ACTIVITY = "SCENARIO"


@dataclass(frozen=True, slots=True)
class RunWishes:
    """What was asked for on the command line."""

    scenario: Path
    out: Path
    video: Path | None = None
    profile: str = "huainan"
    language: Language = "zh"
    options: Mapping[str, Option] = field(default_factory=dict)


def run_scenario(wishes: RunWishes, telling: Telling) -> None:
    """Let a unit live through a scenario.

    Raises:
        SimulationError: The scenario cannot be read or failed, or a command failed.
    """
    scenario = parse(wishes.scenario.read_text(encoding="utf-8"), wishes.scenario.name)
    out = OutFolder(wishes.out)
    out.prepare()
    telling.title(Both("模拟设备", "A simulated unit lives through a scenario"), scenario.name)
    with agency(out, wishes.profile, wishes.language, telling) as ready:
        ready.unit.configure(options_of(ready.unit.world, wishes.scenario, wishes.video, wishes.options))
        witness = Witness(ready.unit.world, telling)
        try:
            _live(ready, scenario, witness, telling)
        finally:
            ready.unit.stop()
            witness.look()
            tell_truth(ready, out)
        out.take_sealed(ready.unit.spool)
        out.take_trust_and_keys(ready.store.directory)
        report = verify(ready, out, telling)
        if report["sessions"].items():
            open_all(ready, out, telling)
    telling.say(f"{out.root}  {telling.seconds:.0f} s")


def _live(ready: Agency, scenario: Scenario, witness: Witness, telling: Telling) -> None:
    if any(isinstance(step.deed, Wait) and step.deed.outside for step in scenario.steps):
        hand_over(ready, witness, telling, _ACTIVITY)
    else:
        ready.unit.start()
    live(ready, scenario, witness, telling)
    if witness.scenario is None:
        raise DemoError(f"the agent ended before {scenario.name} was over")
