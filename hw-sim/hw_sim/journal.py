"""What a bystander sees, hears and does: lamps, vibration, words, presses, plugs and the dock, with times.

Rules of this module: one line of JSON per happening, written before anybody learns of it, so that a process killed in
the next instruction has not hidden it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from hal.ports import Signal
from hw_sim.clock import SimClock
from hw_sim.files import read_lines

Fact = str | int | float | bool | None
Happening = dict[str, Fact]


class Journal:
    """The log of everything that can be perceived from outside the unit.

    Args:
        path: File of JSON lines; earlier lines of the same world stay.
        clock: The world's clock.
    """

    def __init__(self, path: Path, clock: SimClock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._happenings: list[Happening] = []
        self._listeners: list[Signal] = []
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)

    def note(self, kind: str, **facts: Fact) -> None:
        """Write one happening. Never blocks; any thread."""
        now_ns = self._clock.world_ns
        entry: Happening = {"kind": kind, "world_ns": now_ns, "boottime_ns": self._clock.boottime_ns(), **facts}
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        with self._lock:
            if self._file >= 0:
                os.write(self._file, line.encode())
            self._happenings.append(entry)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.set()

    def speaking(self, speaker: str, words: str, started_boottime_ns: int) -> None:
        """Note that somebody begins to speak (`unit` is the loudspeaker)."""
        self.note("speaking", speaker=speaker, words=words, started_boottime_ns=started_boottime_ns)

    def spoken(
        self, speaker: str, words: str, started_boottime_ns: int, ended_boottime_ns: int, *, complete: bool
    ) -> None:
        """Note that the words ended or were cut off."""
        self.note(
            "spoken",
            speaker=speaker,
            words=words,
            started_boottime_ns=started_boottime_ns,
            ended_boottime_ns=ended_boottime_ns,
            complete=complete,
        )

    def listen(self, signal: Signal) -> None:
        """Raise `signal` at every happening from now on."""
        with self._lock:
            self._listeners.append(signal)

    def since(self, index: int) -> list[Happening]:
        """Happenings of this process from number `index` on."""
        with self._lock:
            return self._happenings[index:]

    def __len__(self) -> int:
        """How many happenings this process has noted."""
        with self._lock:
            return len(self._happenings)

    def whole(self) -> Iterator[Happening]:
        """Every happening of this world, those of killed processes included."""
        yield from read_lines(self._path)

    def close(self) -> None:
        """Write no more; idempotent."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
