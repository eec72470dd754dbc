"""The options of the simulator's driver set, as they stand in `[hal.options]` of the configuration.

Rules of this module: every option is named, typed and bounded here; an unknown or wrong one is refused with its name
and the remedy, before anything is opened.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hal.errors import DriverSetError
from hal.values import ButtonName, TimeSource
from hw_sim.civil import NANOSECONDS
from hw_sim.clock import Speed
from hw_sim.world import WorldSettings

Option = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that can be said of a simulated unit beforehand."""

    world_directory: Path
    """Where the world keeps itself over processes; beside the spool by default."""
    settings: WorldSettings
    scenario: Path | None = None
    video: Path | None = None
    width: int | None = None
    """Overrides what the camera is asked for, in pixels; so do height and frames_per_second."""
    height: int | None = None
    frames_per_second: float | None = None


_Set = Callable[[Options, Option], Options]


def read_options(given: Mapping[str, Option], spool_directory: Path) -> Options:
    """Check and read options.

    Raises:
        DriverSetError: One is unknown, of the wrong kind or out of bounds.
    """
    options = Options(spool_directory.parent / "world", WorldSettings(speed=1.0))
    for name, value in given.items():
        if name not in _SETTERS:
            near = difflib.get_close_matches(name, _SETTERS, n=1)
            offered = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(_SETTERS))}"
            raise DriverSetError(f"hal.options.{name}: no such option of the driver set sim; {offered}")
        try:
            options = _SETTERS[name](options, value)
        except (TypeError, ValueError) as error:
            raise DriverSetError(f"hal.options.{name} = {value!r}: {error}") from error
    return options


def _text(value: Option) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("give a text in quotes")
    return value


def _number(value: Option, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"give a number from {low:g} to {high:g}")
    return float(value)


def _whole(value: Option, low: int, high: int) -> int:
    number = _number(value, low, high)
    if number != int(number):
        raise ValueError(f"give a whole number from {low} to {high}")
    return int(number)


def _file(value: Option) -> Path:
    path = Path(_text(value))
    if not path.is_file():
        raise ValueError("there is no such file; give the path of one")
    return path


def _speed(value: Option) -> Speed:
    if value == "max":
        return "max"
    if value == "stepped":
        return "stepped"
    if value == "real":
        return 1.0
    return _number(value, 0.01, 1000)


def _utc_ns(value: Option) -> int:
    time = datetime.fromisoformat(_text(value))
    if time.tzinfo is None:
        raise ValueError("give a time with its zone, for example 2026-01-01T09:00:00+08:00")
    return round(time.timestamp()) * NANOSECONDS


def _buttons(value: Option) -> tuple[ButtonName, ...]:
    return tuple(ButtonName(name.strip()) for name in _text(value).split(","))


def _pack(settings: WorldSettings, **changed: float) -> WorldSettings:
    return replace(settings, pack=replace(settings.pack, **changed))


def _of_world(change: Callable[[WorldSettings, Option], WorldSettings]) -> _Set:
    return lambda options, value: replace(options, settings=change(options.settings, value))


_SETTERS: Mapping[str, _Set] = {
    "world_directory": lambda options, value: replace(options, world_directory=Path(_text(value))),
    "scenario": lambda options, value: replace(options, scenario=_file(value)),
    "video": lambda options, value: replace(options, video=_file(value)),
    "width": lambda options, value: replace(options, width=_whole(value, 16, 7680)),
    "height": lambda options, value: replace(options, height=_whole(value, 16, 4320)),
    "frames_per_second": lambda options, value: replace(options, frames_per_second=_number(value, 1, 120)),
    "speed": _of_world(lambda world, value: replace(world, speed=_speed(value))),
    "seed": _of_world(lambda world, value: replace(world, seed=_whole(value, 0, 1 << 31))),
    "battery_percent": _of_world(lambda world, value: _pack(world, first_percent=_number(value, 0, 100))),
    "battery_mwh": _of_world(lambda world, value: _pack(world, capacity_mwh=_number(value, 1, 1e6))),
    "disk_mib": _of_world(lambda world, value: replace(world, quota_bytes=_whole(value, 1, 1 << 30) << 20)),
    "sync_ms": _of_world(lambda world, value: replace(world, sync_seconds=_number(value, 0, 10_000) / 1000)),
    "start_utc": _of_world(lambda world, value: replace(world, first_utc_ns=_utc_ns(value))),
    "clock_drift_ppm": _of_world(lambda world, value: replace(world, drift_ppm=_number(value, -1000, 1000))),
    "clock_source": _of_world(lambda world, value: replace(world, time_source=TimeSource(_text(value)))),
    "microphone_ppm": _of_world(lambda world, value: replace(world, microphone_ppm=_number(value, -1000, 1000))),
    "buttons": _of_world(lambda world, value: replace(world, buttons=_buttons(value))),
    "stall_seconds": _of_world(lambda world, value: replace(world, stall_seconds=_number(value, 1, 3600))),
}
