"""A whole recorder on real picamera2 and real ALSA: press, notice, a camera that is pulled, resumption, finish."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest

from capture.recorder import ProfileFacts, Recorder, first_snapshot
from capture.resume import replay
from capture.settings import CHINA, RecorderSettings
from capture.shell.wardrobe import VoiceSettings, Wardrobe
from sealing.identity import SoftwareFacts
from sealing.records import Break, Fragment, Prompt, PromptKind
from sealing.service import CAPACITY_BYTES, SealingService
from sealing.writer import ChainWriter
from tests.scenario.recorder.unit import OFFICERS, bodies, opened, sample_profile, verified
from tests.support.chains import identity, policy
from tests.tiers.a_chroot.bench_unit import RECORD_PIN, BenchUnit

_FACTS = ProfileFacts("sample", bytes(32))
_SOFTWARE = SoftwareFacts("0.1.0", "pi", simulated=False)
_PROFILE = sample_profile(recording={"bitrate_bps": 4_000_000}, interruptions={})
_HOLD_SECONDS = 2.4
_IN_FLIGHT_FRAMES = 8
"""Between the sensor and the sealed file when a cable goes or a session ends."""


class Recording:
    """A recorder on the bench, in real time."""

    def __init__(self, unit: BenchUnit, voice: Path) -> None:
        self._unit = unit
        hardware = unit.hardware

        def start_writer() -> ChainWriter:
            snapshot = first_snapshot(_FACTS, hardware.clock.read().boot_id)
            return ChainWriter.start(
                hardware.storage, hardware.clock, identity(), policy(), _SOFTWARE, snapshot, replay=replay
            )

        self._sealing = SealingService(start_writer, hardware.clock, CAPACITY_BYTES)
        recovery = self._sealing.start()
        settings = RecorderSettings(VoiceSettings(voice))
        self.recorder = Recorder(hardware, self._sealing, _PROFILE, _FACTS, settings)
        self.recorder.start(recovery)

    def wait_until(self, condition: Callable[[], bool], what: str, within_seconds: float = 60.0) -> None:
        end_ns = self._unit.clock.boottime_ns() + round(within_seconds * 1e9)
        while not condition():
            assert self._unit.clock.boottime_ns() < end_ns, f"{what} not in time; {self.recorder.status()}"
            self._unit.pass_time(0.05)

    def wait_for(self, state: str) -> None:
        self.wait_until(lambda: self.recorder.status().state == state, f"state {state}")

    def hold(self, seconds: float) -> None:
        pin = self._unit.pins.pin(RECORD_PIN)
        pin.drive_low()
        self._unit.pass_time(seconds)
        pin.drive_high()
        self._unit.pass_time(0.1)

    def close(self) -> None:
        self.recorder.stop()
        self._sealing.stop("stop", 20.0)


@pytest.fixture(name="voice", scope="module")
def voice_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("voice")
    Wardrobe(VoiceSettings(directory), _PROFILE, CHINA).dress(OFFICERS, lambda _done, _total: None)
    return directory


@pytest.fixture(name="roomy")
def roomy_fixture(tmp_path: Path) -> Iterator[BenchUnit]:
    """A unit with room for a recording at full size."""
    unit = BenchUnit(tmp_path, spool_mib=1024)
    yield unit
    unit.close()


@pytest.mark.timeout(480)
@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R13", "all")
def test_a_recording_at_full_size_with_a_break_is_whole(roomy: BenchUnit, voice: Path, tmp_path: Path) -> None:
    """DR-18, DR-21, DR-22, DR-29 together: what the sensor gave is what the custodian opens; the notice was heard."""
    recording = Recording(roomy, voice)
    try:
        record(recording, roomy)
    finally:
        recording.close()
    threads = {thread.name for thread in threading.enumerate()}
    assert not {"camera-frames", "camera-start", "camera-stop"} & threads
    assert verified(roomy.spool).intact
    check_frames(roomy, tmp_path)
    check_words(roomy)


def record(recording: Recording, unit: BenchUnit) -> None:
    """Press, notice, 15 s, a cable that is pulled and put back, 15 s, finish."""
    recording.recorder.checkout(OFFICERS)
    unit.pass_time(6.0)
    recording.hold(0.12)
    recording.wait_for("recording")
    unit.pass_time(15.0)
    unit.camera.unplug()
    recording.wait_for("interrupted")
    unit.pass_time(2.0)
    unit.camera.plug()
    recording.wait_for("recording")
    unit.pass_time(15.0)
    recording.hold(_HOLD_SECONDS)
    recording.wait_for("idle")


def check_frames(unit: BenchUnit, tmp_path: Path) -> None:
    fragments = bodies(unit.spool, Fragment)
    sealed = sum(fragment.frame_count for fragment in fragments)
    assert len(bodies(unit.spool, Break)) == 1
    assert len(unit.camera.sensors) >= 2
    assert 0 <= unit.camera.given - sealed <= 2 * _IN_FLIGHT_FRAMES, f"{unit.camera.given} given, {sealed} sealed"
    # A loaded machine leaves the sensor without buffers; what is sealed as dropped is that and nothing else.
    dropped = sum(fragment.dropped_frames for fragment in fragments)
    assert abs(dropped - unit.camera.missed) <= _IN_FLIGHT_FRAMES + unit.camera.missed // 5
    (session,) = opened(unit.spool, tmp_path / "opened")
    shown = 0
    for run in session.runs:
        with av.open(str(run.path)) as container:
            times = [frame.pts for frame in container.decode(video=0)]
        assert all(early < late for early, late in pairwise(times) if early is not None and late is not None)
        shown += len(times)
    assert shown == sealed > 800


def check_words(unit: BenchUnit) -> None:
    prompts = bodies(unit.spool, Prompt)
    notice = next(prompt for prompt in prompts if prompt.kind is PromptKind.NOTICE)
    assert notice.heard
