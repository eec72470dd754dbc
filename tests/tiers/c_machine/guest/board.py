"""The driver set `bench`: the shipped driver set `pi` on the machine's own parts.

Lines are real lgpio on the kernel's gpio-sim, sound is real ALSA on snd-aloop, the battery the kernel's MAX17040 on
i2c-stub, the clock the machine's own. Only the camera is libcamera's virtual one, paced to what emulation carries, and
lgpio is told what board it is on. The storage is the shipped one, and tells a witness what it has put on the medium.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import types
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hal.drivers.common.alsa import AlsaPcm, Pcm, PcmRequest
from hal.drivers.common.camera_run import CameraLimits, CameraSession, GuardedCamera
from hal.drivers.common.clock_unit import UnitClock
from hal.drivers.common.options import Option
from hal.drivers.pi.driver_set import PiDriverSet, PiParts
from hal.drivers.pi.options import PiOptions
from hal.drivers.pi.picamera import PicameraSession
from hal.ports import Hardware, Storage, StorageFile
from hal.values import StorageReading
from sealing.framing import PREFIX_BYTES, decode_prefix, open_header
from sealing.records import RecordType

log = logging.getLogger(__name__)

NAME = "bench"
FRAMES_PER_SECOND = 5.0
"""As many as emulation encodes with time to spare."""
PATIENT = CameraLimits(
    start_seconds=40.0, stop_seconds=10.0, close_seconds=5.0, first_frame_seconds=40.0, silence_seconds=10.0
)
"""Emulation starts a camera as slowly as a Pi whose camera hangs: that is no fault here."""
_PI_4 = 0xC03111
_WITNESS = "/run/bench/witness.sock"
_BOARD = Path("/run/bench/board")
_HOLD = Path("/run/bench/hold-microphone")
"""While this is there, whoever reads the microphone is held up; the kernel goes on without him."""
_HELD_SECONDS = 0.02


class BenchDriverSet(PiDriverSet):
    """`hal.ports.DriverSet` of the machine."""

    def open(self, options: dict[str, Option], spool_directory: str) -> Hardware:
        hardware = super().open(options, spool_directory)
        assert isinstance(hardware.camera, GuardedCamera)
        hardware.camera._limits = PATIENT
        # What the virtual camera sees is nothing: the evidence says so, and is graded so.
        return replace(hardware, driver_set=NAME, simulated=True, storage=WitnessedStorage(hardware.storage))


def driver_set() -> BenchDriverSet:
    """Make the driver set: the entry point `bench`."""
    return BenchDriverSet(
        PiParts(camera=_camera, camera_model=lambda _: "Virtual Video Device", pins=_pins, pcm=_open_pcm)
    )


class HeldPcm(AlsaPcm):
    """The shipped device, in whose way a test can stand."""

    def wait(self, timeout_seconds: float) -> bool:
        while _HOLD.exists():
            threading.Event().wait(_HELD_SECONDS)
        return super().wait(timeout_seconds)


def _open_pcm(request: PcmRequest) -> Pcm:
    return HeldPcm(request) if request.capture else AlsaPcm(request)


def _camera(_: PiOptions) -> Callable[[], CameraSession]:
    # The preview on a bare screen wants bindings that Debian does not have; no preview is used.
    kms = types.ModuleType("pykms")
    kms.PixelFormat = type("PixelFormat", (), {"__getattr__": lambda _, name: name})()  # type: ignore[attr-defined]
    sys.modules.setdefault("pykms", kms)
    from tests.tiers.a_chroot.virtual_camera import VirtualCamera  # noqa: PLC0415 -- behind the module above

    camera = VirtualCamera(UnitClock(), FRAMES_PER_SECOND)
    return lambda: PicameraSession(camera.open, "NV12")


def _pins() -> object:
    from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 -- only where its library is

    class BenchFactory(LGPIOFactory):  # type: ignore[misc] # gpiozero ships no types
        def _get_revision(self) -> int:
            return _PI_4

    facts = dict(line.split("=", 1) for line in _BOARD.read_text(encoding="utf-8").splitlines())
    return BenchFactory(chip=int(facts["chip"].removeprefix("gpiochip")))


class WitnessedStorage:
    """The storage that is shipped; what `sync` has promised is told outside of the machine.

    Args:
        storage: That storage.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._witness = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._witness.setblocking(False)

    def usage(self) -> StorageReading:
        return self._storage.usage()

    def create(self, name: str) -> StorageFile:
        return _WitnessedFile(self._storage.create(name), self._tell)

    def names(self) -> Sequence[str]:
        return self._storage.names()

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        return self._storage.read(name, offset_bytes, length_bytes)

    def replace(self, name: str, new_name: str | None) -> None:
        self._storage.replace(name, new_name)

    def _tell(self, name: str, synced_bytes: int, fragments: int) -> None:
        report = {"file": name, "bytes": synced_bytes, "fragments": fragments}
        try:
            self._witness.sendto(json.dumps(report).encode(), _WITNESS)
        except OSError as error:
            # Nobody listens, or not fast enough: the test then knows less, and the recording goes on.
            log.warning("the witness does not hear: %s", error)


class _WitnessedFile:
    def __init__(self, file: StorageFile, tell: Callable[[str, int, int], None]) -> None:
        self._file = file
        self._tell = tell
        self._appended_bytes = 0
        self._fragments = 0

    @property
    def name(self) -> str:
        return self._file.name

    def append(self, data: bytes | memoryview) -> None:
        self._file.append(data)
        if self._appended_bytes > 0:
            # Behind its beginning a file grows by one record at a time.
            header_bytes, _ = decode_prefix(bytes(data[:PREFIX_BYTES]))
            _, header = open_header(bytes(data[PREFIX_BYTES : PREFIX_BYTES + header_bytes]))
            self._fragments += header.type is RecordType.FRAGMENT
        self._appended_bytes += len(data)

    def sync(self) -> None:
        appended_bytes, fragments = self._appended_bytes, self._fragments
        self._file.sync()
        self._tell(self.name, appended_bytes, fragments)

    def close(self) -> None:
        self._file.close()
