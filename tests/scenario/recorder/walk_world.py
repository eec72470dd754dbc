"""What can go wrong in a walk's world, several things at the same instant too; and what had been synced before."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hal.values import SoundClip
from hw_sim.media.faults import Dead, Frozen
from hw_sim.world import World
from tests.scenario.recorder.unit import Place, Unit

MIB = 1 << 20
FULL_PERCENT = 95.0
SHRILL = SoundClip(b"\xff\x7f" * 24_000 + b"\x00\x80" * 24_000, 48_000, "siren")


def _siren(world: World) -> None:
    world.air.say(SHRILL, world.clock.boottime_ns())


TROUBLES: Mapping[str, Callable[[World], None]] = {
    "camera out": lambda world: world.plug_camera(plugged=False),
    "camera hangs": lambda world: world.freeze_camera(Frozen.STOPS),
    "picture frozen": lambda world: world.freeze_camera(Frozen.REPEATS),
    "lens covered": lambda world: world.cover_camera(covered=True),
    "frames dropped": lambda world: world.drop_frames(9),
    "frame late": lambda world: world.delay_frame(0.7),
    "microphone out": lambda world: world.plug_microphone(plugged=False),
    "microphone dead": lambda world: world.kill_microphone(Dead.ZEROS),
    "samples lost": lambda world: world.lose_samples(20_000),
    "speaker out": lambda world: world.plug_speaker(plugged=False),
    "siren": _siren,
    "medium stalls": lambda world: world.stall_storage(7.0),
    "medium fails": lambda world: world.fail_storage("sync", errno.EIO),
    "medium protected": lambda world: world.write_protect_storage(protected=True),
    "medium full": lambda world: world.fill_storage(70 * MIB),
    "board hot": lambda world: world.heat_board(92.0),
    "supply weak": lambda world: world.weaken_supply(weak=True),
    "pack nearly empty": lambda world: world.exchange_battery(0.7),
    "clock stepped": lambda world: world.step_clock(-3.0),
}
"""What several of may come at the same instant."""


def mend_world(world: World) -> None:
    """Take every fault away."""
    world.plug_camera(plugged=True)
    world.freeze_camera(Frozen.NO)
    world.cover_camera(covered=False)
    world.plug_microphone(plugged=True)
    world.kill_microphone(Dead.NO)
    world.plug_speaker(plugged=True)
    world.mend_storage()
    world.fill_storage(20_000 * MIB)
    world.medium.sync_seconds = 0.004
    world.heat_board(45.0)
    world.weaken_supply(weak=False)
    world.exchange_battery(FULL_PERCENT)


@dataclass
class Synced:
    """What had reached the medium for good when somebody looked: file → length and digest."""

    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    def look(self, unit: Unit) -> None:
        """Note what can no longer be lost."""
        medium = unit.world.medium
        for path in sorted(unit.place.spool.glob("*.evs")):
            with medium.lock:
                open_file = medium.unsettled_files.get(path.name)
                size = path.stat().st_size if open_file is None else open_file.synced_bytes
            if self.files.get(path.name, (0, ""))[0] != size:
                self.files[path.name] = (size, _digest(path, size))

    def check(self, place: Place) -> None:
        """Find every synced byte where it was, on the unit or with whoever gave a receipt for it."""
        for name, (size, digest) in self.files.items():
            path = place.spool / name
            if size == 0:
                continue  # A file without a beginning holds no record; the next start sets it aside.
            if not path.exists():
                path = place.handed_over / name
            assert path.exists(), f"{name} is gone"
            assert path.stat().st_size >= size, f"{name} was {size} bytes when it was synced"
            assert _digest(path, size) == digest, f"{name} is not what was synced"


def _digest(path: Path, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size)).hexdigest()
