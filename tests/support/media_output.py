"""An output of the media path that keeps everything, and plays it as a back office would."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np

from capture.media.boxes import boxes, track_fragments
from capture.media.limits import FileLimits
from capture.media.pipeline import MediaPipeline
from capture.media.values import CloseFacts, MediaSettings, Numbering
from hal.values import EncodedFrame
from sealing import codec
from sealing.records import Fragment, RunFacts
from tests.support.media_source import Delivery, number_in

SESSION = b"\x11" * 16


@dataclass
class KeptFile:
    run: RunFacts
    fragments: list[tuple[Fragment, bytes]] = field(default_factory=list)
    arrivals_ns: list[int] = field(default_factory=list)
    facts: CloseFacts | None = None

    @property
    def header(self) -> bytes:
        data = self.fragments[0][1]
        return data[: sum(box.size_bytes for box in boxes(data) if box.kind in {"ftyp", "moov"})]

    @property
    def bodies(self) -> list[Fragment]:
        return [body for body, _ in self.fragments]


@dataclass
class Keeper:
    """A `MediaOutput`; checks the order of calls as it goes."""

    files: list[KeptFile] = field(default_factory=list)
    now_ns: int = 0
    open: bool = False

    def open_file(self, run: RunFacts) -> None:
        assert not self.open
        self.open = True
        self.files.append(KeptFile(run))

    def fragment(self, body: Fragment, data: bytes) -> None:
        assert self.open
        assert body.index == len(self.files[-1].fragments)
        codec.check_body(body)
        self.files[-1].fragments.append((body, data))
        self.files[-1].arrivals_ns.append(self.now_ns)

    def close_file(self, facts: CloseFacts) -> None:
        assert self.open
        self.open = False
        self.files[-1].facts = facts

    @property
    def bodies(self) -> list[Fragment]:
        return [body for file in self.files for body in file.bodies]

    @property
    def arrivals_ns(self) -> list[int]:
        return [arrival for file in self.files for arrival in file.arrivals_ns]

    def runs(self) -> list[list[KeptFile]]:
        numbers = sorted({file.run.run for file in self.files})
        return [[file for file in self.files if file.run.run == number] for number in numbers]

    def longest_wait_seconds(self, since_ns: int) -> float:
        times = [since_ns, *self.arrivals_ns]
        return max(later - earlier for earlier, later in pairwise(times)) / 1e9

    def check_numbers(self) -> None:
        """Numbers and indices are without a hole, hashes are right, bytes hold what the records say."""
        frame, sample = self.files[0].run.first_frame, self.files[0].run.first_sample
        for file in self.files:
            assert (file.run.first_frame, file.run.first_sample) == (frame, sample)
            assert file.run.init_hash == hashlib.sha256(file.header).digest()
            for body, data in file.fragments:
                assert (body.first_frame, body.first_sample) == (frame, sample)
                tracks = track_fragments(data)
                assert body.frame_count == (tracks[1].count if 1 in tracks else 0)
                assert body.sample_count == (tracks[2].count * 1024 if 2 in tracks else 0)
                frame, sample = frame + body.frame_count, sample + body.sample_count
            assert file.facts is not None
            assert (file.facts.next_frame, file.facts.next_sample) == (frame, sample)
            assert file.facts.fragments == len(file.fragments)


@dataclass(frozen=True)
class Played:
    """What a decoder makes of a run."""

    numbers: list[int]
    video_seconds: list[float]
    audio_seconds: list[float]
    """Time of every decoded block of sound."""
    samples: np.ndarray[tuple[int], np.dtype[np.float32]]
    width: int
    height: int

    def sample_seconds(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Time of every decoded sample."""
        return np.concatenate([start + np.arange(1024) / 48_000 for start in self.audio_seconds])


def stream(files: list[KeptFile]) -> bytes:
    """Header of the first file and all fragments of all files, as FORMAT says a run is played."""
    assert {file.header for file in files} == {files[0].header}
    pieces = [files[0].header]
    for file in files:
        pieces += [data[len(file.header) if index == 0 else 0 :] for index, (_, data) in enumerate(file.fragments)]
    return b"".join(pieces)


def play(files: list[KeptFile]) -> Played:
    """Decode a run."""
    data = stream(files)
    with av.open(io.BytesIO(data), mode="r") as container:
        video = container.streams.video[0]
        frames = list(container.decode(video))
        numbers = [number_in(frame) for frame in frames]
        times = [float(frame.pts * frame.time_base) for frame in frames if frame.pts is not None and frame.time_base]
        size = (video.codec_context.width, video.codec_context.height)
    audio_times: list[float] = []
    pieces: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = [np.zeros(0, np.float32)]
    if files[0].run.has_audio:
        with av.open(io.BytesIO(data), mode="r") as container:
            for block in container.decode(container.streams.audio[0]):
                assert block.pts is not None
                assert block.time_base is not None
                audio_times.append(float(block.pts * block.time_base))
                pieces.append(block.to_ndarray()[0])
    return Played(numbers, times, audio_times, np.concatenate(pieces), *size)


def feed(pipeline: MediaPipeline, keeper: Keeper, deliveries: list[Delivery]) -> None:
    """Hand everything to the pipeline in order, with a tick before each."""
    for delivery in deliveries:
        keeper.now_ns = delivery.at_ns
        pipeline.tick(delivery.at_ns)
        if isinstance(delivery.item, EncodedFrame):
            pipeline.video(delivery.item)
        else:
            pipeline.audio(delivery.item)


def pipeline_into(
    keeper: Keeper,
    fps: Fraction = Fraction(30),
    *,
    file_seconds: float = 3.0,
    numbering: Numbering | None = None,
) -> MediaPipeline:
    pipeline = MediaPipeline(
        keeper, FileLimits(seconds=file_seconds), numbering or Numbering(), None, MediaSettings(SESSION, fps)
    )
    pipeline.begin_run()
    return pipeline


def assert_whole(played: Played, numbers: list[int], fps: Fraction) -> None:
    """Every picture is there once, at its time; no time stands twice."""
    assert played.numbers == numbers
    expected = [1 + (number - numbers[0]) / float(fps) for number in numbers]
    assert np.allclose(played.video_seconds, expected, atol=2 / 90_000)
    assert len(set(played.video_seconds)) == len(numbers)
