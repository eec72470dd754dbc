"""The truth of a whole world as one document, to hold a recording against: `simulation.json`.

Rules of this module: reads the world's logs after the fact; works on the logs of a killed process as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
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
    # Read once for each part and never held: a day's truth is a gigabyte as objects.
    camera = _camera_runs(read_lines(world_directory / "truth.jsonl"))
    microphone = _microphone_runs(read_lines(world_directory / "truth.jsonl"))
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


def _camera_runs(truth: Iterable[Entry]) -> list[Document]:
    """One document per start of the camera, with the times of all pictures that were given."""
    runs: list[Document] = []
    sequences: list[object] = []
    times: list[object] = []
    for entry in truth:
        if entry["kind"] == "camera_started":
            sequences, times = [], []
            runs.append(_without_kind(entry) | {"sensor_sequence": sequences, "captured_boottime_ns": times})
        elif entry["kind"] == "camera_frame" and runs:
            sequences.append(entry["sensor_sequence"])
            times.append(entry["captured_boottime_ns"])
        elif entry["kind"] == "camera_stopped" and runs:
            runs[-1] |= {"stopped_boottime_ns": entry["at_boottime_ns"], "stopped": entry["reason"]}
    return runs


def _microphone_runs(truth: Iterable[Entry]) -> list[Document]:
    """One document per start of the microphone, with its unbroken stretches of samples."""
    runs: list[Document] = []
    stretches: list[dict[str, int]] = []
    for entry in truth:
        if entry["kind"] == "microphone_started":
            stretches = []
            runs.append(_without_kind(entry) | {"count": 0, "stretches": stretches})
        elif entry["kind"] == "microphone_samples" and runs:
            runs[-1]["count"] = _total(runs[-1], "count") + int(entry["count"] or 0)
            _extend(stretches, entry)
        elif entry["kind"] == "microphone_stopped" and runs:
            runs[-1] |= {"stopped_boottime_ns": entry["at_boottime_ns"], "stopped": entry["reason"]}
    return runs


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
