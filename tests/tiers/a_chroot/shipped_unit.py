"""A unit as it leaves the package: the shipped configuration in its place, provisioned by the shipped commands.

Only what this machine lacks is put in its place: a folder of /sys with a battery, names of sound devices, the virtual
camera's pixel format.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import JsonValue

from agent.control_client import ask
from agent.control_wire import StatusRequest
from agent.errors import ControlError
from hal.ports import Clock
from hal.worker import Worker
from tests.tiers.a_chroot.room import MICROPHONE, RATE_HZ, SPEAKER, Room, Samples

SHIPPED = Path("systemd/config/agent.toml")
DEVICE_ID = "tier-a-1"
_CONFIGURATION = Path("/etc/recorder/agent.toml")
_STATE, _RUN = Path("/var/lib/recorder"), Path("/run/recorder")
_VIRTUAL = Path("/usr/share/libcamera/pipeline/virtual/virtual.yaml")
_NICE = -10
"""As recorder-agent.service starts it."""
_GAUGE, _RTC = Path("/sys/class/power_supply/battery"), Path("/sys/class/rtc/rtc0")
_READY_SECONDS = 120.0
_PATIENCE_SECONDS = 120.0
_JOIN_SECONDS = 60.0
_RENDERED = Path("/var/lib/recorder-voice")
_RENDERING_SECONDS = 600.0
_ANSWER_SECONDS = 30.0
_PAUSE_SECONDS = 0.8
"""Of the unit, behind its question."""
_DROP_IN = f"""[hal.options]
microphone = "{MICROPHONE}"
speaker = "{SPEAKER}"
pixel_format = "NV12"
"""
_BATTERY = {"type": "Battery", "status": "Discharging", "capacity": "87", "voltage_now": "3960000"}


def run(*command: str, within_seconds: float = 120.0) -> str:
    """Run a command that has to succeed; gives its output."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=within_seconds, check=False)
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stderr}"
    return done.stdout


class ShippedUnit:
    """A unit and its agency.

    Args:
        directory: For the agency and what is opened.
        camera: Configuration of libcamera's virtual camera.
        clock: The machine's.
    """

    spool = _STATE / "spool"
    can_break_medium = Path("/dev/loop-control").exists()

    def __init__(self, directory: Path, camera: Path, clock: Clock) -> None:
        self.agency = directory / "agency"
        self.log = directory / "agent.log"
        self.clock = clock
        self._directory = directory
        self._camera = camera
        self._mounted: list[Path] = []
        self._rtc = Worker("rtc", clock, self._tick)
        self.rtc_late_seconds = 0
        """How far the battery-backed clock is behind; nobody looks at it but a daemon that starts."""
        self._disk = Path(tempfile.mkdtemp(prefix="recorder-", dir="/var/tmp"))

    def install(self) -> None:
        """Put the files where the package puts them, and make the unit the agency's."""
        for path in (_CONFIGURATION.parent, _RUN, Path("/sys")):
            path.mkdir(parents=True, exist_ok=True)
            self._mount("-t", "tmpfs", "unit", target=path)
        _STATE.mkdir(parents=True, exist_ok=True)
        # A real disk, and another run's unit may lie beside it.
        self._mount("--bind", str(self._disk), target=_STATE)
        self._mount("--bind", str(self._camera), target=_VIRTUAL)
        self.set_gauge(fitted=True)
        self._rtc.start()
        text = SHIPPED.read_text(encoding="utf-8")
        assert 'device_id = "REPLACE-ME"' in text
        _CONFIGURATION.write_text(text.replace("REPLACE-ME", DEVICE_ID), encoding="utf-8")
        _write_all(_CONFIGURATION.parent / "agent.d", {"bench.toml": _DROP_IN})
        self._provision()

    def remove(self) -> None:
        """Leave the tree as it was."""
        self._rtc.request_stop()
        assert self._rtc.join(_JOIN_SECONDS)
        for path in reversed(self._mounted):
            run("umount", str(path))
        shutil.rmtree(self._disk)

    def set_gauge(self, *, fitted: bool) -> None:
        """Let the kernel know a battery, or no more."""
        if fitted:
            _write_all(_GAUGE, _BATTERY)
        else:
            shutil.rmtree(_GAUGE)

    def put_spool_on(self, image: Path, size_mib: int) -> None:
        """Give the spool a medium of its own; its file system can fail where the machine has loop devices."""
        self.spool.mkdir(parents=True, exist_ok=True)
        if not self.can_break_medium:
            self._mount("-t", "tmpfs", "-o", f"size={size_mib}m", "spool", target=self.spool)
            return
        with image.open("wb") as file:
            file.truncate(size_mib << 20)
        run("mkfs.ext4", "-q", str(image))
        self._mount("-o", "loop", str(image), target=self.spool)
        shutil.rmtree(self.spool / "lost+found")

    def break_medium(self) -> None:
        """Let the medium turn read-only, as the kernel does on an error of the card."""
        run("mount", "-o", "remount,abort", str(self.spool))

    def status(self) -> dict[str, JsonValue]:
        """What the unit says of itself; nothing while it does not answer."""
        try:
            return ask(_RUN / "control.sock", StatusRequest(), _ANSWER_SECONDS)
        except ControlError:
            return {}

    def source(self) -> str:
        """What vouches for the unit's time."""
        clock = self.status()["clock"]
        assert isinstance(clock, dict)
        return str(clock["source"])

    def state(self) -> str:
        """The recorder's state; empty while nobody answers."""
        recorder = self.status().get("recorder")
        return str(recorder["state"]) if isinstance(recorder, dict) else ""

    def wait_until(self, condition: Callable[[], bool], what: str, within_seconds: float = _PATIENCE_SECONDS) -> None:
        end_ns = self.clock.boottime_ns() + round(within_seconds * 1e9)
        while not condition():
            assert self.clock.boottime_ns() < end_ns, f"{what}: not in time; {self.state()}\n{self.tail()}"
            self.pass_time(0.2)

    def wait_for(self, state: str, within_seconds: float = _PATIENCE_SECONDS) -> None:
        self.wait_until(lambda: self.state() == state, f"state {state}", within_seconds)

    def pass_time(self, seconds: float) -> None:
        self.clock.wait(self.clock.signal(), seconds)

    def tail(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])

    def explain(self, room: Room, words: Samples) -> None:
        """Speak when the unit has asked for the reason, once more if it asks once more."""
        while self.state() == "resuming":
            self.wait_until(lambda: room.quiet_seconds > _PAUSE_SECONDS or self.state() != "resuming", "the question")
            room.say(words)
            self.pass_time(len(words) / RATE_HZ + 1.5)
        self.wait_for("recording")

    @contextmanager
    def running(self, environment: Mapping[str, str]) -> Iterator[RiggedAgent]:
        """The daemon, ready; killed at the end if it still runs."""
        agent = RiggedAgent(self, environment)
        try:
            agent.wait_until_ready()
            yield agent
        finally:
            agent.kill()

    def _tick(self, worker: Worker) -> None:
        """Let the battery-backed clock go on."""
        _RTC.mkdir(parents=True, exist_ok=True)
        while not self.clock.wait(worker.stop, 0.2):
            seconds = self.clock.read().utc_ns // 1_000_000_000 - self.rtc_late_seconds
            (_RTC / "next").write_text(f"{seconds}\n")
            (_RTC / "next").rename(_RTC / "since_epoch")

    def _mount(self, *how: str, target: Path) -> None:
        run("mount", *how, str(target))
        self._mounted.append(target)

    def _provision(self) -> None:
        request, bundle = self._directory / "request.json", self._directory / "unit.bundle"
        run("recorder-store", "init", str(self.agency), "--url", "http://127.0.0.1:9")
        asked = ("provision", "request", "--state", str(_STATE), "--device-id", DEVICE_ID)
        run("recorder", *asked, "-o", str(request))
        run("recorder-store", "enrol", str(request), "-o", str(bundle), "--dir", str(self.agency))
        run("recorder", "provision", "install", str(bundle), "--state", str(_STATE))
        self._render()

    def _render(self) -> None:
        """As recorder-voice.service does before the first start; what was rendered before in this tree is taken up."""
        voice, rendered = _STATE / "voice", _RENDERED
        if rendered.is_dir():
            shutil.copytree(rendered, voice)
        run("recorder", "voice", within_seconds=_RENDERING_SECONDS)
        if not rendered.is_dir():
            shutil.copytree(voice, self._disk / "rendered")
            # Another run may be first.
            with suppress(OSError):
                (self._disk / "rendered").rename(rendered)


class RiggedAgent:
    """The daemon's process, its service manager and the hands on its parts."""

    def __init__(self, unit: ShippedUnit, environment: Mapping[str, str]) -> None:
        self._unit = unit
        address = str(unit.log.with_name("notify.sock"))
        Path(address).unlink(missing_ok=True)
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(address)
        with unit.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["nice", "-n", str(_NICE - os.nice(0)), sys.executable, "-m", "tests.tiers.a_chroot.rigged_agent"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **environment, "NOTIFY_SOCKET": address},
                bufsize=0,
            )
        self._said = b""

    def wait_until_ready(self) -> None:
        self._unit.wait_until(self._says_ready, "READY=1", _READY_SECONDS)

    def _says_ready(self) -> bool:
        assert self._process.poll() is None, f"the daemon ended:\n{self._unit.tail()}"
        if not select.select([self._manager], [], [], 0)[0]:
            return False
        return b"READY=1" in self._manager.recv(4096).split(b"\n")

    def order(self, name: str, *arguments: float) -> JsonValue:
        """Let the hands do something; gives their answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, *arguments]).encode() + b"\n")
        return self._answer()

    def threads(self) -> list[str]:
        """Names of the daemon's threads."""
        return _names(self.order("threads"))

    def terminate(self) -> tuple[int, dict[str, JsonValue], list[str]]:
        """SIGTERM; gives the exit code, the camera's account and the threads that were left."""
        self._process.send_signal(signal.SIGTERM)
        frames, left = self._answer(), _names(self._answer())
        assert isinstance(frames, dict)
        return self._process.wait(_ANSWER_SECONDS), frames, left

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._manager.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _answer(self) -> JsonValue:
        output = self._process.stdout
        assert output is not None
        while b"\n" not in self._said:
            assert select.select([output], [], [], 2 * _ANSWER_SECONDS)[0], f"no answer:\n{self._unit.tail()}"
            piece = os.read(output.fileno(), 1 << 16)
            assert piece, f"the daemon ended:\n{self._unit.tail()}"
            self._said += piece
        line, _, self._said = self._said.partition(b"\n")
        found: JsonValue = json.loads(line)
        return found


def _names(threads: JsonValue) -> list[str]:
    assert isinstance(threads, dict)
    names = threads["names"]
    assert isinstance(names, list)
    return [str(name) for name in names]


def _write_all(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
