"""Sums over the fragments of one run, kept while a chain is read.

Rules of this module: no I/O; one object for each run, changed in place, since every fragment of the chain comes here.
"""

from __future__ import annotations

from sealing.framing import RecordHeader
from sealing.records import Fragment, RunFacts
from sealing.report import RunSummary

_NS = 1_000_000_000
_VIDEO_HZ = 90_000
_AUDIO_HZ = 48_000


def civil_ns(header: RecordHeader, boottime_ns: int) -> int:
    """Civil time of a moment near a record, by the record's pair of clocks."""
    return header.utc_ns - (header.boottime_ns - boottime_ns)


class RunTally:
    """One run, from its first fragment on.

    Args:
        header: Header of its first fragment.
        body: That fragment.
        facts: Facts of its first file.
    """

    def __init__(self, header: RecordHeader, body: Fragment, facts: RunFacts) -> None:
        self._facts = facts
        self._started_utc_ns = civil_ns(header, body.captured_boottime_ns)
        self.media_start_ns = _span(body, facts)[0]
        self._media_end_ns = self.media_start_ns
        self._files: list[int] = []
        self._frames = self._samples = self._dropped = self._lost = self._fragments = 0
        self._before_notice_until_ns: int | None = None

    def add(self, body: Fragment, facts: RunFacts, file_number: int) -> None:
        """Count a fragment."""
        if not self._files or self._files[-1] != file_number:
            self._files.append(file_number)
        _, end = _span(body, facts)
        self._media_end_ns = max(self._media_end_ns, end)
        self._frames += body.frame_count
        self._samples += body.sample_count
        self._dropped += body.dropped_frames
        self._lost += body.lost_samples
        self._fragments += 1
        if body.before_notice:
            self._before_notice_until_ns = end

    def summary(self) -> RunSummary:
        """All of it."""
        return RunSummary(
            number=self._facts.run,
            files=tuple(dict.fromkeys(self._files)),
            started_utc_ns=self._started_utc_ns,
            media_start_ns=self.media_start_ns,
            media_end_ns=self._media_end_ns,
            frames=self._frames,
            samples=self._samples,
            dropped_frames=self._dropped,
            lost_samples=self._lost,
            fragments=self._fragments,
            has_video=self._facts.has_video,
            has_audio=self._facts.has_audio,
            width_pixels=self._facts.width_pixels,
            height_pixels=self._facts.height_pixels,
            before_notice_until_ns=self._before_notice_until_ns,
        )


def _span(body: Fragment, facts: RunFacts) -> tuple[int, int]:
    """Media time that a fragment covers."""
    begin = end = -1
    if body.frame_count:
        frame_ns = _NS * facts.frame_rate_denominator // max(facts.frame_rate_numerator, 1)
        begin = body.first_video_pts * _NS // _VIDEO_HZ
        end = body.last_video_pts * _NS // _VIDEO_HZ + frame_ns
    if body.sample_count:
        sound_begin = body.first_audio_pts * _NS // _AUDIO_HZ
        sound_end = sound_begin + body.sample_count * _NS // (facts.sample_rate_hz or _AUDIO_HZ)
        begin, end = min(begin, sound_begin) if body.frame_count else sound_begin, max(end, sound_end)
    return max(begin, 0), max(end, 0)
