"""The truth of a whole world as one document, to hold a recording against: `simulation.json`.

Rules of this module: reads the world's logs after the fact; works on the logs of a killed process as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hw_sim.files import Entry, read_lines

FORMAT = 1
Document = dict[str, object]
_OF_JOURNAL = {"lamp": "lamps", "vibration": "vibrations", "spoken": "words", "press": "presses", "dock": "dock"}


def write_simulation(world_directory: Path, target: Path | None = None) -> Path:
    """Write `simulation.json` from a world's logs.

    Args:
        world_directory: Where the world keeps itself.
        target: The file to write; in the world's directory by default.

    Returns:
        The file written.

    Raises:
        SimulationError: A log is damaged.
    """
    path = target or world_directory / "simulation.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(simulation(world_directory), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path


def simulation(world_directory: Path) -> Document:
    """The world's truth.

    Returns:
        `frames` and `samples` (count, and one entry per start of the part), `breaks` (stretches without pictures,
        as they really were), and what a bystander perceived: `words`, `lamps`, `vibrations`, `presses`, `dock`,
        `faults`, `power`, `scenario`.
    """
    pictures, sound = _CameraRuns(), _MicrophoneRuns()
    for entry in read_lines(world_directory / "truth.jsonl"):  # Never held: a day's truth is a gigabyte as objects.
        pictures.take(entry)
        sound.take(entry)
    camera, microphone = pictures.runs, sound.runs
    journal = list(read_lines(world_directory / "journal.jsonl"))
    document: Document = {
        "format": FORMAT,
        "frames": {"count": sum(_count(run, "captured_boottime_ns") for run in camera), "runs": camera},
        "samples": {"count": sum(_total(run, "count") for run in microphone), "runs": microphone},
        "breaks": _breaks(journal),
    }
    for kind, name in _OF_JOURNAL.items():
        document[name] = [_without_kind(entry) for entry in journal if entry["kind"] == kind]
    for name, kinds in {"faults": {"fault", "battery", "clock"}, "power": {"power"}, "scenario": {"scenario"}}.items():
        document[name] = [_without_kind(entry) for entry in journal if entry["kind"] in kinds]
    return document


@dataclass(slots=True)
class _CameraRuns:
    """One document per start of the camera, with the times of all pictures that were given."""

    runs: list[Document] = field(default_factory=list)
    _sequences: list[object] = field(default_factory=list)
    _times: list[object] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        if entry["kind"] == "camera_started":
            self._sequences, self._times = [], []
            given = {"sensor_sequence": self._sequences, "captured_boottime_ns": self._times}
            self.runs.append(_without_kind(entry) | given)
        elif entry["kind"] == "camera_frame" and self.runs:
            self._sequences.append(entry["sensor_sequence"])
            self._times.append(entry["captured_boottime_ns"])
        elif entry["kind"] == "camera_stopped" and self.runs:
            self.runs[-1] |= {"stopped_boottime_ns": entry["at_boottime_ns"], "stopped": entry["reason"]}


@dataclass(slots=True)
class _MicrophoneRuns:
    """One document per start of the microphone, with its unbroken stretches of samples."""

    runs: list[Document] = field(default_factory=list)
    _stretches: list[dict[str, int]] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        if entry["kind"] == "microphone_started":
            self._stretches = []
            self.runs.append(_without_kind(entry) | {"count": 0, "stretches": self._stretches})
        elif entry["kind"] == "microphone_samples" and self.runs:
            self.runs[-1]["count"] = _total(self.runs[-1], "count") + int(entry["count"] or 0)
            _extend(self._stretches, entry)
        elif entry["kind"] == "microphone_stopped" and self.runs:
            self.runs[-1] |= {"stopped_boottime_ns": entry["at_boottime_ns"], "stopped": entry["reason"]}


def _extend(stretches: list[dict[str, int]], block: Entry) -> None:
    first, count = int(block["first_sample"] or 0), int(block["count"] or 0)
    if not stretches or first != stretches[-1]["first_sample"] + stretches[-1]["count"]:
        captured_ns = int(block["captured_boottime_ns"] or 0)
        stretches.append({"first_sample": first, "count": 0, "captured_boottime_ns": captured_ns})
    stretches[-1]["count"] += count


def _breaks(journal: Iterable[Entry]) -> list[Document]:
    """Stretches in which the unit had no power, no process or no camera."""
    breaks: list[Document] = []
    open_breaks: dict[str, Document] = {}
    last_world_ns = 0
    for entry in journal:
        begun, ended = _borders(entry, open_breaks)
        if ended is not None and ended in open_breaks:
            open_breaks.pop(ended)["to_world_ns"] = entry["world_ns"]
        if begun is not None:
            from_ns = last_world_ns if begun == "process ended" else entry["world_ns"]
            broken: Document = {"cause": begun, "from_world_ns": from_ns, "to_world_ns": None}
            breaks.append(broken)
            if begun == "process ended":
                broken["to_world_ns"] = entry["world_ns"]
            else:
                open_breaks[begun] = broken
        last_world_ns = int(entry["world_ns"] or 0)
    return breaks


def _borders(entry: Entry, open_breaks: dict[str, Document]) -> tuple[str | None, str | None]:
    """Which break begins and which ends with an entry."""
    if entry["kind"] == "power":
        if not entry["on"]:
            return "power cut", None
        crashed = not entry["new_boot"]
        return ("process ended", None) if crashed else (None, "power cut")
    if entry["kind"] == "fault" and entry["part"] == "camera":
        if entry["state"] == "unplugged" and "camera unplugged" not in open_breaks:
            return "camera unplugged", None
        if entry["state"] == "plugged":
            return None, "camera unplugged"
    return None, None


def _without_kind(entry: Entry) -> Document:
    return {name: value for name, value in entry.items() if name != "kind"}


def _count(run: Document, name: str) -> int:
    values = run[name]
    return len(values) if isinstance(values, list) else 0


def _total(run: Document, name: str) -> int:
    value = run[name]
    return value if isinstance(value, int) else 0
