"""Where finished media goes.

Rules of this module: the port only; whoever seals stands behind it.
"""

from __future__ import annotations

from typing import Protocol

from capture.media.values import CloseFacts
from sealing.records import Fragment, RunFacts


class MediaOutput(Protocol):
    """Takes files and their fragments, in order, on the thread that drives the pipeline.

    No call may block; what a call raises ends the pipeline's call and reaches its caller.
    """

    def open_file(self, run: RunFacts) -> None:
        """Open a footage file; its first fragment follows at once."""
        ...

    def fragment(self, body: Fragment, data: bytes) -> None:
        """Seal one fragment of the open file. The first carries the header in front."""
        ...

    def close_file(self, facts: CloseFacts) -> None:
        """Close the open file."""
        ...
