"""Errors that the hardware ports raise.

Rules of this module: every error of the room derives from `HardwareError`; a caller decides by class alone whether
trying again can help.
"""

from __future__ import annotations


class HardwareError(Exception):
    """Something that the recorder's hardware should have done did not happen."""


class TransientHardwareError(HardwareError):
    """The part did not answer this time; trying again may help."""


class PermanentHardwareError(HardwareError):
    """The part is missing, broken or refused for good; trying again does not help."""


class StorageFullError(HardwareError, OSError):
    """The medium has no room for the write; nothing of it counts as written."""


class DriverSetError(HardwareError):
    """No driver set of the wanted name can be loaded, or its options are wrong."""
