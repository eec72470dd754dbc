"""Errors of the simulated picture and sound.

Rules of this module: these are raised while a world is being made, to the person who made it; at run time the drivers
raise only what the ports of `hal` allow.
"""

from __future__ import annotations

from hw_sim.errors import SimulationError


class SimulatedMediaError(SimulationError):
    """Picture or sound for the simulated world cannot be had."""


class VideoFileError(SimulatedMediaError):
    """The file given as the camera's scene cannot be read as a video."""


class VoiceError(SimulatedMediaError):
    """Somebody's words cannot be turned into sound."""
