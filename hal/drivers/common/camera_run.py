"""A camera over a library that may hang, stop without a word, or refuse (DR-18, DR-20 to DR-22).

Rules of this module: every call into the library has a limit; what hangs is left behind and told. One `CameraSession`
is an opened camera; a session that failed is given up and a new one opened.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hal.drivers.common.frames import FrameDelivery, SensorCount
from hal.drivers.common.guarded import GuardedCall
from hal.errors import HardwareError, TransientHardwareError
from hal.ports import CameraSink, Clock
from hal.values import CameraSettings, EncodedFrame, PartDescription, PictureStatistics

log = logging.getLogger(__name__)

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CameraLimits:
    """How long a camera library may take."""

    start_seconds: float = 1.9
    stop_seconds: float = 1.2
    close_seconds: float = 0.6
    parting_seconds: float = 0.2
    """For frames that wait when the camera stops."""
    first_frame_seconds: float = 4.0
    silence_seconds: float = 1.5
    """Between two frames."""
    suspicion_seconds: float = 0.7
    """A camera that is stopped after so long a silence is opened anew, and believed only when a frame comes."""


USUAL = CameraLimits()


class FrameTaker(Protocol):
    """What a session gives its frames to, on its own thread. Never blocks, never raises."""

    def expect(self, in_force: CameraSettings) -> None:
        """Learn the settings in force; called once, before the first frame."""
        ...

    def frame(
        self, data: bytes, captured_boottime_ns: int, picture: PictureStatistics | None, *, keyframe: bool
    ) -> None:
        """Take an access unit, in capture order."""
        ...

    def fail(self, reason: str) -> None:
        """Learn that the session cannot go on."""
        ...


class CameraSession(Protocol):
    """An opened camera with its encoder. Every method may block, hang, or raise anything."""

    def start(self, settings: CameraSettings, taker: FrameTaker) -> CameraSettings:
        """Begin to deliver; gives the settings in force."""
        ...

    def stop(self) -> None:
        """Stop delivering; it may be started again."""
        ...

    def close(self) -> None:
        """Give the camera back, whatever state it is in."""
        ...


class GuardedCamera:
    """`hal.ports.Camera` over sessions of a library.

    Args:
        clock: The unit's clock.
        open_session: Opens the camera; may block, hang, or raise anything.
        description: What is fitted.
        limits: How long the library may take.
    """

    def __init__(
        self,
        clock: Clock,
        open_session: Callable[[], CameraSession],
        description: PartDescription,
        limits: CameraLimits = USUAL,
    ) -> None:
        self._clock = clock
        self._open_session = open_session
        self._description = description
        self._limits = limits
        self._lock = threading.Lock()
        self._session: CameraSession | None = None
        self._delivery: FrameDelivery | None = None
        self._stuck: Callable[[], bool] | None = None
        self._suspect = False

    def describe(self) -> PartDescription:
        """Say what is fitted."""
        return self._description

    def start(self, settings: CameraSettings, sink: CameraSink) -> CameraSettings:
        """Begin to deliver encoded frames.

        After a fault it returns only once a frame has come, because libraries go on listing a camera that is gone.

        Raises:
            TransientHardwareError: The camera did not answer, is busy, or a call of before still hangs.
        """
        with self._lock:
            if self._delivery is not None:
                raise TransientHardwareError("camera is busy: it was started and not stopped")
            self._require_free()
            return self._start(settings, sink)

    def stop(self) -> None:
        """Stop delivering."""
        with self._lock:
            self._stop()

    def close(self) -> None:
        """Stop, and give the camera back."""
        with self._lock:
            self._stop()
            self._give_up()

    def _start(self, settings: CameraSettings, sink: CameraSink) -> CameraSettings:
        begun_ns = self._clock.boottime_ns()
        delivery = FrameDelivery(self._clock, sink, self._limits.first_frame_seconds, self._limits.silence_seconds)
        taker = _Taker(delivery)
        call = GuardedCall("camera-start", self._clock, lambda: self._begin(settings, taker), _abandon)
        try:
            session, in_force = call.run(self._limits.start_seconds)
        except HardwareError:
            self._session = None
            if call.running:
                self._stuck = lambda: call.running
            raise
        self._session, self._delivery = session, delivery
        delivery.start()
        if self._suspect:
            left_ns = begun_ns + round(self._limits.start_seconds * _SECOND_NS) - self._clock.boottime_ns()
            if not self._clock.wait(delivery.arrived, max(0.0, left_ns / _SECOND_NS)):
                self._stop()
                self._give_up()
                raise TransientHardwareError("camera gives no frame; check cable and sensor, then start again")
            self._suspect = False
        return in_force

    def _begin(self, settings: CameraSettings, taker: FrameTaker) -> tuple[CameraSession, CameraSettings]:
        """Open where needed, and start. On a thread of its own; everything but a HardwareError is translated."""
        try:
            session = self._session if self._session is not None else self._open_session()
        except HardwareError:
            raise
        except Exception as error:
            raise TransientHardwareError(f"camera does not open: {error}; is it plugged in?") from error
        try:
            return session, session.start(settings, taker)
        except Exception as error:
            _close(session)
            raise TransientHardwareError(f"camera does not start: {error}; is it plugged in?") from error

    def _stop(self) -> None:
        delivery, self._delivery = self._delivery, None
        session = self._session
        if delivery is None or session is None:
            return
        # Whoever watches may notice the silence before the delivery does, and stop the camera for it.
        failed = delivery.failed or delivery.silent_seconds > self._limits.suspicion_seconds
        if not self._call("camera-stop", session.stop, self._limits.stop_seconds, session) or failed:
            self._suspect = True
            self._give_up()
        delivery.stop(self._limits.parting_seconds)

    def _give_up(self) -> None:
        session, self._session = self._session, None
        if session is not None and self._stuck is None:
            self._call("camera-close", session.close, self._limits.close_seconds)

    def _call(
        self, name: str, action: Callable[[], None], limit_seconds: float, session: CameraSession | None = None
    ) -> bool:
        """Make a guarded call; says whether it came back well. A session given is closed if that came too late."""
        call = GuardedCall(name, self._clock, action, None if session is None else lambda _: _close(session))
        try:
            call.run(limit_seconds)
        except Exception:
            # A library may raise anything here, and `stop` must not; what hangs is remembered.
            log.exception("%s failed", name)
            if call.running:
                self._stuck = lambda: call.running
            return False
        return True

    def _require_free(self) -> None:
        if self._stuck is not None:
            if self._stuck():
                raise TransientHardwareError("camera: a call of before still hangs; if it goes on, restart the unit")
            self._stuck = None


class _Taker:
    """Numbers the frames and puts them into the delivery."""

    def __init__(self, delivery: FrameDelivery) -> None:
        self._delivery = delivery
        self._count = SensorCount(_period_ns(CameraSettings()))

    def expect(self, in_force: CameraSettings) -> None:
        self._count = SensorCount(_period_ns(in_force))

    def frame(
        self, data: bytes, captured_boottime_ns: int, picture: PictureStatistics | None, *, keyframe: bool
    ) -> None:
        sequence = self._count.number(captured_boottime_ns)
        if sequence is None:
            self._delivery.fail(f"the sensor's time went back to {captured_boottime_ns} ns; start the camera again")
            return
        self._delivery.put(EncodedFrame(data, captured_boottime_ns, keyframe, sequence, picture))

    def fail(self, reason: str) -> None:
        self._delivery.fail(reason)


def _period_ns(settings: CameraSettings) -> float:
    return float(_SECOND_NS / settings.frames_per_second)


def _abandon(result: tuple[CameraSession, CameraSettings]) -> None:
    _close(result[0])


def _close(session: CameraSession) -> None:
    try:
        session.close()
    except Exception:
        # Any class of a library's; the camera was not usable before either.
        log.exception("camera does not close")
