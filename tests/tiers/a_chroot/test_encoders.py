"""Which of picamera2's encoders is taken, and how it is set."""

from __future__ import annotations

from pathlib import Path

import pytest
from picamera2.encoders import LibavH264Encoder
from picamera2.encoders.h264_encoder import H264Encoder

from hal.drivers.pi import picamera
from hal.values import CameraSettings


def test_a_board_with_an_encoder_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """DR-16: picamera2 takes this machine for a Pi 4; the device decides. Its encoder opens it only when it starts."""
    monkeypatch.setattr(picamera, "HARDWARE_ENCODER", Path("/dev/null"))
    encoder = picamera.make_encoder(CameraSettings())
    assert type(encoder) is H264Encoder
    assert (encoder.bitrate, encoder.iperiod, encoder.repeat) == (8_000_000, 30, True)


def test_a_board_without_one_uses_libx264() -> None:
    """DR-16: as on a Pi 5."""
    encoder = picamera.make_encoder(CameraSettings())
    assert isinstance(encoder, LibavH264Encoder)
    assert (encoder.bitrate, encoder.iperiod, encoder.repeat) == (8_000_000, 30, True)
