"""Every limit of the media path, by name.

Rules of this module: constants and the limits of a file only; a limit is announced here or does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VIDEO_TICKS_PER_SECOND: Final = 90_000
AUDIO_TICKS_PER_SECOND: Final = 48_000
COMMON_TICKS_PER_SECOND: Final = 720_000
"""Least common multiple of both: times of either track compare exactly."""
NANOSECONDS_PER_SECOND: Final = 1_000_000_000

SESSION_START_NS: Final = NANOSECONDS_PER_SECOND
"""Session time of the first frame: AAC priming reaches back before it, and decode times have no sign."""

AUDIO_HOLD_SECONDS: Final = 0.2
"""Longest wait for sound at the border of a group of pictures; later sound goes into the fragment that is open."""
AUDIO_HOLD_FULL_SECONDS: Final = 0.4
"""The same where the file is full and sound came late before: a new file opens only with sound for its first group.
No border waits more than `AUDIO_HOLD_SECONDS` longer than the one before, so fragments keep coming."""
MISSED_CUTS_MAX: Final = 3
"""Borders that a full file may pass without sound for its next group; then the track ends, and the file with it."""
MUXER_HOLD_MICROSECONDS: Final = 200_000
"""The same wait inside the muxer (`max_interleave_delta`)."""
AUDIO_DEAD_SECONDS: Final = 2.0
"""A track without a packet for so long, while pictures come, has died: its file and run end at the next key frame."""
AUDIO_AHEAD_SECONDS: Final = 5.0
"""Sound further ahead of the newest picture is refused: sound alone is not recorded."""
AUDIO_WAIT_SECONDS: Final = 2.0
"""Sound kept while a run waits for its first key frame; it is there to reach back to that frame, no further."""

AAC_FRAME_SAMPLES: Final = 1024
AUDIO_SLEW_TICKS_PER_FRAME: Final = 1
"""48 steps of 1/48 ms in a fragment of one second: 1 ms, and clock errors to 976 ppm are followed."""
AUDIO_DEAD_BAND_TICKS: Final = 24
"""Errors up to half a millisecond are the jitter of time stamps, and are left alone."""
AUDIO_WINDOW_BLOCKS: Final = 51
"""Measurements whose median tells where the sound should be (about one second)."""
AUDIO_JUMP_SECONDS: Final = 0.03
"""An error beyond it in `AUDIO_JUMP_BLOCKS` blocks in a row is lost sound, not a slow clock."""
AUDIO_JUMP_BLOCKS: Final = 3
AUDIO_JUMP_AT_ONCE_SECONDS: Final = 0.2
"""An error beyond it is believed at the first block."""
AUDIO_BLOCK_SAMPLES_MAX: Final = 48_000

FRAME_BYTES_MAX: Final = 8 * 1024 * 1024
GROUP_FRAMES_MAX: Final = 600
GROUP_BYTES_MAX: Final = 48 * 1024 * 1024
"""Pictures between two key frames; a stream beyond it cannot be cut into fragments."""
RECENT_FRAMES: Final = 1200
"""Frames whose time is remembered, so that a press can be given its frame."""


@dataclass(frozen=True, slots=True)
class FileLimits:
    """When a footage file is full; it ends at a key frame, before the next group would go over."""

    seconds: float = 60.0
    bytes: int = 64 * 1024 * 1024
