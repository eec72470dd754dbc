"""What really happened in a walk's world, as far as the judge asks: frames, lamps, words, pulses, how boots ended."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw_sim.simulation import simulation
from sealing.framing import RecordHeader
from tests.scenario.recorder.long_day import TICK_NS, Run, runs_of

SECOND_NS = 1_000_000_000
PACK_OFF_SECONDS = 30.0
"""How long the simulated unit is off behind an empty pack; no cut of a walk takes exactly so long."""
MUTE_SECONDS = 10.0
NOT_RECORDING = frozenset({"interrupted", "fault", "finishing", "idle"})

Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Perceived:
    """What a bystander perceived; times are boot and CLOCK_BOOTTIME."""

    boots: Sequence[tuple[int, str]]
    """World time at which each process found its boot."""
    lamps: Entries
    vibrations: Entries
    words: Entries
    faults: Entries
    power: Entries

    @classmethod
    def of(cls, world: Path) -> Perceived:
        """Read it from the world's logs."""
        document: dict[str, Any] = simulation(world)
        boots = [(entry["world_ns"], entry["boot_id"]) for entry in document["power"] if entry["on"]]
        names = ("lamps", "vibrations", "words", "faults", "power")
        return cls(boots, *(document[name] for name in names))

    def boot_at(self, world_ns: int) -> str:
        """The boot in which something happened."""
        return next(boot for begun, boot in reversed(self.boots) if begun <= world_ns)

    def _in(self, entries: Entries, boot: str) -> Iterator[Mapping[str, Any]]:
        return (entry for entry in entries if self.boot_at(entry["world_ns"]) == boot)

    def not_recording(self, boot: str, from_ns: int, until_ns: int) -> bool:
        """Whether the lamp came to show that nothing is kept."""
        shown = (entry for entry in self._in(self.lamps, boot) if entry["meaning"] in NOT_RECORDING)
        return any(from_ns <= entry["boottime_ns"] < until_ns for entry in shown)

    def felt(self, meaning: str) -> Iterator[tuple[str, int]]:
        """Each pulse of a meaning."""
        for entry in self.vibrations:
            if entry["meaning"] == meaning:
                yield self.boot_at(entry["world_ns"]), entry["boottime_ns"]

    def said(self, words: str, boot: str, from_ns: int, until_ns: int) -> bool:
        """Whether the unit said something, to its end or not."""
        unit = (entry for entry in self._in(self.words, boot) if entry["speaker"] == "unit" and words in entry["words"])
        return any(from_ns <= entry["started_boottime_ns"] < until_ns for entry in unit)

    def may_be_mute(self, boot: str, at_ns: int) -> bool:
        """Whether the loudspeaker was out in this boot, or it ended, before that moment."""
        faults = (entry for entry in self._in(self.faults, boot) if entry.get("part") == "speaker")
        out = any(entry["state"] == "unplugged" and entry["boottime_ns"] < at_ns for entry in faults)
        return self._began_mute(boot) or out or any(on == boot and end < at_ns for on, end in self.ends)

    def _began_mute(self, boot: str) -> bool:
        begun_ns = next(begun for begun, on in self.boots if on == boot)
        before = [
            entry["state"] for entry in self.faults if entry.get("part") == "speaker" and entry["world_ns"] < begun_ns
        ]
        return bool(before) and before[-1] == "unplugged"

    @property
    def ends(self) -> Iterator[tuple[str, int]]:
        """Ends of power and of processes: boot, and CLOCK_BOOTTIME of the last that was perceived before."""
        world = sorted([*self.lamps, *self.vibrations, *self.faults, *self.power], key=lambda entry: entry["world_ns"])
        for before, after in itertools.pairwise(world):
            if after.get("on"):
                yield self.boot_at(before["world_ns"]), before["boottime_ns"]

    @property
    def dead_packs(self) -> Iterator[str]:
        """Boots that an empty pack ended although the medium worked and the pack held for a while."""
        for entry in self.power:
            if entry["on"] or entry["off_seconds"] != PACK_OFF_SECONDS:
                continue
            boot = self.boot_at(entry["world_ns"])
            faults = list(self._in(self.faults, boot))
            weak = any("percent" in each and entry["world_ns"] - each["world_ns"] < 20 * SECOND_NS for each in faults)
            if not weak and not any(each.get("part") == "storage" for each in faults):
                yield boot


@dataclass(frozen=True)
class CameraRun:
    """Pictures from one start of the camera to its stop."""

    boot: str
    times_ns: Sequence[int]
    sequences: Sequence[int]

    def place(self, at_ns: int) -> int | None:
        """Index of the picture that was captured at a moment, to a tick of the film's clock."""
        index = bisect_left(self.times_ns, at_ns - TICK_NS)
        if index < len(self.times_ns) and abs(self.times_ns[index] - at_ns) <= TICK_NS:
            return index
        return None


def judge_frames(records: Sequence[RecordHeader], world: Path) -> None:
    """Of every unbroken run, the pictures that the sensor made are those sealed and those counted as dropped (R6)."""
    document: dict[str, Any] = simulation(world)
    cameras = [
        CameraRun(run["boot_id"], run["captured_boottime_ns"], run["sensor_sequence"])
        for run in document["frames"]["runs"]
    ]
    for run in runs_of(records):
        made, dropped = _made(run, cameras), sum(fragment.dropped_frames for fragment in run.fragments)
        said = f"{made} pictures made, {run.frames} sealed, {dropped} counted as dropped"
        assert made == run.frames + dropped, f"run of {run.boot} ended by {run.ended_by}: {said}"


def _made(run: Run, cameras: Sequence[CameraRun]) -> int:
    """Pictures that the sensor made from the run's first to its last."""
    end = run.fragments[-1]
    last_ns = end.captured_boottime_ns + (end.last_video_pts - end.first_video_pts) * 100_000 // 9
    for camera in cameras:
        if camera.boot == run.boot:
            first, last = camera.place(run.first_frame_ns), camera.place(last_ns)
            if first is not None and last is not None:
                return camera.sequences[last] - camera.sequences[first] + 1
    raise AssertionError(f"no start of the camera gave the run from {run.first_frame_ns} to {last_ns} ns")
