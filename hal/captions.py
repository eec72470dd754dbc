"""What a driver does with the caption that a picture is to carry (DR-37).

Rules of this module: a caption never costs a picture; what it raises is told once and goes no further.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from hal.values import Caption

log = logging.getLogger(__name__)


class CaptionGuard:
    """Keeps a caption's errors from the pictures of one run of the camera.

    Args:
        caption: The caption asked for, None where pictures stay as they are.
    """

    def __init__(self, caption: Caption | None) -> None:
        self._caption = caption
        self._complained = False

    @property
    def wanted(self) -> bool:
        """Whether there is a caption at all."""
        return self._caption is not None

    def attempt(self, drawing: Callable[[Caption], None]) -> None:
        """Let the caption be drawn. On the driver's thread; never raises.

        Args:
            drawing: Finds the picture's luma and has the caption draw into it; may raise anything.
        """
        if self._caption is None:
            return
        try:
            drawing(self._caption)
        except Exception:
            # Any class: a caption is somebody else's code, and the picture is evidence with or without it.
            if not self._complained:
                log.exception("camera: the caption cannot be drawn; pictures go on without it")
                self._complained = True
