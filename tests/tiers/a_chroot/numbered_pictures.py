"""Pictures for the virtual camera that can be told apart, so that a film says which of the sensor's frames it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image  # type: ignore[import-not-found,unused-ignore] # only where picamera2 is

PICTURES = 16
FRAMES_EACH = 4
"""libcamera's virtual camera shows each picture for so many frames, from its start on."""
_BITS = 4
_SIZE = (1920, 1080)
_DARK, _BRIGHT, _BORDER = 30, 220, 125
_CONFIGURATION = """%YAML 1.1
---
"Virtual0":
  supported_formats:
  - {{width: 1920, height: 1080, frame_rates: [30, 30]}}
  frames: {{path: "{path}/"}}
  location: "CameraLocationFront"
  model: "Virtual Video Device"
"""


def draw(directory: Path) -> Path:
    """Draw the pictures; gives the configuration of a virtual camera that shows them."""
    pictures = directory / "pictures"
    pictures.mkdir()
    for number in range(PICTURES):
        image = Image.fromarray(_picture(number)).convert("YCbCr")
        image.save(pictures / f"{number}.jpg", quality=90, subsampling="4:2:0")
    configuration = directory / "virtual.yaml"
    configuration.write_text(_CONFIGURATION.format(path=pictures))
    return configuration


def shown(frame: int) -> int:
    """The picture that the camera shows at its frame of this number, counted from its start."""
    return frame // FRAMES_EACH % PICTURES


def read(luma: npt.NDArray[np.uint8]) -> int:
    """The number of the picture that a frame shows."""
    height, width = luma.shape
    fields = (luma[height // 4, width * (2 * bit + 1) // (2 * _BITS)] for bit in range(_BITS))
    return sum((int(field) > _BORDER) << bit for bit, field in enumerate(fields))


def _picture(number: int) -> npt.NDArray[np.uint8]:
    """The number in bright and dark fields above, and a pattern below that moves from picture to picture."""
    width, height = _SIZE
    picture = np.empty((height, width), np.uint8)
    for bit in range(_BITS):
        left, right = (width * edge // _BITS for edge in (bit, bit + 1))
        picture[:, left:right] = _BRIGHT if number >> bit & 1 else _DARK
    picture[height // 2 :] = (np.arange(width) // 8 + 12 * number) % 200 + 20
    return picture
