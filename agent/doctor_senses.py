"""Trying camera, microphone and loudspeaker by using them, for `recorder doctor`.

Rules of this module: every wait goes by the clock of the hardware; whatever was started is stopped. Judged by the
figures of the preflight's own meters, so that both agree.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
import av.error

from agent.doctor_values import Finding, Outcome
from capture.shell.microphone import SoundMeter
from capture.voice.heard import LATEST_SECONDS, chirp_heard
from capture.voice.ring import RecentSound
from capture.voice.sounds import Tone
from capture.voice.tones import tone
from hal.errors import HardwareError
from hal.ports import Hardware
from hal.values import CameraSettings, EncodedFrame, MicrophoneSettings, PictureStatistics, Playback
from hal.worker import Worker

CAMERA_SECONDS: Final = 4.0
_FRAMES_SHARE: Final = 0.8
"""Share of the frames that the time should have brought; the first ones may be late."""
_DEVIATION_MIN: Final = 3.0
"""Below it the picture shows nothing: a covered lens."""
_LEVEL_MIN_DBFS: Final = -80.0
_LISTEN_SECONDS: Final = 1.0
_READ_SECONDS: Final = 0.25
_JOIN_SECONDS: Final = 3.0
_CLIPPED_PERMILLE_MAX: Final = 10


class _Frames:
    """Keeps the newest key frame and counts; called on the driver's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0
        self.first_ns = self.last_ns = 0
        self.key_frame: bytes | None = None
        self.pictures: list[PictureStatistics] = []
        self.faults: list[str] = []

    def frame(self, frame: EncodedFrame) -> None:
        """Take the next access unit."""
        with self._lock:
            self.count += 1
            self.first_ns = self.first_ns or frame.captured_boottime_ns
            self.last_ns = frame.captured_boottime_ns
            if frame.keyframe:
                self.key_frame = frame.data
            if frame.picture is not None:
                self.pictures.append(frame.picture)

    def fault(self, reason: str) -> None:
        """Learn that the camera stopped."""
        self.faults.append(reason)


def try_camera(hardware: Hardware, meanwhile: Callable[[], None]) -> tuple[Finding, bytes | None]:
    """Take some seconds of picture.

    Args:
        hardware: Its camera is tried.
        meanwhile: Called while the camera still runs.

    Returns:
        The finding, and one picture as JPEG where one could be decoded.
    """
    frames = _Frames()
    try:
        settings = hardware.camera.start(CameraSettings(), frames)
        try:
            _pass_time(hardware, CAMERA_SECONDS)
            meanwhile()
        finally:
            hardware.camera.stop()
    except HardwareError as error:
        return Finding("camera", Outcome.FAIL, str(error)), None
    picture = None if frames.key_frame is None else jpeg_of(frames.key_frame)
    return _judged_frames(frames, settings, picture), picture


def jpeg_of(access_unit: bytes) -> bytes | None:
    """Decode one key frame and give it as JPEG; None when it cannot be decoded."""
    decoder = av.CodecContext.create("h264", "r")
    try:
        decoded = [*decoder.decode(av.Packet(access_unit)), *decoder.decode(None)]
        if not decoded:
            return None
        picture = decoded[0].reformat(format="yuvj420p")
        encoder = av.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "yuvj420p"
        encoder.framerate = Fraction(1)
        picture.pts = 0
        return b"".join(bytes(packet) for packet in (*encoder.encode(picture), *encoder.encode(None)))
    except av.error.FFmpegError:
        return None


def _judged_frames(frames: _Frames, settings: CameraSettings, picture: bytes | None) -> Finding:
    wanted = CAMERA_SECONDS * float(settings.frames_per_second) * _FRAMES_SHARE
    size = f"{settings.width_pixels}×{settings.height_pixels}"
    figure = f"{frames.count} frames in {CAMERA_SECONDS:g} s, {size} at {float(settings.frames_per_second):g} asked"
    if frames.faults:
        return Finding("camera", Outcome.FAIL, frames.faults[0])
    if frames.count == 0 or picture is None:
        return Finding("camera", Outcome.FAIL, f"{figure}; no picture could be decoded")
    prints = {one.fingerprint for one in frames.pictures}
    if len(frames.pictures) > 1 and len(prints) == 1:
        return Finding("camera", Outcome.FAIL, f"{figure}; every picture is the same: frozen")
    if frames.pictures and max(one.luma_deviation for one in frames.pictures) < _DEVIATION_MIN:
        return Finding("camera", Outcome.FAIL, f"{figure}; the picture shows nothing: covered or dark")
    return Finding("camera", Outcome.PASS if frames.count >= wanted else Outcome.DEGRADED, figure)


def try_sound(hardware: Hardware) -> tuple[Finding, Finding]:
    """Listen to the room, play a chirp, and look for it in what was heard.

    Returns:
        The findings of the microphone and of the loudspeaker.
    """
    try:
        hardware.microphone.start(MicrophoneSettings())
    except HardwareError as error:
        return Finding("microphone", Outcome.FAIL, str(error)), _played_alone(hardware)
    meter, recent, faults = SoundMeter(), RecentSound(), []

    def listen(worker: Worker) -> None:
        try:
            while not worker.stop.is_set():
                block = hardware.microphone.read(_READ_SECONDS)
                if block is not None:
                    meter.add(block)
                    recent.append(block)
        except HardwareError as error:
            faults.append(str(error))

    listener = Worker("doctor-microphone", hardware.clock, listen)
    listener.start()
    try:
        _pass_time(hardware, _LISTEN_SECONDS)
        played = _play(hardware)
        _pass_time(hardware, LATEST_SECONDS + _READ_SECONDS)
    finally:
        listener.request_stop()
        listener.join(_JOIN_SECONDS)
        hardware.microphone.stop()
    microphone = Finding("microphone", Outcome.FAIL, faults[0]) if faults else _judged_sound(meter)
    if isinstance(played, Finding):
        return microphone, played
    return microphone, _judged_chirp(recent, played, microphone)


def _judged_sound(meter: SoundMeter) -> Finding:
    level = meter.level()
    if level is None:
        return Finding("microphone", Outcome.FAIL, "no sample came")
    figure = f"{level.samples} samples, {level.rms_dbfs:.1f} dBFS, {level.clipped_permille} ‰ clipped"
    if level.rms_dbfs < _LEVEL_MIN_DBFS:
        return Finding("microphone", Outcome.FAIL, f"{figure}; that is silence")
    loud = level.clipped_permille > _CLIPPED_PERMILLE_MAX
    return Finding("microphone", Outcome.DEGRADED if loud else Outcome.PASS, figure)


def _judged_chirp(recent: RecentSound, played: Playback, microphone: Finding) -> Finding:
    if microphone.outcome is Outcome.FAIL:
        return Finding("speaker", Outcome.SKIPPED, "played; without a microphone nobody can say whether it sounded")
    heard = chirp_heard(recent, played)
    if not heard.heard:
        return Finding("speaker", Outcome.FAIL, "the chirp was played and the microphone did not hear it")
    return Finding("speaker", Outcome.PASS, f"chirp heard after {heard.delay_ms} ms")


def _played_alone(hardware: Hardware) -> Finding:
    played = _play(hardware)
    if isinstance(played, Finding):
        return played
    return Finding("speaker", Outcome.SKIPPED, "played; without a microphone nobody can say whether it sounded")


def _play(hardware: Hardware) -> Playback | Finding:
    try:
        return hardware.speaker.play(tone(Tone.START), hardware.clock.signal())
    except HardwareError as error:
        return Finding("speaker", Outcome.FAIL, str(error))


def _pass_time(hardware: Hardware, seconds: float) -> None:
    hardware.clock.wait(hardware.clock.signal(), seconds)
