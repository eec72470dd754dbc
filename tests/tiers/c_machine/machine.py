"""The machine, seen from outside: switched on, spoken to through its hands, cut off."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hal.drivers.system_clock import SystemClock

BOOT_SECONDS = 300.0
"""Emulation boots in 15 to 30 s on an idle machine."""
COMMAND_SECONDS = 300.0
_CONNECTION_LOOKS, _CONNECTION_LOOK_SECONDS = 1200, 0.05
_MEMORY_MB = 1536
_KERNEL_LINE = (
    "root=/dev/vda rw console=ttyS0 panic=-1 quiet loglevel=4 systemd.show_status=1 systemd.log_color=0 TERM=dumb "
    "mitigations=off net.ifnames=0 random.trust_cpu=on audit=0 lsm=capability"
)
_TAIL_LINES = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command in the machine ended with."""

    code: int
    out: str


@dataclass(frozen=True, slots=True)
class Image:
    """What `.ci/tier-c` made: kernel, ramdisk and root of the machine."""

    directory: Path

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def ramdisk(self) -> Path:
        return self.directory / "initrd"

    @property
    def root(self) -> Path:
        return self.directory / "root.img"

    @property
    def voice(self) -> Path:
        """The unit's words, rendered."""
        return self.directory / "voice"

    def ids(self, user: str) -> tuple[int, int]:
        """User id and group id of one of the machine's users."""
        lines = (self.directory / "passwd").read_text(encoding="utf-8").splitlines()
        fields = next(line.split(":") for line in lines if line.startswith(f"{user}:"))
        return int(fields[2]), int(fields[3])


class Machine:
    """A running machine; power is on from the start. Use it in a `with`: power is off at its end.

    What is written to the root disk is gone with the power, as on a unit whose root is only read; the evidence medium
    keeps what reached it.

    Args:
        image: What boots.
        medium: The evidence medium, a file.
        directory: For the console and the connection.
        rtc: What the battery-backed clock says at the start, as qemu takes it.
    """

    def __init__(self, image: Image, medium: Path, directory: Path, rtc: str = "utc") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.console = directory / "console.log"
        self.synced: dict[str, int] = {}
        """Bytes of each spool file that the recorder's storage said were on the medium."""
        self.fragments: dict[str, int] = {}
        """How many fragments of each file are among them."""
        self._clock = SystemClock()
        self._rest = b""
        self._answers: dict[int, Answer] = {}
        self._up = False
        self._orders = 0
        # A path of a socket may have 107 bytes.
        link = Path(f"/tmp/recorder-tier-c-{os.getpid()}.sock")  # noqa: S108 -- a path this short is nowhere else
        link.unlink(missing_ok=True)
        with (directory / "qemu.log").open("wb") as log:
            self._qemu = subprocess.Popen(
                _command(image, medium, self.console, link, rtc),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 -- one call, before qemu is there
            )
        self._hands = self._reached(link)
        link.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut_power()

    def wait_up(self) -> None:
        """Wait until the machine has booted so far that its hands move."""
        self.wait_until(lambda: self._up, "the machine does not boot", BOOT_SECONDS)

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> Answer:
        """Run a shell command in the machine, as root; what it printed on either stream comes back."""
        return self._order("run", command, seconds)

    def check(self, command: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run a command that has to succeed; gives what it printed."""
        answer = self.run(command, seconds)
        assert answer.code == 0, f"{command!r} ended with {answer.code}:\n{answer.out}"
        return answer.out

    def pass_time(self, seconds: float) -> None:
        """Let real time pass, and listen to what the medium confirms meanwhile."""
        end_ns = self._clock.boottime_ns() + round(seconds * 1e9)
        while (left_ns := end_ns - self._clock.boottime_ns()) > 0:
            self._listen(left_ns / 1e9)

    def wait_until(self, condition: Callable[[], bool], otherwise: str, seconds: float) -> None:
        """Wait for something that the machine tells by itself."""
        end_ns = self._clock.boottime_ns() + round(seconds * 1e9)
        while not condition():
            left_ns = end_ns - self._clock.boottime_ns()
            assert left_ns > 0, f"{otherwise} within {seconds:g} s\n{self.tail()}"
            self._listen(min(1.0, left_ns / 1e9))

    def cut_power(self) -> None:
        """Kill the machine where it stands; what it still said before is heard. Idempotent."""
        if self._qemu.poll() is None:
            self._qemu.send_signal(signal.SIGKILL)
            self._qemu.wait()
        while self._hands.fileno() >= 0 and self._listen(0.0):
            pass
        self._hands.close()

    def tail(self) -> str:
        """The end of what the console showed."""
        if not self.console.exists():
            return "nothing on the console"
        return "\n".join(self.console.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])

    def finger(self, pull: str, seconds: float) -> float:
        """Pull a line of gpio-sim to ground for so long; gives how long it was, in seconds."""
        return float(self._order("press", pull, seconds).out)

    def _order(self, what: str, argument: str, seconds: float) -> Answer:
        self._orders += 1
        number = self._orders
        order = {"id": number, what: argument, "seconds": seconds}
        self._hands.sendall(json.dumps(order).encode() + b"\n")
        self.wait_until(lambda: number in self._answers, f"no answer to {argument!r}", seconds + 30.0)
        return self._answers.pop(number)

    def _listen(self, seconds: float) -> bool:
        """Take what comes within a time; False when nothing came, or nothing will come any more."""
        if not select.select([self._hands], [], [], seconds)[0]:
            return False
        try:
            data = self._hands.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))
        return True

    def _take(self, message: dict[str, object]) -> None:
        match message:
            case {"up": _}:
                self._up = True
            case {"id": int(number), "code": int(code), "out": str(out)}:
                self._answers[number] = Answer(code, out)
            case {"synced": {"file": str(name), "bytes": int(size), "fragments": int(fragments)}}:
                self.synced[name], self.fragments[name] = size, fragments

    def _reached(self, link: Path) -> socket.socket:
        """Connect to qemu, which waits for it before it lets the machine run."""
        hands = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        never = self._clock.signal()
        for _ in range(_CONNECTION_LOOKS):
            try:
                hands.connect(str(link))
            except (FileNotFoundError, ConnectionRefusedError):
                assert self._qemu.poll() is None, "qemu ended at once; see qemu.log"
                self._clock.wait(never, _CONNECTION_LOOK_SECONDS)
            else:
                return hands
        raise AssertionError("qemu does not open its connection")


def _command(image: Image, medium: Path, console: Path, link: Path, rtc: str) -> list[str]:
    return [
        "qemu-system-x86_64",
        # With AVX2: what hears speech wants it, and the agent does not start without.
        *("-accel", "tcg,thread=multi", "-cpu", "Haswell-noTSX", "-smp", "2", "-m", str(_MEMORY_MB)),
        *("-display", "none", "-no-reboot", "-nodefaults", "-serial", f"file:{console}"),
        *("-rtc", f"base={rtc}"),
        *("-kernel", str(image.kernel), "-initrd", str(image.ramdisk), "-append", _KERNEL_LINE),
        *("-drive", f"file={image.root},format=raw,if=virtio,snapshot=on,cache=unsafe"),
        *("-drive", f"file={medium},format=raw,if=virtio,cache=writeback"),
        *("-device", "virtio-rng-pci"),
        *("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="),
        *("-chardev", f"socket,id=hands,path={link},server=on,wait=on"),
        *("-device", "virtio-serial-pci", "-device", "virtserialport,chardev=hands,name=bench.hands"),
    ]


def _die_with_parent() -> None:
    """No machine outlives its test, whatever becomes of that."""
    import ctypes  # noqa: PLC0415 -- in the child alone

    parent_death_signal = 1
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)
