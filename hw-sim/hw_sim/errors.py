"""Errors of the simulator itself.

Rules of this module: what the simulated parts raise are the errors of `hal`; here stands only what the world, its
clock and its scenarios can get wrong.
"""

from __future__ import annotations


class SimulationError(Exception):
    """The simulated world cannot go on, or was asked for something that it cannot be."""


class ClockStalledError(SimulationError):
    """A participant neither waited nor ended for so long that the world's time stands still."""


class ScenarioError(SimulationError):
    """A scenario cannot be read; the message names the line and the remedy."""


class ScenarioFailedError(SimulationError):
    """What a scenario expected did not happen; the message names the line."""
