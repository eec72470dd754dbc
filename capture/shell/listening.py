"""Windows in which an officer is to speak, judged while they are open (R5, R8).

Rules of this module: the unit's own words are speech too and never count; nor does what comes within 0.3 s behind them.
What was heard in the second before a window is listened to as well, so that its noise is known, and never counts.
Used by one thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from capture.effects import OpenWindow
from capture.events import WindowClosed
from capture.shell.voice import OwnWords
from capture.voice.activity import (
    CHUNK_SAMPLES,
    LEARNING_CHUNKS,
    SETTLE_SECONDS,
    SpeechDetector,
    VoiceFinding,
    judge,
)
from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ

QUIET_AFTER_MS = 1_500
"""A window that is accepted already ends early behind so much silence."""
LAG_NS = 300_000_000
"""Only sound older than this is judged: by then it is known whether the unit spoke."""
CHUNKS_A_LOOK = 16
"""What is judged at a time: whoever judges looks after clock, pack and camera in between, however slow it is."""
_SECOND_NS = 1_000_000_000
_CHUNK_NS = CHUNK_SAMPLES * _SECOND_NS // ANALYSIS_RATE_HZ
_SETTLE_NS = round(SETTLE_SECONDS * _SECOND_NS)


class ListeningWindow:
    """One open window.

    Args:
        wish: The window as the machine wants it.
        opened_ns: CLOCK_BOOTTIME from which on it listens.
        recent: What the microphone hears.
        detector: The speech model; the window resets it.
    """

    def __init__(self, wish: OpenWindow, opened_ns: int, recent: RecentSound, detector: SpeechDetector) -> None:
        self.wish = wish
        self.opened_ns = opened_ns
        self._recent = recent
        self._detector = detector
        self._judged_until_ns = opened_ns - LEARNING_CHUNKS * _CHUNK_NS
        self._ends_ns: int | None = None
        self.is_behind = False
        """Whether sound waits that could be judged already."""
        self._probabilities: list[float] = []
        detector.reset()

    def advance(self, now_ns: int, own_words: Sequence[OwnWords]) -> WindowClosed | None:
        """Judge what was heard since the last call, half a second of it at most.

        Args:
            now_ns: CLOCK_BOOTTIME.
            own_words: When the unit spoke lately.

        Returns:
            The end of the window, or None while it stays open, or has not been judged to its end.
        """
        ends_ns = now_ns if self._ends_ns is None else self._ends_ns
        self._judge_until(ends_ns - (LAG_NS if self._ends_ns is None else 0), own_words)
        found = judge(self._probabilities)
        if found.accepted and found.silence_ms >= QUIET_AFTER_MS:
            return self._closed(ends_ns, found)
        if self._ends_ns is None and now_ns - self.opened_ns < self.wish.seconds * _SECOND_NS:
            return None
        if self.is_behind:
            self._ends_ns = ends_ns
            return None
        return self._closed(ends_ns, found)

    def end(self, now_ns: int) -> None:
        """Listen no longer; `advance` judges what was heard until now, and gives the end."""
        self._ends_ns = now_ns if self._ends_ns is None else self._ends_ns

    def _judge_until(self, until_ns: int, own_words: Sequence[OwnWords]) -> None:
        newest_ns = self._recent.latest_boottime_ns()
        until_ns = self._judged_until_ns if newest_ns is None else min(until_ns, newest_ns)
        heard = 0
        while self._judged_until_ns + _CHUNK_NS <= until_ns and heard < CHUNKS_A_LOOK:
            start_ns, end_ns = self._judged_until_ns, self._judged_until_ns + _CHUNK_NS
            self._judged_until_ns = end_ns
            if start_ns < self.opened_ns:
                heard += self._learn(start_ns, end_ns)
            elif not any(_covers(words, start_ns, end_ns) for words in own_words):
                samples = self._recent.between(start_ns, end_ns).samples
                self._probabilities += self._detector.probabilities(samples)
                heard += 1
        self.is_behind = self._judged_until_ns + _CHUNK_NS <= until_ns

    def _learn(self, start_ns: int, end_ns: int) -> int:
        """Hear a chunk that lies before the window; the number of chunks that were there to hear."""
        before = self._recent.between(start_ns, end_ns)
        if before.missing_samples:
            return 0
        self._detector.probabilities(before.samples)
        return 1

    def _closed(self, now_ns: int, found: VoiceFinding) -> WindowClosed:
        return WindowClosed(
            window=self.wish.window,
            opened_boottime_ns=self.opened_ns,
            closed_boottime_ns=max(now_ns, self.opened_ns),
            accepted=found.accepted,
            speech_ms=found.speech_ms,
            longest_run_ms=found.longest_run_ms,
        )


def opening_ns(now_ns: int, own_words: Sequence[OwnWords]) -> int:
    """From when on a window listens: behind the unit's own last words."""
    ended = [words.ended_ns for words in own_words if words.ended_ns is not None]
    return max([now_ns, *(end_ns + _SETTLE_NS for end_ns in ended)])


def _covers(words: OwnWords, start_ns: int, end_ns: int) -> bool:
    ended_ns = words.ended_ns
    return end_ns > words.started_ns and (ended_ns is None or start_ns < ended_ns + _SETTLE_NS)
