"""A unit of the simulator, made its agency's by the real commands, and its daemon as a process."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.cli.main import run
from agent.config import AgentConfig, UnitPaths, load_config
from sealing.trust import Trust
from sync.store_main import commands as store_commands

UNIT = "unit-7"
STORE_URL = "http://127.0.0.1:9"
"""Nobody listens there."""
READY_SECONDS = 240.0
SMALL = {"width": 160, "height": 96, "frames_per_second": 5}
"""A camera that takes little of the machine."""

Option = str | int | float | bool


@dataclass(frozen=True)
class ProvisionedUnit:
    """Where everything of one unit and its agency lies."""

    root: Path

    @property
    def config_path(self) -> Path:
        return self.root / "agent.toml"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def trust(self) -> Trust:
        return Trust.load(self.store / "trust")

    @property
    def config(self) -> AgentConfig:
        return load_config(self.config_path)

    @property
    def paths(self) -> UnitPaths:
        return UnitPaths(self.config)

    @property
    def world(self) -> Path:
        return self.root / "state" / "world"

    def set_options(self, options: Mapping[str, Option], scenario: str | None = None) -> None:
        """Write the drop-in with the simulator's options."""
        folder = self.root / "agent.d"
        folder.mkdir(exist_ok=True)
        given = dict(options)
        if scenario is not None:
            (self.root / "scenario.txt").write_text(scenario, encoding="utf-8")
            given["scenario"] = "./scenario.txt"
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in given.items()]
        (folder / "simulator.toml").write_text("\n".join(["[hal.options]", *lines, ""]), encoding="utf-8")


def make_store(store: Path, *options: str) -> None:
    """An agency with its store, as `recorder-store init` makes it."""
    store_commands.main(["init", str(store), "--url", STORE_URL, *options], standalone_mode=False)


def enrol(store: Path, request: Path, bundle: Path, *options: str) -> None:
    """The agency's answer to a request."""
    words = ["enrol", str(request), "-o", str(bundle), "--dir", str(store), *options]
    store_commands.main(words, standalone_mode=False)


def provision(
    root: Path,
    profile: str = "huainan",
    *,
    init: tuple[str, ...] = (),
    asking: tuple[str, ...] = ("--assurance", "simulated"),
    enrolling: tuple[str, ...] = (),
) -> ProvisionedUnit:
    """Make a store and a unit in an empty folder, by the commands that administrators use.

    Options of `recorder-store init`, `recorder provision request` and `recorder-store enrol` can be given.
    """
    unit = ProvisionedUnit(root)
    root.mkdir(parents=True, exist_ok=True)
    make_store(unit.store, *init)
    request, bundle, state = root / "request.json", root / "unit.bundle", root / "state"
    asked = ["provision", "request", "--state", str(state), "--device-id", UNIT, "-o", str(request)]
    assert run([*asked, *asking]) == 0
    enrol(unit.store, request, bundle, *enrolling)
    installed = ["--config", str(unit.config_path), "provision", "install", str(bundle), "--state", str(state)]
    assert run([*installed, "--profile", profile, "--driver-set", "sim", "--run", str(root / "run")]) == 0
    return unit


class DaemonProcess:
    """`recorder-agent` as a process, and the service manager that it reports to."""

    def __init__(self, unit: ProvisionedUnit, environment: Mapping[str, str] | None = None) -> None:
        self._unit = unit
        self.log = unit.root / "agent.log"
        self._address = unit.root / "notify.sock"
        self._address.unlink(missing_ok=True)
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        folder = os.open(unit.root, os.O_PATH)
        try:
            self._manager.bind(f"/proc/self/fd/{folder}/notify.sock")
        finally:
            os.close(folder)
        self.said: list[str] = []
        self._process = self._start(environment or {})

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from agent.daemon_main import main; main()",
                    "--config",
                    self._unit.config_path,
                ],
                stderr=log,
                stdout=log,
                env={**os.environ, "NOTIFY_SOCKET": str(self._address), **environment},
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, message: str, seconds: float = READY_SECONDS) -> None:
        """Wait until the service manager was told something that begins so."""
        while not any(said.startswith(message) for said in self.said):
            assert self._listen(seconds), f"{message} was not said in {seconds} s:\n{self.tail()}"

    def listen_for(self, seconds: float) -> None:
        """Let real time pass, or until the process ends."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()
        self._manager.close()

    def terminate(self, seconds: float = READY_SECONDS) -> int:
        """SIGTERM; gives the exit code."""
        self._drain()
        self._process.terminate()
        return self.ended(seconds)

    def ended(self, seconds: float = READY_SECONDS) -> int:
        """Wait for the end; gives the exit code."""
        try:
            return self._process.wait(seconds)
        finally:
            self._drain()
            self._manager.close()

    def tail(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])

    def _drain(self) -> None:
        while self._listen(0.0):
            pass

    def _listen(self, seconds: float) -> bool:
        if not select.select([self._manager], [], [], seconds)[0]:
            return False
        self.said.append(self._manager.recv(4096).decode())
        return True


@contextlib.contextmanager
def running(unit: ProvisionedUnit, environment: Mapping[str, str] | None = None) -> Iterator[DaemonProcess]:
    """A daemon that is ready; killed at the end if it still runs."""
    daemon = DaemonProcess(unit, environment)
    try:
        daemon.wait_for("READY=1")
        yield daemon
    finally:
        with contextlib.suppress(OSError):
            daemon.kill()
