"""Playing a scenario: one thread of the world that does what the text says, and goes on where a killed process left.

Rules of this module: a step that acts is counted as done before it is done, so that a power cut is not cut twice; a
step that waits is counted when it is over. The speed falls to real time while somebody outside has to act, and when
the scenario is over.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable

from hw_sim.civil import NANOSECONDS
from hw_sim.conditions import Perceived
from hw_sim.errors import ScenarioFailedError
from hw_sim.scenario import Act, ChangeSpeed, End, Expect, Scenario, Step, Wait
from hw_sim.world import World

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
"""A film rolls on without a happening in the journal; this often is looked at it."""


def terminate_this_process() -> None:
    """Ask the own process to end in order."""
    os.kill(os.getpid(), signal.SIGTERM)


class ScenarioPlayer:
    """Plays one scenario in one world.

    Args:
        world: Where it happens.
        scenario: What happens.
        shut_down: Called when the scenario says `end`, or failed; ends the process in order.
    """

    def __init__(
        self, world: World, scenario: Scenario, shut_down: Callable[[], None] = terminate_this_process
    ) -> None:
        self._world = world
        self._scenario = scenario
        self._shut_down = shut_down
        self._speed = world.settings.speed
        self._stop = world.clock.signal()
        self._changed = world.clock.signal()
        self._seen = 0
        self._row = world.memory.row("scenario", 0, 0, 0, 0)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or go on after the last step that a process before this one did."""
        if self._row[0] != self._scenario.fingerprint:
            now_ns = self._world.clock.world_ns
            self._row[1], self._row[2], self._row[3] = 0, now_ns, now_ns
            self._row[0] = self._scenario.fingerprint
        self._world.journal.listen(self._changed)
        self._thread = self._world.clock.spawn("world-scenario", self._run)

    def stop(self) -> None:
        """Leave the scenario where it is; joins the thread."""
        self._stop.set()
        self._changed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._world.clock.join(self._thread)

    @property
    def finished(self) -> bool:
        """Whether every step was done."""
        return self._row[1] >= len(self._scenario.steps)

    def _run(self) -> None:
        try:
            self._await_the_unit()
            while not self.finished and not self._stop.is_set():
                self._do(self._scenario.steps[self._row[1]])
            if self.finished and not isinstance(self._scenario.steps[-1].deed, End):
                self._world.journal.note("scenario", state="over", name=self._scenario.name)
        except ScenarioFailedError as error:
            log.error("%s", error)  # noqa: TRY400 -- the line of the scenario says it, not our stack
            self._world.journal.note("scenario", state="failed", name=self._scenario.name, detail=str(error))
            self._row[1] = len(self._scenario.steps)
            self._shut_down()
        finally:
            self._slow_down()

    def _await_the_unit(self) -> None:
        """A scenario begins, and goes on after a restart, when the unit listens to its buttons."""
        world = self._world
        while not self._stop.is_set() and not world.clock.wait(world.attended, 0.1):
            pass
        if not self._stop.is_set():
            if self._row[1] == 0:
                self._row[2] = world.clock.world_ns
            if self._row[1] == 0 or world.new_boot:
                # A power cut is over when the unit is there again.
                self._row[3] = world.clock.world_ns
            self._hurry()

    def _do(self, step: Step) -> None:
        due_ns = self._row[3] + round(step.after_seconds * NANOSECONDS)
        if step.at_seconds is not None:
            due_ns = self._row[2] + round(step.at_seconds * NANOSECONDS)
        if self._pause_until(due_ns):
            return
        deed = step.deed
        if isinstance(deed, Wait):
            self._wait(step, deed)
        elif isinstance(deed, Expect):
            self._expect(step, deed)
        if self._stop.is_set():
            return
        self._done()
        if isinstance(deed, Act):
            self._act(deed)
        elif isinstance(deed, ChangeSpeed):
            self._speed = deed.speed
            self._hurry()
        elif isinstance(deed, End):
            self._world.journal.note("scenario", state="end", name=self._scenario.name)
            self._shut_down()

    def _done(self) -> None:
        self._row[3] = self._world.clock.world_ns
        self._row[1] += 1

    def _act(self, deed: Act) -> None:
        self._seen = len(self._world.journal)
        over_ns = deed.move(self._world)
        if over_ns is not None:
            self._pause_until(over_ns)
        self._row[3] = self._world.clock.world_ns

    def _wait(self, step: Step, deed: Wait) -> None:
        world = self._world
        limit_ns = world.clock.world_ns + round(deed.within_seconds * NANOSECONDS)
        if deed.outside:
            self._slow_down()
        while not self._stop.is_set():
            self._changed.clear()
            if deed.condition.met(self._perceived(self._seen)):
                self._seen = len(world.journal)
                self._hurry()
                return
            if world.clock.world_ns >= limit_ns:
                raise ScenarioFailedError(self._told(step, f"did not happen within {deed.within_seconds:g} s"))
            left_seconds = (limit_ns - world.clock.world_ns) / NANOSECONDS
            world.clock.wait(self._changed, min(left_seconds, _LOOK_SECONDS))

    def _expect(self, step: Step, deed: Expect) -> None:
        if not deed.condition.met(self._perceived(0)):
            raise ScenarioFailedError(self._told(step, "is not so"))

    def _perceived(self, since: int) -> Perceived:
        film_ns = self._world.memory.row("film", 0, 0)[0]
        return Perceived(self._world.indicators.shown, self._world.journal.since(since), film_ns)

    def _told(self, step: Step, what: str) -> str:
        heard = [str(entry["words"]) for entry in self._world.journal.since(0) if entry["kind"] == "spoken"]
        lamp = self._world.indicators.shown
        return (
            f"{self._scenario.name}, line {step.line}: {step.text!r} {what}; the lamp is {lamp.colour.value} "
            f"({lamp.meaning or 'no meaning'}), last words: {heard[-1] if heard else 'none'}"
        )

    def _pause_until(self, world_ns: int) -> bool:
        """Wait for a time; tells whether the scenario was stopped meanwhile."""
        left_ns = world_ns - self._world.clock.world_ns
        if left_ns <= 0:
            return self._stop.is_set()
        return self._world.clock.wait(self._stop, left_ns / NANOSECONDS)

    def _hurry(self) -> None:
        if self._world.clock.speed != "stepped":
            self._world.clock.set_speed(self._speed)

    def _slow_down(self) -> None:
        if self._world.clock.speed != "stepped":
            self._world.clock.set_speed(1.0)
