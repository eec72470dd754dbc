"""Windows in which an officer is to speak, judged while they are open (R5, R8).

Rules of this module: the unit's own words are speech too and never count; nor does what comes within 0.3 s behind them.
Used by one thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from capture.effects import OpenWindow
from capture.events import WindowClosed
from capture.shell.voice import OwnWords
from capture.voice.activity import CHUNK_SAMPLES, SETTLE_SECONDS, SpeechDetector, VoiceFinding, judge
from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ

QUIET_AFTER_MS = 1_500
"""A window that is accepted already ends early behind so much silence."""
LAG_NS = 300_000_000
"""Only sound older than this is judged: by then it is known whether the unit spoke."""
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
        self._judged_until_ns = opened_ns
        self._probabilities: list[float] = []
        detector.reset()

    def advance(self, now_ns: int, own_words: Sequence[OwnWords]) -> WindowClosed | None:
        """Judge what was heard since the last call.

        Args:
            now_ns: CLOCK_BOOTTIME.
            own_words: When the unit spoke lately.

        Returns:
            The end of the window, or None while it stays open.
        """
        self._judge_until(now_ns - LAG_NS, own_words)
        found = judge(self._probabilities)
        over = now_ns - self.opened_ns >= self.wish.seconds * _SECOND_NS
        if over or (found.accepted and found.silence_ms >= QUIET_AFTER_MS):
            return self._closed(now_ns, found)
        return None

    def close(self, now_ns: int, own_words: Sequence[OwnWords]) -> WindowClosed:
        """End the window now."""
        self._judge_until(now_ns, own_words)
        return self._closed(now_ns, judge(self._probabilities))

    def _judge_until(self, until_ns: int, own_words: Sequence[OwnWords]) -> None:
        newest_ns = self._recent.latest_boottime_ns()
        if newest_ns is None:
            return
        until_ns = min(until_ns, newest_ns)
        while self._judged_until_ns + _CHUNK_NS <= until_ns:
            start_ns, end_ns = self._judged_until_ns, self._judged_until_ns + _CHUNK_NS
            self._judged_until_ns = end_ns
            if any(_covers(words, start_ns, end_ns) for words in own_words):
                continue
            samples = self._recent.between(start_ns, end_ns).samples
            self._probabilities += self._detector.probabilities(samples)

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
