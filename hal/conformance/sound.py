"""DR-23 to DR-28: microphone and loudspeaker."""

# ruff: noqa: S101 -- assert is how a test speaks, and expected values are literals

from __future__ import annotations

import array
import math

import pytest

from hal.conformance.rig import Fate, Rig, RigConformance
from hal.errors import TransientHardwareError
from hal.ports import Hardware
from hal.values import AudioBlock, MicrophoneSettings, SoundClip
from hal.worker import Worker

_SECOND_NS = 1_000_000_000
_PPM_LIMIT = 1_000
_TONE_HZ = 1_000


class SoundConformance(RigConformance):
    """Samples, their times, and clips."""

    def listen(self, rig: Rig, seconds: float) -> list[AudioBlock]:
        """Read blocks for a time of the clock, on a microphone that was started."""
        clock = rig.hardware.clock
        end_ns = clock.boottime_ns() + round(seconds * _SECOND_NS)
        blocks = []
        while clock.boottime_ns() < end_ns:
            block = rig.hardware.microphone.read(1.0)
            if block is not None:
                blocks.append(block)
        return blocks

    def test_samples_are_counted_without_a_hole(self, rig: Rig, hardware: Hardware) -> None:
        """DR-23: from 0 on, each block where the one before ended, losses counted in."""
        settings = MicrophoneSettings()
        hardware.microphone.start(settings)
        blocks = self.listen(rig, 3.0)
        hardware.microphone.stop()
        expected = 0
        for block in blocks:
            expected += block.lost_samples
            assert block.first_sample == expected
            assert 0 < block.sample_count <= 4 * settings.block_samples
            assert len(block.samples) % 2 == 0
            expected += block.sample_count
        assert expected > 2 * settings.sample_rate_hz

    def test_sample_times_are_the_clocks(self, rig: Rig, hardware: Hardware) -> None:
        """DR-24: CLOCK_BOOTTIME of the first sample; the card's own error is small and shows in the stamps."""
        settings = MicrophoneSettings()
        begun_ns = hardware.clock.boottime_ns()
        hardware.microphone.start(settings)
        blocks = self.listen(rig, 5.0)
        hardware.microphone.stop()
        first, last = blocks[0], blocks[-1]
        assert begun_ns <= first.captured_boottime_ns <= last.captured_boottime_ns <= hardware.clock.boottime_ns()
        counted_ns = (last.first_sample - first.first_sample) * _SECOND_NS / settings.sample_rate_hz
        passed_ns = last.captured_boottime_ns - first.captured_boottime_ns
        assert abs(passed_ns - counted_ns) < counted_ns * _PPM_LIMIT / 1e6 + 5_000_000

    def test_a_read_gives_up_in_time(self, hardware: Hardware) -> None:
        """DR-25: None, or a block, by the clock within the time asked for."""
        hardware.microphone.start(MicrophoneSettings())
        begun_ns = hardware.clock.boottime_ns()
        hardware.microphone.read(0.001)
        assert hardware.clock.boottime_ns() - begun_ns < 0.25 * _SECOND_NS
        hardware.microphone.stop()

    def test_it_stops_and_starts_again_at_zero(self, rig: Rig, hardware: Hardware) -> None:
        """DR-25: `stop` may be repeated; a new start counts from 0."""
        hardware.microphone.stop()
        for _ in range(2):
            hardware.microphone.start(MicrophoneSettings())
            blocks = self.listen(rig, 1.0)
            assert blocks[0].first_sample == blocks[0].lost_samples
            hardware.microphone.stop()
            hardware.microphone.stop()

    def test_a_pulled_microphone_is_told_and_can_be_put_back(self, rig: Rig, hardware: Hardware) -> None:
        """DR-26: the reader learns it, start refuses, and all is well when it is back."""
        hardware.microphone.start(MicrophoneSettings())
        self.listen(rig, 0.5)
        rig.do(Fate.UNPLUG_MICROPHONE)
        with pytest.raises(TransientHardwareError):
            self.listen(rig, 5.0)
        hardware.microphone.stop()
        with pytest.raises(TransientHardwareError):
            hardware.microphone.start(MicrophoneSettings())
        rig.do(Fate.PLUG_MICROPHONE)
        hardware.microphone.start(MicrophoneSettings())
        assert self.listen(rig, 0.5)
        hardware.microphone.stop()

    def test_a_clip_takes_as_long_as_it_is(self, hardware: Hardware) -> None:
        """DR-27: `play` blocks to the clip's end and says when it really was."""
        clip = tone(0.8)
        begun_ns = hardware.clock.boottime_ns()
        playback = hardware.speaker.play(clip, hardware.clock.signal())
        ended_ns = hardware.clock.boottime_ns()
        assert playback.complete
        assert begun_ns <= playback.started_boottime_ns < playback.ended_boottime_ns <= ended_ns
        played_ns = playback.ended_boottime_ns - playback.started_boottime_ns
        assert abs(played_ns - clip.duration_ns) < 0.1 * _SECOND_NS

    def test_a_clip_can_be_cut_short(self, rig: Rig, hardware: Hardware) -> None:
        """DR-28: raising `stop` ends it within 0.3 s, and it says that it was not complete."""
        stop = hardware.clock.signal()

        def body(_: Worker) -> None:
            rig.pass_time(0.4)
            stop.set()

        worker = Worker("cuts-short", hardware.clock, body)
        worker.start()
        begun_ns = hardware.clock.boottime_ns()
        playback = hardware.speaker.play(tone(5.0), stop)
        assert worker.join(2.0)
        assert not playback.complete
        assert playback.ended_boottime_ns - begun_ns < 0.7 * _SECOND_NS + 0.1 * _SECOND_NS

    def test_the_microphone_hears_the_loudspeaker(self, rig: Rig, hardware: Hardware) -> None:
        """DR-29: a tone that is played stands out of what the microphone gave before."""
        hardware.microphone.start(MicrophoneSettings())
        quiet = tone_power(self.listen(rig, 1.0))
        player = Worker("plays", hardware.clock, lambda _: _play(hardware, tone(2.0)))
        player.start()
        self.listen(rig, 0.5)
        loud = tone_power(self.listen(rig, 1.0))
        hardware.microphone.stop()
        assert player.join(5.0)
        assert loud > 10 * quiet


def tone(seconds: float) -> SoundClip:
    """A tone of 1 kHz at a quarter of full scale."""
    samples = array.array("h", (round(8_000 * math.sin(2 * math.pi * _TONE_HZ * n / 48_000)) for n in range(48)))
    return SoundClip(samples.tobytes() * round(seconds * 1_000), 48_000, "tone 1 kHz")


def tone_power(blocks: list[AudioBlock]) -> float:
    """Power of 1 kHz in the blocks, per sample."""
    samples = array.array("h", b"".join(block.samples for block in blocks))
    turn = [complex(math.cos(angle), -math.sin(angle)) for angle in (2 * math.pi * n / 48 for n in range(48))]
    total = sum(sample * turn[place % 48] for place, sample in enumerate(samples))
    return abs(total) ** 2 / max(1, len(samples)) ** 2 + 1e-9


def _play(hardware: Hardware, clip: SoundClip) -> None:
    hardware.speaker.play(clip, hardware.clock.signal())
