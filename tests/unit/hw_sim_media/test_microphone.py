"""The simulated microphone: a card with a clock of its own."""

import numpy as np
import pytest

from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.values import MicrophoneSettings
from hw_sim.media import waveforms
from hw_sim.media.faults import Dead
from hw_sim.media.microphone import SimMicrophone
from tests.unit.hw_sim_media.support import SECOND_NS, Listener, SmallWorld, call, lag_samples, noise_clip


@pytest.mark.parametrize("ppm", [0.0, 200.0, -200.0])
def test_samples_are_counted_by_the_card_and_stamped_with_world_time(ppm: float) -> None:
    world = SmallWorld()
    world.faults.microphone_ppm = ppm
    listener = Listener(world)
    listener.start()
    world.clock.step_by(100.0)
    listener.stop()
    first, last = listener.blocks[0], listener.blocks[-1]
    assert [block.first_sample for block in listener.blocks] == list(range(0, last.first_sample + 1, 960))
    seconds = (last.captured_boottime_ns - first.captured_boottime_ns) / SECOND_NS
    assert (last.first_sample / seconds / 48_000 - 1) * 1e6 == pytest.approx(ppm, abs=0.01)
    assert {len(block.samples) for block in listener.blocks} == {1920}


@pytest.mark.parametrize("ppm", [0.0, 200.0, -200.0])
def test_a_sound_is_found_where_the_stamps_say(ppm: float) -> None:
    world = SmallWorld()
    world.faults.microphone_ppm = ppm
    listener = Listener(world)
    listener.start()
    clip = noise_clip(0.1)
    world.clock.step_by(60.0)
    world.air.say(clip, world.clock.boottime_ns() + SECOND_NS)
    world.clock.step_by(3.0)
    listener.stop()
    heard = listener.heard()
    place = lag_samples(heard[50 * 48_000 :], waveforms.from_s16(clip.samples)) + 50 * 48_000
    assert listener.time_ns(place) == pytest.approx(61 * SECOND_NS, abs=2 * SECOND_NS / 48_000)
    assert place - 61 * 48_000 == pytest.approx(61 * 48_000 * ppm * 1e-6, abs=3)


def test_a_crystal_error_does_not_spoil_the_sound() -> None:
    levels = []
    for ppm in (0.0, 200.0):
        world = SmallWorld()
        world.faults.microphone_ppm = ppm
        listener = Listener(world)
        world.air.say(noise_clip(3.0), SECOND_NS // 2)
        listener.start()
        world.clock.step_by(4.0)
        listener.stop()
        levels.append(waveforms.level_dbfs(listener.heard()[48_000 : 3 * 48_000]))
    assert levels[1] == pytest.approx(levels[0], abs=3)


def test_a_block_comes_when_it_is_full_and_not_before() -> None:
    world = SmallWorld()
    listener = Listener(world)
    listener.start()
    world.clock.step_by(0.020)
    assert listener.blocks == []
    world.clock.step_by(0.005)
    assert len(listener.blocks) == 1
    listener.stop()


def test_dead_microphone_gives_exact_zeros() -> None:
    world = SmallWorld()
    listener = Listener(world)
    listener.start()
    world.clock.step_by(2.0)
    world.faults.microphone_dead = Dead.ZEROS
    world.clock.step_by(2.0)
    listener.stop()
    heard = listener.heard()
    assert heard[: 2 * 47_000].any()
    assert not heard[2 * 48_000 + 1_920 :].any()
    assert heard.size > 4 * 47_000


def test_silent_microphone_gives_no_block_and_counts_what_was_lost() -> None:
    world = SmallWorld()
    world.faults.microphone_dead = Dead.SILENT
    listener = Listener(world)
    listener.start()
    world.clock.step_by(5.0)
    assert listener.blocks == []
    assert listener.silences in {9, 10}
    world.faults.microphone_dead = Dead.NO
    world.clock.step_by(2.0)
    world.faults.microphone_dead = Dead.SILENT
    world.clock.step_by(3.0)
    world.faults.microphone_dead = Dead.NO
    world.clock.step_by(2.0)
    listener.stop()
    lost = [block.lost_samples for block in listener.blocks if block.lost_samples]
    assert len(lost) == 2
    assert lost[1] == pytest.approx(3 * 48_000, abs=30_000)
    check_numbers(listener)


def check_numbers(listener: Listener) -> None:
    expected = 0
    for block in listener.blocks:
        expected += block.lost_samples
        assert block.first_sample == expected
        assert block.captured_boottime_ns == pytest.approx(expected * SECOND_NS / 48_000, abs=40_000)
        expected += block.sample_count


def test_an_overrun_loses_samples_and_says_how_many() -> None:
    world = SmallWorld()
    listener = Listener(world)
    listener.start()
    world.clock.step_by(1.0)
    world.faults.lose_samples(4_321)
    world.clock.step_by(1.0)
    listener.stop()
    assert [block.lost_samples for block in listener.blocks if block.lost_samples] == [4_321]
    check_numbers(listener)


def test_a_reader_that_stays_away_overruns_the_card() -> None:
    world = SmallWorld()
    microphone = SimMicrophone(world)
    microphone.start(MicrophoneSettings())
    world.clock.step_by(0.4)
    call(world, lambda: microphone.read(0.1))
    assert world.notes.blocks[-1][3] == 0
    world.clock.step_by(3.0)
    call(world, lambda: microphone.read(0.1), 0.1)
    assert world.notes.blocks[-1][3] == pytest.approx(3.4 * 48_000 - 960, abs=2)
    microphone.stop()


def test_unplugged_microphone_raises_until_started_again() -> None:
    world = SmallWorld()
    listener = Listener(world)
    listener.start()
    world.clock.step_by(1.0)
    world.faults.microphone_plugged = False
    world.clock.step_by(0.1)
    world.faults.microphone_plugged = True
    with pytest.raises(TransientHardwareError, match="start it again"):
        listener.microphone.read(0.0)
    assert listener.errors == ["microphone went away; stop it and start it again"]
    listener.stop()
    fresh = Listener(world)
    fresh.start()
    world.clock.step_by(1.0)
    fresh.stop()
    assert fresh.blocks[0].first_sample == 0
    assert world.notes.microphones == ["start 0.0", "unplugged", "start 0.0", "stop"]


def test_starting_refuses_what_cannot_be() -> None:
    world = SmallWorld()
    microphone = SimMicrophone(world)
    with pytest.raises(PermanentHardwareError, match="48000 Hz"):
        microphone.start(MicrophoneSettings(sample_rate_hz=16_000))
    with pytest.raises(TransientHardwareError, match="not started"):
        microphone.read(0.1)
    microphone.start(MicrophoneSettings())
    with pytest.raises(TransientHardwareError, match="busy"):
        microphone.start(MicrophoneSettings())
    microphone.stop()
    world.faults.microphone_plugged = False
    with pytest.raises(TransientHardwareError, match="unplugged"):
        microphone.start(MicrophoneSettings())
    world.faults.microphone_fitted = False
    with pytest.raises(PermanentHardwareError, match="no microphone"):
        microphone.start(MicrophoneSettings())


def test_truth_is_what_was_delivered() -> None:
    world = SmallWorld()
    listener = Listener(world)
    listener.start()
    world.clock.step_by(1.0)
    world.faults.lose_samples(100)
    world.clock.step_by(1.0)
    listener.stop()
    given = [(b.first_sample, b.sample_count, b.captured_boottime_ns, b.lost_samples) for b in listener.blocks]
    assert world.notes.blocks == given


def test_too_loud_sound_is_clipped_like_a_converter_does() -> None:
    wave = np.array([2.0, -2.0, 0.5], np.float32)
    assert np.frombuffer(waveforms.to_s16(wave), "<i2").tolist() == [32_767, -32_768, 16_384]
