"""Hours of recording with breaks of all causes: everything that was captured outside of them is there (R6, CS-10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealing.records import Break, Mark, Open, Resume, SessionEnd
from tests.scenario.recorder.long_day import (
    BLOCK_SAMPLES,
    LongDay,
    Run,
    Truth,
    opened_counts,
    place_of,
    runs_of,
    sound_of,
)
from tests.scenario.recorder.unit import bodies, copy_of, headers, only, opened, verified

MIB = 1 << 20
OFFSET_MS = 40.0
SHORT_FILE_SECONDS = 60
EXACT_SAMPLES = 2
"""A border is found from times that are whole ticks of 48 kHz at both ends."""
ORDERLY = frozenset({"camera-fault", "bad-weather", "camera-frozen", "storage-full", "battery", "button"})
"""What ends a run in order, so that everything that was captured is in it. Not the process's end, nor the medium's."""
CAUSES = (
    "camera-fault",
    "bad-weather",
    "crash",
    "camera-frozen",
    "power-loss",
    "microphone-fault",
    "storage-full",
    "storage-fault",
    "battery",
    "power-loss",
)


def day(rendered: Path, directory: Path, seconds: float, breaks: int, frames_per_second: float) -> LongDay:
    """A session that was recorded."""
    (directory / "unit").mkdir()
    recorded = LongDay(place_of(directory / "unit", copy_of(rendered, directory), frames_per_second), seconds, breaks)
    recorded.run()
    return recorded


def judge(recorded: LongDay, directory: Path) -> None:
    """Hold what was opened against what really happened."""
    spool = recorded.place.spool
    assert verified(spool).intact
    truth, runs = Truth.of(recorded.place.directory / "world"), runs_of(list(headers(spool)))
    (session,) = opened(spool, directory / "opened")
    assert [run.ended_by for run in runs] == [*(CAUSES * 2)[: recorded.breaks], "button"]
    counts = list(opened_counts(session))
    for run, (frames, samples) in zip(runs, counts, strict=True):
        assert frames == run.frames == truth.frames_between(run.boot, run.first_frame_ns, run.last_frame_ns)
        assert samples == run.samples
        assert all(fragment.lost_samples == fragment.dropped_frames == 0 for fragment in run.fragments[:-1])
        sound = sound_of(run, truth)
        assert abs(sound.offset_ms) <= OFFSET_MS
        if run.ended_by in ORDERLY:
            assert sound.behind_block <= EXACT_SAMPLES
            # What was delivered before the end is kept, and sound is delivered by whole blocks.
            assert sound.beyond_picture > -BLOCK_SAMPLES
    judge_breaks(recorded, truth, runs)
    end = only(spool, SessionEnd)
    assert (end.frames, end.runs, end.breaks) == (sum(run.frames for run in runs), len(runs), recorded.breaks)
    assert (end.marks, len(bodies(spool, Mark))) == (recorded.marks, recorded.marks)


def judge_breaks(recorded: LongDay, truth: Truth, runs: list[Run]) -> None:
    """Each break begins and ends at a frame that was taken at exactly that moment, in the boot that sealed it."""
    spool = recorded.place.spool
    broken, resumed = bodies(spool, Break), bodies(spool, Resume)
    assert len(broken) == len(resumed) == recorded.breaks
    for before, after, run, following in zip(broken, resumed, runs, runs[1:], strict=False):
        assert after.first_frame == (before.last_frame or 0) + 1
        assert truth.is_frame(following.boot, after.first_frame_boottime_ns)
        if run.boot == following.boot and before.last_frame_boottime_ns is not None:
            assert truth.frames_between(run.boot, *[before.last_frame_boottime_ns] * 2) == 1
        if before.cause == "camera-fault":
            assert truth.frames_between(run.boot, run.last_frame_ns, after.first_frame_boottime_ns) == 2


def figures(recorded: LongDay, directory: Path) -> None:
    """Print what a long run came to."""
    truth, runs = Truth.of(recorded.place.directory / "world"), runs_of(list(headers(recorded.place.spool)))
    offsets = [sound_of(run, truth).offset_ms for run in runs]
    files = sum(isinstance(header.body, Open) for header in headers(recorded.place.spool))
    print(  # noqa: T201 - the soak tells what it measured
        f"\n{recorded.seconds:.0f} s, {len(runs)} runs, {sum(run.frames for run in runs)} frames, "
        f"{sum(run.samples for run in runs)} samples, {files} files, offset at most {max(map(abs, offsets)):.2f} ms, "
        f"memory {[size // MIB for size in recorded.memory_bytes]} MiB",
    )


@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R17", "all")
@pytest.mark.system
@pytest.mark.timeout(900)
def test_half_an_hour_with_breaks_of_all_causes(rendered: Path, tmp_path: Path) -> None:
    recorded = day(rendered, tmp_path, seconds=1_800, breaks=10, frames_per_second=4)
    judge(recorded, tmp_path)


@pytest.mark.soak
def test_eight_hours_with_twenty_breaks(rendered: Path, tmp_path: Path) -> None:
    recorded = day(rendered, tmp_path, seconds=28_800, breaks=20, frames_per_second=4)
    figures(recorded, tmp_path)
    judge(recorded, tmp_path)
    half = len(recorded.memory_bytes) // 2
    assert max(recorded.memory_bytes[half:]) < recorded.memory_bytes[half] * 1.25, "memory is not flat"
