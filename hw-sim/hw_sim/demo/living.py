"""Lets a unit live through a scenario: hands it over, watches it, starts it again after a loss of power.

Rules of this module: from outside only: the world's journal, the agent's process and its files.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from hw_sim.demo.agency import Agency
from hw_sim.demo.errors import DemoError
from hw_sim.demo.programs import wait_until
from hw_sim.demo.telling import Both, Telling
from hw_sim.demo.witness import Witness
from hw_sim.scenario import Scenario

_SCENARIO_SECONDS = 900.0
_RESTARTS_MAX = 20


def hand_over(agency: Agency, witness: Witness, telling: Telling, activity: str) -> None:
    """Start the agent and check its officers out.

    Raises:
        DemoError: A command failed.
    """
    with telling.step(Both("设备启动，准备语音", "the unit starts and makes its voice ready")):
        agency.unit.start()
        agency.unit.await_start()
    names = "、".join(officer.name for officer in agency.officers())
    with telling.step(Both(f"领用：{names}", f"checked out to {names}")):
        agency.unit.checkout(agency.officers(), activity)
    witness.look()


def live(agency: Agency, scenario: Scenario, witness: Witness, telling: Telling) -> None:
    """Watch until the scenario is over.

    Raises:
        DemoError: The scenario failed, or the agent ended by itself.
        LateError: It takes too long.
    """
    restarts = _Restarts(agency)
    with telling.bar(Both("录制", "recording")) as move:

        def over() -> bool:
            witness.look()
            steps, world_seconds = witness.progress()
            move(steps / len(scenario.steps), f"{int(world_seconds) // 60:02d}:{world_seconds % 60:04.1f}")
            return witness.scenario is not None or restarts.ended(witness.look)

        wait_until(over, _SCENARIO_SECONDS, f"the end of {scenario.name}")
    if witness.scenario is not None and witness.scenario[0] == "failed":
        raise DemoError(f"the day did not go as written: {witness.scenario[1]}")


class _Restarts:
    """Does what systemd does after power-up.

    Args:
        agency: Whose unit it is.
    """

    def __init__(self, agency: Agency) -> None:
        self._agency = agency
        self._count = 0

    def ended(self, look: Callable[[], None]) -> bool:
        """Start the agent again when the power took it; tells whether it ended for good."""
        code = self._agency.unit.agent.exit_code
        if code is None:
            return False
        look()
        if code == 0:
            return True
        if code != -signal.SIGKILL or self._count >= _RESTARTS_MAX:
            raise self._agency.unit.agent.failed(f"ended with exit code {code}")
        self._count += 1
        self._agency.unit.start()
        return False
