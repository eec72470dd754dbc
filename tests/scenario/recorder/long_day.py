"""A long recording with breaks of all causes, and the figures that it is judged by.

What was captured is read from the world's truth, what was kept from the opened files: neither asks the recorder.
"""

from __future__ import annotations

import ctypes
import gc
import logging
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import av

from hw_sim.media.faults import Dead, Frozen
from hw_sim.simulation import simulation
from sealing.framing import RecordHeader
from sealing.opener import OpenedSession
from sealing.records import Boot, Break, Close, Fragment, Resume, SessionEnd, SessionStart
from tests.scenario.recorder.unit import Place, Unit, sample_profile

SECOND_NS = 1_000_000_000
MIB = 1 << 20
ROOM_MIB = 100_000
SETTLE_SECONDS = 40.0
"""What a break and its resumption take at most, the stretch before the next one not counted."""
BLOCK_SAMPLES = 960
"""Of the card: what the recorder asks for."""
FRAME_SAMPLES = 1024
"""Of AAC."""
TICK_NS = 11_112
"""One tick of 90 kHz, rounded up."""
MARKER = "现恢复录制"
PPM = 200.0
NEARLY_EMPTY_PERCENT = 0.2
QUEUE_BYTES = 1_500_000
"""Little memory for what the medium does not take, so that one that fails for half a minute breaks the recording."""


_M_ARENA_MAX = -8
"""Of mallopt(3)."""


def long_profile() -> dict[str, object]:
    """Sections of a profile under which every cause can occur."""
    return {"warnings": {"break_on": ("camera-frozen", "microphone-fault"), "battery_end_minutes": 2}}


def place_of(directory: Path, voice: Path, frames_per_second: float) -> Place:
    """Where such a unit keeps itself: a strong pack, a large medium, a sound card that runs fast."""
    options = {
        "microphone_ppm": PPM,
        "width": 160,
        "height": 90,
        "frames_per_second": frames_per_second,
        "battery_mwh": 60_000.0,
        "disk_mib": ROOM_MIB,
    }
    return Place(directory, voice, sample_profile(**long_profile()), dict(options), queue_bytes=QUEUE_BYTES)


@dataclass
class LongDay:
    """One session; `run` takes it from the press to the end."""

    place: Place
    seconds: float
    breaks: int
    causes: list[str] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)
    """Resident memory of this process behind each stretch."""
    marks: int = 0

    def run(self) -> None:
        """Record for so many seconds of the unit's time, with a mark and a break behind each stretch."""
        _share_heaps()
        with _words_alone():
            self._run()

    def _run(self) -> None:
        self.unit = Unit(self.place).__enter__()
        try:
            self.unit.press()
            self.unit.wait_for("recording")
            stretch = max(5.0, self.seconds / (self.breaks + 1) - SETTLE_SECONDS)
            for number, cause in enumerate(islice(cycle(self._ways()), self.breaks)):
                self._stretch(stretch)
                if number == self.breaks // 2:
                    self.unit.world.detune_microphone(-PPM)
                self._ways()[cause]()
                self.causes.append(cause)
                self.unit.wait_for("recording", 120)
            self._stretch(stretch)
            self.unit.hold()
            self.unit.wait_for("idle")
        finally:
            self.unit.__exit__(None, None, None)

    def _stretch(self, seconds: float) -> None:
        self.unit.wait(seconds / 2)
        self.unit.press("mark")
        self.marks += 1
        self.unit.wait(seconds / 2)
        self.memory_bytes.append(_resident_bytes())

    def _ways(self) -> Mapping[str, Callable[[], None]]:
        return {
            "camera-fault": self._pull_the_camera,
            "bad-weather": self._announce,
            "crash": self._end_the_process,
            "camera-frozen": self._freeze_the_picture,
            "power-loss": lambda: self._cut_the_power(40),
            "microphone-fault": self._kill_the_microphone,
            "storage-full": self._fill_the_medium,
            "storage-fault": self._protect_the_medium,
            "battery": self._empty_the_pack,
            "long power-loss": lambda: self._cut_the_power(600),
        }

    def _pull_the_camera(self) -> None:
        self.unit.world.plug_camera(plugged=False)
        self.unit.wait_for("interrupted", 5)
        self.unit.wait(3)
        self.unit.world.plug_camera(plugged=True)
        self.unit.wait_for_words(MARKER, 20)

    def _announce(self) -> None:
        self.unit.hold("mark")
        self.unit.press("mark")
        self.unit.press("record")
        self.unit.wait_for("interrupted", 5)
        self.unit.wait(6)
        self._resume()

    def _end_the_process(self) -> None:
        self.unit.crash()
        self._start_again()
        self.unit.wait_for_words(MARKER, 20)

    def _freeze_the_picture(self) -> None:
        self.unit.world.freeze_camera(Frozen.REPEATS)
        self.unit.wait_for("interrupted", 20)
        self.unit.world.freeze_camera(Frozen.NO)
        self._resume()

    def _cut_the_power(self, off_seconds: float) -> None:
        self.unit.cut_power(off_seconds)
        self._start_again()
        self.unit.wait(2)
        if self.unit.state == "interrupted":
            self.unit.press()
        self.unit.wait_for_words(MARKER, 30)

    def _kill_the_microphone(self) -> None:
        self.unit.world.kill_microphone(Dead.ZEROS)
        self.unit.wait_for("interrupted", 10)
        self.unit.world.kill_microphone(Dead.NO)
        self._resume()

    def _fill_the_medium(self) -> None:
        self.unit.world.fill_storage(40 * MIB)
        self.unit.wait_for("interrupted", 10)
        self.unit.world.fill_storage(ROOM_MIB // 2 * MIB)
        self._resume()

    def _protect_the_medium(self) -> None:
        self.unit.world.write_protect_storage(protected=True)
        self.unit.wait_for("fault", 120)
        self.unit.world.write_protect_storage(protected=False)
        self.unit.wait_for_words(MARKER, 60)

    def _empty_the_pack(self) -> None:
        self.unit.world.exchange_battery(NEARLY_EMPTY_PERCENT)
        self.unit.wait_for("interrupted", 90)
        self.unit.world.exchange_battery(100)
        self._resume()

    def _resume(self) -> None:
        """Wait for the recording to go on by itself, or press for it."""
        self.unit.wait(4)
        if self.unit.state == "interrupted":
            self.unit.press()
        if self.unit.state != "recording":
            self.unit.wait_for_words(MARKER, 30)

    def _start_again(self) -> None:
        self.unit.__exit__(None, None, None)
        self.unit = Unit(self.place)
        gc.collect()  # A process that ended keeps nothing; here the unit before is 18 MiB until it is collected.
        self.unit.__enter__()


@contextmanager
def _words_alone() -> Iterator[None]:
    """Let kept log records be words, as a journal's are.

    A test's log keeps every record to its end, with the error that it tells of, and that the whole unit in which it
    was raised: the memory of each process that ended would count as the next one's.
    """

    def words(record: logging.LogRecord) -> bool:
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        return True

    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(words)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(words)


def _share_heaps() -> None:
    """Let new threads share two heaps.

    A unit that starts again is a new process; here its threads are new ones in the same process, and the C library
    would give each generation heaps of its own and keep those of the last: 10 MiB for each restart, nobody's leak.
    """
    if not ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2):
        raise RuntimeError("the C library does not take M_ARENA_MAX; memory cannot be measured over restarts")


def _resident_bytes() -> int:
    """Resident memory, less what the C library holds of what was let go."""
    ctypes.CDLL(None).malloc_trim(0)
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


@dataclass(frozen=True)
class Run:
    """One unbroken run as it was sealed."""

    boot: str
    zero_ns: int
    """CLOCK_BOOTTIME at session time 0."""
    first_frame_ns: int
    last_frame_ns: int
    fragments: tuple[Fragment, ...]
    padding_samples: int
    """Silence that fills the last frame of sound."""
    ended_by: str
    """Cause of the break behind it; `end` for the last one."""

    @property
    def frames(self) -> int:
        """Frames that it holds."""
        return sum(fragment.frame_count for fragment in self.fragments)

    @property
    def samples(self) -> int:
        """Samples that it holds, padding included."""
        return sum(fragment.sample_count for fragment in self.fragments)


def runs_of(records: Sequence[RecordHeader]) -> list[Run]:
    """The runs between the breaks."""
    runs: list[Run] = []
    boot = begun = ""
    zero_ns = padding = 0
    held: list[Fragment] = []
    for record in records:
        match record.body:
            case Boot() as body:
                boot = body.kernel_boot_id
            case SessionStart() as body:
                zero_ns = body.session_zero_boottime_ns
            case Resume() as body:
                zero_ns = body.first_frame_boottime_ns - body.media_time_ns
            case Fragment() as body:
                begun = begun if held else boot
                held.append(body)
            case Close() as body:
                padding = body.audio_padding_samples
            case Break(cause=cause) | SessionEnd(reason=cause) if held:
                runs.append(_run(begun, zero_ns, held, padding, cause))
                held, padding = [], 0
            case _:
                pass
    return runs


def _run(boot: str, zero_ns: int, held: Sequence[Fragment], padding: int, ended_by: str) -> Run:
    last_ns = zero_ns + held[-1].last_video_pts * 100_000 // 9
    return Run(boot, zero_ns, held[0].captured_boottime_ns, last_ns, tuple(held), padding, ended_by)


@dataclass(frozen=True)
class Truth:
    """What camera and microphone gave, by boot."""

    frames: Mapping[str, Sequence[int]]
    """Capture times, ascending."""
    sound: Mapping[str, Sequence[tuple[int, int, float]]]
    """Unbroken stretches: time of the first sample, samples, samples in a nanosecond."""

    @classmethod
    def of(cls, world: Path) -> Truth:
        """Read it from the world's logs."""
        document = simulation(world)
        camera, microphone = _part(document, "frames"), _part(document, "samples")
        frames: dict[str, list[int]] = {}
        for run in camera:
            frames.setdefault(run["boot_id"], []).extend(run["captured_boottime_ns"])
        sound: dict[str, list[tuple[int, int, float]]] = {}
        for run in microphone:
            rate = 48_000 * (1 + run["clock_error_ppm"] * 1e-6) / SECOND_NS
            stretches = [(each["captured_boottime_ns"], each["count"], rate) for each in run["stretches"]]
            sound.setdefault(run["boot_id"], []).extend(stretches)
        return cls(frames, sound)

    def frames_between(self, boot: str, first_ns: int, last_ns: int) -> int:
        """Frames captured from one moment to another, both included, to a tick of the film's clock."""
        times = self.frames[boot]
        return bisect_right(times, last_ns + TICK_NS) - bisect_left(times, first_ns - TICK_NS)

    def is_frame(self, boot: str, at_ns: int) -> bool:
        """Whether a frame was captured at exactly that moment."""
        times = self.frames[boot]
        place = bisect_left(times, at_ns)
        return place < len(times) and times[place] == at_ns

    def stretch_at(self, boot: str, at_ns: int) -> tuple[int, int, float]:
        """The stretch of sound that was being captured at a moment."""
        return next(
            (begun, count, rate)
            for begun, count, rate in reversed(self.sound[boot])
            if begun <= at_ns + SECOND_NS and at_ns < begun + count / rate
        )


def _part(document: Mapping[str, object], name: str) -> list[dict[str, Any]]:
    part = document[name]
    assert isinstance(part, dict)
    runs: list[dict[str, Any]] = part["runs"]
    return runs


@dataclass(frozen=True)
class Sound:
    """A run's sound held against what the card really took."""

    offset_ms: float
    """Where the last of it stands against when it was captured. The picture stands at its capture times exactly."""
    behind_block: int
    """Samples between the end of the run's sound and the next border of the card's blocks: 0 where all came in."""
    beyond_picture: int
    """Samples behind the run's last frame."""


def sound_of(run: Run, truth: Truth) -> Sound:
    """Compare a run's sound with the truth."""
    begun_ns, _, rate = truth.stretch_at(run.boot, run.first_frame_ns)
    sounding = [fragment for fragment in run.fragments if fragment.sample_count]
    first, last = sounding[0], sounding[-1]
    card_first = round((run.zero_ns + first.first_audio_pts * SECOND_NS / 48_000 - begun_ns) * rate)
    card_last = card_first + last.first_sample - first.first_sample
    claimed_ns = run.zero_ns + last.first_audio_pts * SECOND_NS / 48_000
    card_end = card_first + run.samples - run.padding_samples
    into_block = card_end % BLOCK_SAMPLES
    return Sound(
        offset_ms=(claimed_ns - begun_ns - card_last / rate) / 1e6,
        behind_block=min(into_block, BLOCK_SAMPLES - into_block),
        beyond_picture=card_end - round((run.last_frame_ns - begun_ns) * rate),
    )


def opened_counts(session: OpenedSession) -> Iterator[tuple[int, int]]:
    """Frames and samples of every opened run, read from the films without decoding them."""
    for run in session.runs:
        with av.open(str(run.path)) as film:
            kinds = Counter(packet.stream.type for packet in film.demux() if packet.size)
        yield kinds["video"], kinds["audio"] * FRAME_SAMPLES
