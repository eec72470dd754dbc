"""Derived figures of the values that cross the ports."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hal.values import AudioBlock, CameraSettings, SoundClip


@pytest.mark.parametrize(
    ("rate", "frames"),
    [(Fraction(30), 30), (Fraction(30_000, 1_001), 30), (Fraction(25), 25), (Fraction(1, 2), 1)],
)
def test_a_group_of_pictures_is_about_a_second(rate: Fraction, frames: int) -> None:
    assert CameraSettings(frames_per_second=rate).gop_frames == frames


def test_lengths_of_sound_come_from_its_bytes() -> None:
    assert AudioBlock(bytes(1_920), 0, 0).sample_count == 960
    assert SoundClip(bytes(2 * 24_000), 48_000, "half a second").duration_ns == 500_000_000
