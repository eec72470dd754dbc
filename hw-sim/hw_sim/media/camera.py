"""The simulated camera: looks at a scene or a film and delivers what a real encoder makes of it.

Rules of this module: no setters; what goes wrong comes from the world's faults. Time stands still while a picture is
drawn and encoded, so the times are the sensor's, however slow the machine is.
"""

from __future__ import annotations

import random
from dataclasses import replace

from av import VideoFrame

from hal.captions import CaptionGuard
from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.ports import CameraSink
from hal.values import CameraSettings, EncodedFrame, PartDescription
from hal.worker import Worker
from hw_sim.media import pictures
from hw_sim.media.contract import MediaWorld
from hw_sim.media.encoder import H264Encoder
from hw_sim.media.errors import VideoFileError
from hw_sim.media.faults import Frozen
from hw_sim.media.pictures import Moment, PictureSource
from hw_sim.media.stage import Stage

_SECOND_NS = 1_000_000_000
_WARM_UP_NS = 180_000_000
"""From `start` to the first exposure."""
_LATENCY_NS = 12_000_000
"""From the exposure to the delivery of the access unit."""
_JITTER_NS = 150_000
_JITTER_LIMIT_NS = 400_000
_JOIN_SECONDS = 2.0


class SimCamera:
    """A camera with its encoder; satisfies `hal.ports.Camera`.

    Args:
        world: Where it stands.
        source: What it looks at.
        stage: Where in the scene the world is.
    """

    def __init__(self, world: MediaWorld, source: PictureSource, stage: Stage) -> None:
        self._world = world
        self._source = source
        self._stage = stage
        self._worker: Worker | None = None

    def describe(self) -> PartDescription:
        """Say what is fitted."""
        return PartDescription("camera", "simulated", type(self._source).__name__)

    def start(self, settings: CameraSettings, sink: CameraSink) -> CameraSettings:
        """Begin to deliver; the answer holds the size and rate that the scene or film really has."""
        self._require()
        if self._worker is not None and self._worker.alive:
            raise TransientHardwareError("camera is busy: it was started and not stopped")
        in_force = self._source.settings(settings)
        self._source.begin(in_force)
        run = _Run(self._world, self._source, self._stage, replace(in_force, caption=settings.caption), sink)
        self._worker = Worker("sim-camera", self._world.clock, run.body)
        self._worker.start()
        return in_force

    def stop(self) -> None:
        """Stop delivering; no sink call happens after it returns."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.request_stop()
            worker.join(_JOIN_SECONDS)

    def close(self) -> None:
        """Stop and give the film back."""
        self.stop()
        self._source.close()

    def _require(self) -> None:
        if not self._world.faults.camera_fitted:
            raise PermanentHardwareError("no camera is fitted to this unit")
        if not self._world.faults.camera_plugged:
            raise TransientHardwareError("camera does not answer: it is unplugged; plug it in and start again")


class _Run:
    """One stretch from `start` to `stop` or to a fault."""

    def __init__(
        self, world: MediaWorld, source: PictureSource, stage: Stage, settings: CameraSettings, sink: CameraSink
    ) -> None:
        self._world, self._source, self._stage = world, source, stage
        self._settings, self._sink = settings, sink
        self._encoder = H264Encoder(settings)
        self._black = pictures.black(settings.width_pixels, settings.height_pixels)
        self._captions = CaptionGuard(settings.caption)
        self._captioned: VideoFrame | None = None
        self._jitter = random.Random(stage.picture_number)
        self._slots = 0
        self._sequence = 0
        self._given = 0
        self._late_ns = 0
        self._shown: tuple[VideoFrame, int] | None = None
        self._first_ns = world.clock.boottime_ns() + _WARM_UP_NS

    def body(self, worker: Worker) -> None:
        """Deliver until stopped or unplugged."""
        settings = self._settings
        self._stage.roll(self._first_ns)
        self._world.truth.camera_started(
            self._world.clock.boottime_ns(), settings.width_pixels, settings.height_pixels, settings.frames_per_second
        )
        reason, fault = "error", ""
        try:
            reason = self._deliver(worker)
            fault = "camera unplugged: the sensor does not answer" if reason == "unplugged" else ""
        except VideoFileError as error:
            fault = f"camera failed: {error}"
        finally:
            self._stage.hold(self._due_ns())
            self._world.truth.camera_stopped(self._world.clock.boottime_ns(), reason)
        if fault:
            self._sink.fault(fault)

    def _deliver(self, worker: Worker) -> str:
        while True:
            captured_ns = self._due_ns() + self._jitter_ns()
            if self._wait_until(worker, captured_ns + _LATENCY_NS):
                return "stop"
            if not self._world.faults.camera_plugged:
                return "unplugged"
            if self._world.faults.camera_frozen is not Frozen.STOPS:
                self._late_ns = round(self._world.faults.take_frame_delay_seconds() * _SECOND_NS)
                if self._late_ns and self._wait_until(worker, captured_ns + _LATENCY_NS + self._late_ns):
                    return "stop"
                self._expose(captured_ns)
            self._slots += 1
            worker.beat()

    def _due_ns(self) -> int:
        return self._first_ns + round(self._slots * _SECOND_NS / self._settings.frames_per_second)

    def _jitter_ns(self) -> int:
        drawn = round(self._jitter.gauss(0, _JITTER_NS))
        return max(-_JITTER_LIMIT_NS, min(_JITTER_LIMIT_NS, drawn))

    def _wait_until(self, worker: Worker, boottime_ns: int) -> bool:
        left_ns = boottime_ns - self._world.clock.boottime_ns()
        if left_ns <= 0:
            return worker.stop.is_set()
        return self._world.clock.wait(worker.stop, left_ns / _SECOND_NS)

    def _expose(self, captured_ns: int) -> None:
        """Make one picture; hand it over unless it is to be dropped."""
        sequence = self._sequence
        self._sequence += 1
        picture, number = self._picture(captured_ns)
        if self._world.faults.take_dropped_frame():
            return
        data, keyframe = self._encoder.encode(self._with_caption(picture, captured_ns))
        measured = None
        if self._given % self._settings.gop_frames == 0:
            measured = pictures.with_sensor_noise(pictures.statistics(pictures.plane(picture, 0)), number)
        self._given += 1
        self._world.truth.camera_frame(sequence, captured_ns, number)
        self._sink.frame(EncodedFrame(data, captured_ns, keyframe, sequence, measured))

    def _with_caption(self, picture: VideoFrame, captured_ns: int) -> VideoFrame:
        """The picture with its caption, on a frame of its own: a scene or film shows the same frame again."""
        if not self._captions.wanted:
            return picture
        if self._captioned is None:
            self._captioned = VideoFrame(picture.width, picture.height, "yuv420p")
        shown = self._captioned
        # The encoder may still hold the frame of before.
        shown.make_writable()
        for index in range(3):
            pictures.plane(shown, index)[:] = pictures.plane(picture, index)
        self._captions.attempt(lambda caption: caption.draw(pictures.plane(shown, 0), captured_ns))
        return shown

    def _picture(self, captured_ns: int) -> tuple[VideoFrame, int]:
        faults = self._world.faults
        if faults.camera_frozen is Frozen.REPEATS and self._shown is not None:
            return self._shown
        number = self._stage.picture_number
        self._stage.picture_number += 1
        if faults.camera_covered:
            shown = self._black
        else:
            position_ns = self._stage.position_ns(self._due_ns())
            shown = self._source.picture(Moment(position_ns, number, self._world.civil_utc_ns(captured_ns)))
        self._shown = (shown, number)
        return self._shown
