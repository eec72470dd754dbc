"""Finding driver sets by entry point.

Rules of this module: a driver set is looked up by name and only by name; no driver is imported before it is asked for,
and no name is special.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import cast

from hal.errors import DriverSetError
from hal.ports import DriverSet

ENTRY_POINT_GROUP = "recorder.hal_drivers"


def installed_driver_sets() -> tuple[str, ...]:
    """Names of all driver sets installed in this environment, sorted."""
    return tuple(sorted({found.name for found in _found()}))


def load_driver_set(name: str) -> DriverSet:
    """Make the driver set called `name`.

    Args:
        name: The entry point's name, for example `pi`.

    Returns:
        A fresh driver set that has not opened anything yet.

    Raises:
        DriverSetError: No such driver set is installed, or its package cannot be imported here.
    """
    for found in _found():
        if found.name == name:
            return _make(found)
    names = ", ".join(installed_driver_sets()) or "none"
    raise DriverSetError(f"hal.driver_set = {name!r}: no such driver set; installed are: {names}")


def _found() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=ENTRY_POINT_GROUP))


def _make(found: EntryPoint) -> DriverSet:
    try:
        factory = found.load()
    except ImportError as error:
        raise DriverSetError(f"driver set {found.name!r} cannot be imported: {error}; install its extra") from error
    return cast("DriverSet", factory())
