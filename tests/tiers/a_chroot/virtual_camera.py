"""picamera2 on libcamera's virtual camera: the bridges that a machine without a camera needs.

The driver under test is given `VirtualCamera.open` where a unit gives `Picamera2(0)`; everything behind that is what
is shipped. Private names of picamera2 0.3.38 are used: its version is pinned.
"""

# ruff: noqa: ANN401 -- libcamera and picamera2 ship no types

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import libcamera
from picamera2 import Picamera2
from picamera2.allocators import DmaAllocator

from hal.ports import Clock
from hal.worker import Worker

_SECOND_NS = 1_000_000_000


@contextmanager
def _two_planes() -> Iterator[None]:
    """The virtual camera takes NV12 as two planes of one buffer; picamera2 allocates one."""
    real = libcamera.FrameBuffer

    def split(planes: list[Any]) -> Any:
        first, second = planes[0], real.Plane()
        luma = first.length * 2 // 3
        second.fd, second.offset, second.length = first.fd, luma, first.length - luma
        first.length = luma
        return real([first, second])

    split.Plane = real.Plane  # type: ignore[attr-defined]
    libcamera.FrameBuffer = split
    try:
        yield
    finally:
        libcamera.FrameBuffer = real


class TwoPlaneAllocator(DmaAllocator):  # type: ignore[misc] # picamera2 ships no types
    def allocate(self, config: Any, use_case: str) -> None:
        with _two_planes():
            super().allocate(config, use_case)


class PacedCamera:
    """Stands before libcamera's camera and lets one request through for each frame time.

    The virtual camera runs as fast as it is asked; a sensor does not. What finds no request is a dropped frame.
    """

    def __init__(self, camera: Any, clock: Clock, frames_per_second: float) -> None:
        self._camera = camera
        self._clock = clock
        self._period_ns = _SECOND_NS / frames_per_second
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._worker: Worker | None = None
        self.stalled = False
        self.drop = 0
        """Frame times to let pass without a frame."""
        self.given_ns: list[list[int]] = []
        """For each start, CLOCK_BOOTTIME of each frame that the sensor made and somebody got."""
        self._empty = 0
        self._late = 0

    @property
    def given(self) -> int:
        """How many frames somebody got."""
        return sum(len(frames) for frames in self.given_ns)

    @property
    def missed(self) -> int:
        """Frame times at which nobody had a buffer free, or the machine was elsewhere."""
        return self._empty + self._late

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)

    def __eq__(self, other: object) -> bool:
        return bool(self._camera == getattr(other, "_camera", other))

    def __hash__(self) -> int:
        return hash(self._camera)

    def queue_request(self, request: Any) -> None:
        self._requests.put(request)

    def start(self, controls: Any = None) -> None:
        if controls:
            self._camera.start(controls)
        else:
            self._camera.start()
        self.given_ns.append([])
        self._worker = Worker("sensor", self._clock, self._pace)
        self._worker.start()

    def stop(self) -> Any:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.request_stop()
            worker.join(1.0)
        self._requests = queue.SimpleQueue()
        return self._camera.stop()

    def _pace(self, worker: Worker) -> None:
        beat_ns = float(self._clock.boottime_ns())
        while True:
            beat_ns += self._period_ns
            left_ns = beat_ns - self._clock.boottime_ns()
            if self._clock.wait(worker.stop, max(0.0, left_ns / _SECOND_NS)):
                return
            # A sensor's beat stays where it is. What this machine comes too late for is lost, and counted.
            lost = round((self._clock.boottime_ns() - beat_ns) / self._period_ns)
            if lost > 0:
                self._late += lost
                beat_ns += (lost - 1) * self._period_ns
                continue
            if self.stalled:
                continue
            if self.drop > 0:
                self.drop -= 1
                continue
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                self._empty += 1
                continue
            self.given_ns[-1].append(self._clock.boottime_ns())
            self._camera.queue_request(request)


class VirtualPicamera2(Picamera2):  # type: ignore[misc] # picamera2 ships no types
    def _get_raw_modes(self) -> list[dict[str, Any]]:
        """The virtual camera has no raw stream to ask for."""
        role = libcamera.StreamRole.VideoRecording
        config = self.camera.generate_configuration([role]).at(0)
        return [{"format": str(config.pixel_format), "size": (config.size.width, config.size.height)}]


class VirtualCamera:
    """The cable and the sensor, for whoever plays fate."""

    def __init__(self, clock: Clock, frames_per_second: float = 30.0) -> None:
        self._clock = clock
        self._frames_per_second = frames_per_second
        self.plugged = True
        self.sensors: list[PacedCamera] = []
        """One for each time that the camera was opened."""

    def open(self) -> VirtualPicamera2:
        if not self.plugged:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        camera = VirtualPicamera2(0, allocator=TwoPlaneAllocator())
        sensor = PacedCamera(camera.camera, self._clock, self._frames_per_second)
        camera.camera = sensor
        self.sensors.append(sensor)
        return camera

    @property
    def sensor(self) -> PacedCamera:
        """The sensor as it was opened last."""
        return self.sensors[-1]

    @property
    def given_ns(self) -> list[list[int]]:
        """CLOCK_BOOTTIME of each frame that somebody got, for each start over all openings."""
        return [frames for sensor in self.sensors for frames in sensor.given_ns]

    @property
    def given(self) -> int:
        """Frames that the sensor made and somebody got, over all openings."""
        return sum(sensor.given for sensor in self.sensors)

    @property
    def missed(self) -> int:
        """Frame times without a free buffer, over all openings."""
        return sum(sensor.missed for sensor in self.sensors)

    def unplug(self) -> None:
        self.plugged = False
        for sensor in self.sensors:
            sensor.stalled = True

    def plug(self) -> None:
        self.plugged = True
