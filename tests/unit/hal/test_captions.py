"""A caption never costs a picture (DR-37)."""

import logging

import numpy as np
import numpy.typing as npt
import pytest

from hal.captions import CaptionGuard
from hal.values import CameraSettings, Caption


class Failing:
    def draw(self, luma: npt.NDArray[np.uint8], captured_boottime_ns: int) -> None:
        raise ZeroDivisionError(f"at {captured_boottime_ns}")


def test_what_a_caption_raises_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """DR-37: and tried again with the next picture."""
    guard, tried = CaptionGuard(Failing()), list[int]()

    def drawing(caption: Caption) -> None:
        tried.append(1)
        caption.draw(np.zeros((2, 2), np.uint8), 7)

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            guard.attempt(drawing)
    assert len(tried) == 3
    assert len(caplog.records) == 1
    assert "at 7" in caplog.text


def test_without_a_caption_nothing_is_done() -> None:
    """DR-37: the picture is not even looked at."""
    guard = CaptionGuard(None)

    def drawing(caption: Caption) -> None:
        raise AssertionError("there is none")

    guard.attempt(drawing)
    assert not guard.wanted


def test_a_caption_makes_no_other_settings() -> None:
    assert CameraSettings(caption=Failing()) == CameraSettings()
    assert hash(CameraSettings(caption=Failing())) == hash(CameraSettings())
