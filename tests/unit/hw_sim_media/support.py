"""A small world for the simulated senses, and clips whose pictures tell their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.audio.stream import AudioStream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from hal.errors import HardwareError
from hal.values import AudioBlock, EncodedFrame, MicrophoneSettings, SoundClip
from hal.worker import Worker
from hw_sim.clock import SimClock
from hw_sim.media import frame_code, waveforms
from hw_sim.media.acoustics import Acoustics
from hw_sim.media.faults import MediaFaults
from hw_sim.media.microphone import SimMicrophone
from hw_sim.media.pictures import plane
from hw_sim.media.waveforms import Waveform

SECOND_NS = 1_000_000_000
UTC_AT_BOOT_NS = 1_767_229_200 * SECOND_NS


@dataclass
class Notes:
    """Truth and journal of a test world."""

    frames: list[tuple[int, int, int]] = field(default_factory=list)
    cameras: list[str] = field(default_factory=list)
    blocks: list[tuple[int, int, int, int]] = field(default_factory=list)
    microphones: list[str] = field(default_factory=list)
    words: list[tuple[str, str, bool]] = field(default_factory=list)

    def camera_started(
        self, at_boottime_ns: int, width_pixels: int, height_pixels: int, frames_per_second: Fraction
    ) -> None:
        self.cameras.append(f"start {width_pixels}x{height_pixels} {frames_per_second}")

    def camera_frame(self, sensor_sequence: int, captured_boottime_ns: int, picture_number: int) -> None:
        self.frames.append((sensor_sequence, captured_boottime_ns, picture_number))

    def camera_stopped(self, at_boottime_ns: int, reason: str) -> None:
        self.cameras.append(reason)

    def microphone_started(self, at_boottime_ns: int, clock_error_ppm: float) -> None:
        self.microphones.append(f"start {clock_error_ppm}")

    def microphone_samples(
        self, first_sample: int, count: int, captured_boottime_ns: int, lost: int, mean_square: int
    ) -> None:
        assert mean_square >= 0
        self.blocks.append((first_sample, count, captured_boottime_ns, lost))

    def microphone_stopped(self, at_boottime_ns: int, reason: str) -> None:
        self.microphones.append(reason)

    def speaking(self, speaker: str, words: str, started_boottime_ns: int) -> None:
        pass

    def spoken(
        self, speaker: str, words: str, started_boottime_ns: int, ended_boottime_ns: int, *, complete: bool
    ) -> None:
        self.words.append((speaker, words, complete))


class SmallWorld:
    """A `MediaWorld` whose time only the test moves."""

    def __init__(self, air: Acoustics | None = None) -> None:
        self.clock = SimClock("stepped")
        self.faults = MediaFaults()
        self.notes = Notes()
        self.truth = self.notes
        self.journal = self.notes
        self.air = air or Acoustics()

    def civil_utc_ns(self, boottime_ns: int) -> int:
        return UTC_AT_BOOT_NS + boottime_ns


class KeepingSink:
    """Keeps what a camera delivers."""

    def __init__(self) -> None:
        self.frames: list[EncodedFrame] = []
        self.faults: list[str] = []

    def frame(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)

    def fault(self, reason: str) -> None:
        self.faults.append(reason)


class Listener:
    """A thread that reads a microphone until it is told to end; a failed read starts it anew."""

    def __init__(self, world: SmallWorld) -> None:
        self.blocks: list[AudioBlock] = []
        self.silences = 0
        self.errors: list[str] = []
        self.microphone = SimMicrophone(world)
        self._worker = Worker("listener", world.clock, self._listen)
        self._world = world

    def start(self) -> None:
        self.microphone.start(MicrophoneSettings())
        self._worker.start()

    def stop(self) -> None:
        self._worker.request_stop()
        self._world.clock.step_by(1.0)
        self.microphone.stop()

    def heard(self) -> Waveform:
        """All samples in a row; what was lost is left out."""
        return waveforms.from_s16(b"".join(block.samples for block in self.blocks))

    def time_ns(self, sample: int) -> float:
        """Capture time of a sample of `heard`, from the blocks' own stamps."""
        for block in self.blocks:
            if sample < block.sample_count:
                return block.captured_boottime_ns + sample * SECOND_NS / 48_000
            sample -= block.sample_count
        raise IndexError(sample)

    def _listen(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            try:
                block = self.microphone.read(0.5)
            except HardwareError as error:
                self.errors.append(str(error))
                return
            if block is None:
                self.silences += 1
            else:
                self.blocks.append(block)


def call(world: SmallWorld, body: object, seconds: float = 0.0) -> None:
    """Run something that waits by the clock on a thread of its own while the test moves the time."""
    assert callable(body)
    worker = Worker("caller", world.clock, lambda _: body())
    worker.start()
    world.clock.step_by(seconds)
    assert worker.join(0), "the call did not come back in the time given"


def decoded(frames: Iterable[EncodedFrame]) -> list[npt.NDArray[np.uint8]]:
    """Luma planes of what a camera delivered, by a decoder that knows nothing else."""
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, VideoCodecContext)
    shown: list[npt.NDArray[np.uint8]] = []
    for each in frames:
        shown += [plane(picture, 0).copy() for picture in context.decode(av.Packet(each.data))]
    return shown + [plane(picture, 0).copy() for picture in context.decode(None)]


def numbers(frames: Iterable[EncodedFrame]) -> list[int | None]:
    """Picture numbers read back from what a camera delivered."""
    return [frame_code.read(luma) for luma in decoded(frames)]


def numbered_picture(width: int, height: int, number: int, luma: int = 90) -> VideoFrame:
    """A picture that tells its number."""
    frame = VideoFrame(width, height, "yuv420p")
    plane(frame, 0)[:] = luma
    plane(frame, 0)[: height // 4, : (number * 7) % width] = 150
    plane(frame, 1)[:] = 110
    plane(frame, 2)[:] = 140
    frame_code.draw(plane(frame, 0), number)
    return frame


@dataclass(frozen=True)
class ClipSpec:
    """What a clip made by `make_clip` is like."""

    width: int = 640
    height: int = 360
    frames: int = 60
    rate: Fraction = Fraction(30)
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    times_ms: Sequence[int] | None = None
    """Time stamps of a varying rate, in milliseconds."""
    sound: npt.NDArray[np.float32] | None = None
    """Channels × samples."""
    sound_rate: int = 44_100
    sound_codec: str = "aac"
    sound_starts: dict[int, int] = field(default_factory=dict)
    """From which sample on the sound is stamped how many samples later than it lies."""
    lumas: dict[int, int] = field(default_factory=dict)
    """Brightness of pictures that differ from the others."""


def make_clip(path: Path, spec: ClipSpec) -> Path:
    """Write a clip whose pictures carry their number."""
    with av.open(str(path), "w") as container:
        video = _video_stream(container, spec)
        audio = None if spec.sound is None else _audio_stream(container, spec, spec.sound.shape[0])
        for number in range(spec.frames):
            frame = numbered_picture(spec.width, spec.height, number, spec.lumas.get(number, 90))
            frame = frame.reformat(format=spec.pixel_format)
            frame.pts = number if spec.times_ms is None else spec.times_ms[number]
            frame.time_base = 1 / spec.rate if spec.times_ms is None else Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            _add_sound(container, audio, spec)
    return path


def _video_stream(container: av.container.OutputContainer, spec: ClipSpec) -> VideoStream:
    options = {"bf": "2", "g": "12", "crf": "12"} if spec.codec == "libx264" else {"qscale": "2"}
    video = container.add_stream(spec.codec, rate=spec.rate, options=options)
    assert isinstance(video, VideoStream)
    video.width, video.height, video.pix_fmt = spec.width, spec.height, spec.pixel_format
    video.time_base = 1 / spec.rate if spec.times_ms is None else Fraction(1, 1000)
    video.codec_context.time_base = video.time_base
    video.bit_rate = 6_000_000
    return video


def _audio_stream(container: av.container.OutputContainer, spec: ClipSpec, channels: int) -> AudioStream:
    layout = "stereo" if channels == 2 else "mono"
    audio = container.add_stream(spec.sound_codec, rate=spec.sound_rate, layout=layout)
    assert isinstance(audio, AudioStream)
    return audio


def _add_sound(container: av.container.OutputContainer, audio: AudioStream, spec: ClipSpec) -> None:
    assert spec.sound is not None
    step = 1024
    for first in range(0, spec.sound.shape[1], step):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(spec.sound[:, first : first + step]), format="fltp", layout=audio.layout.name
        )
        late = sum(shift for start, shift in spec.sound_starts.items() if first >= start)
        frame.sample_rate, frame.pts = spec.sound_rate, first + late
        frame.time_base = Fraction(1, spec.sound_rate)
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def tone(seconds: float, hertz: float, rate: int = 48_000, level: float = 0.5) -> Waveform:
    """A sine."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise_clip(seconds: float, seed: int = 5, level: float = 0.2, label: str = "noise") -> SoundClip:
    """White noise, which correlates with itself alone."""
    wave = np.random.default_rng(seed).uniform(-level, level, round(seconds * 48_000)).astype(np.float32)
    return SoundClip(waveforms.to_s16(wave), 48_000, label)


def lag_samples(heard: Waveform, known: Waveform) -> int:
    """Place in `heard` at which `known` begins, by correlation with flattened spectrum."""
    size = 1 << (heard.size + known.size).bit_length()
    cross = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(known, size))
    peaks = np.fft.irfft(cross / (np.abs(cross) + 1e-12), size)[: heard.size]
    return int(np.argmax(peaks))
