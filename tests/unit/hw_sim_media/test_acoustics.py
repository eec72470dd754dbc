"""The air: noise, voices, loudspeaker with delay and echo."""

import numpy as np
import pytest

from hal.values import SoundClip
from hw_sim.media import waveforms
from hw_sim.media.acoustics import Acoustics, Room
from tests.unit.hw_sim_media.support import SECOND_NS, lag_samples, noise_clip, tone

QUIET = Room(noise_dbfs=-90.0)


def test_a_quiet_room_has_a_floor() -> None:
    level = waveforms.level_dbfs(Acoustics().render(0, 480_000))
    assert level == pytest.approx(-60, abs=1)


def test_the_same_stretch_sounds_the_same() -> None:
    air = Acoustics()
    air.play(noise_clip(1.0), SECOND_NS)
    whole = air.render(40_000, 20_000)
    assert np.array_equal(whole[5_000:6_000], air.render(45_000, 1_000))


def test_direct_sound_comes_after_the_delay() -> None:
    air = Acoustics(Room(speaker_delay_seconds=0.020))
    clip = noise_clip(1.0)
    air.play(clip, 2 * SECOND_NS)
    heard = air.render(96_000, 96_000)
    assert lag_samples(heard, waveforms.from_s16(clip.samples)) == pytest.approx(960, abs=2)
    assert waveforms.level_dbfs(heard[:900]) < -55


def test_echo_dies_away_within_its_time() -> None:
    air = Acoustics(QUIET)
    air.play(noise_clip(0.5), 0)
    end = 24_000 + 576
    heard = air.render(0, 96_000)
    during = waveforms.level_dbfs(heard[2_000:24_000])
    soon, later = (waveforms.level_dbfs(heard[end + at : end + at + 480]) for at in (200, 9_600))
    assert during - 30 < soon < during - 8
    assert later < soon - 25
    assert waveforms.level_dbfs(heard[end + 16_000 :]) < -85


def test_small_loudspeaker_has_no_bass() -> None:
    air = Acoustics(QUIET)
    levels = []
    for second, hertz in enumerate((60.0, 1_000.0)):
        wave = tone(0.5, hertz, level=0.2)
        air.play(SoundClip(waveforms.to_s16(wave), 48_000, "tone"), 2 * second * SECOND_NS)
        levels.append(waveforms.level_dbfs(air.render(2 * second * 48_000 + 4_000, 16_000)))
    assert levels[0] < levels[1] - 20


def test_loud_clips_are_driven_softly() -> None:
    air = Acoustics(QUIET)
    levels = []
    for second, level in enumerate((0.1, 1.0)):
        air.play(SoundClip(waveforms.to_s16(tone(0.5, 1_000.0, level=level)), 48_000, "tone"), second * SECOND_NS)
        levels.append(waveforms.level_dbfs(air.render(second * 48_000 + 4_000, 16_000)))
    assert 14 < levels[1] - levels[0] < 19


def test_a_clip_that_is_cut_ends_with_its_echo() -> None:
    air = Acoustics(QUIET)
    sound = air.play(noise_clip(2.0), 0)
    before = air.render(0, 24_000)
    air.cut(sound, SECOND_NS // 2)
    assert np.allclose(air.render(0, 23_000), before[:23_000], atol=1e-5)
    assert waveforms.level_dbfs(air.render(45_000, 10_000)) < -85


def test_clips_of_other_rates_keep_their_pitch_and_length() -> None:
    clip = SoundClip(waveforms.to_s16(tone(1.0, 440.0, rate=22_050)), 22_050, "tone")
    wave = waveforms.resampled(clip)
    assert wave.size == pytest.approx(48_000, abs=48)
    spectrum = np.abs(np.fft.rfft(wave[:48_000], 48_000))
    assert int(np.argmax(spectrum)) == 440


def test_voices_come_at_their_own_level() -> None:
    air = Acoustics(QUIET)
    clip = noise_clip(1.0, level=0.1)
    end_ns = air.say(clip, SECOND_NS)
    assert end_ns == 2 * SECOND_NS
    assert np.allclose(air.render(48_000, 48_000), waveforms.from_s16(clip.samples), atol=1e-3)


def test_grid_and_time_agree_for_days() -> None:
    for index in (0, 1, 47_999, 48_000 * 86_400 * 30 + 12_345):
        assert waveforms.grid_index(waveforms.grid_time_ns(index)) == index


def test_a_bed_of_noise_has_its_level_and_colour() -> None:
    bed = waveforms.pink_noise(5.0, -30.0, 1)
    assert waveforms.level_dbfs(bed) == pytest.approx(-30, abs=0.1)
    spectrum = np.abs(np.fft.rfft(bed)) ** 2
    assert spectrum[5 * 100 : 5 * 400].mean() > 4 * spectrum[5 * 4_000 : 5 * 8_000].mean()


def test_sounds_that_nobody_hears_are_forgotten() -> None:
    air = Acoustics(QUIET)
    for minute in range(100):
        air.say(noise_clip(0.1), minute * 60 * SECOND_NS)
    assert len(air._sounds) == 1
