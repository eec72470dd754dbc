"""Errors of the demo.

Rules of this module: each message names the thing, what is wrong with it and what to do.
"""

from __future__ import annotations

from hw_sim.errors import SimulationError


class DemoError(SimulationError):
    """The demo cannot go on."""


class FolderRefusedError(DemoError):
    """The folder for results holds something that is not a demo's; nothing in it was touched."""


class CommandFailedError(DemoError):
    """A command of the project failed, or is not there."""


class LateError(DemoError):
    """Something did not happen in the time that it has."""
