"""A Debian machine that systemd runs, in a container: started, asked, spied on, switched off.

Rules of this module: commands run inside by `nsenter`, as root of the machine would run them. The
console is a terminal (`script` makes one): without, systemd-nspawn shows nothing and boots nothing.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from hal.drivers.system_clock import SystemClock

BOOT_SECONDS: Final = 240.0
"""It takes three on an idle machine; a limit is for one that hangs, also below."""
COMMAND_SECONDS: Final = 400.0
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LOOK_SECONDS: Final = 0.25
_CLOCK: Final = SystemClock()
HOST_ADDRESS: Final = "10.88.0.1"
MACHINE_ADDRESS: Final = "10.88.0.2"
NAME: Final = "unit"

Done = subprocess.CompletedProcess[str]


def pause(seconds: float) -> None:
    """Let real time pass: what is waited for happens in another process."""
    select.select([], [], [], seconds)


def wait_until(reached: Callable[[], bool], seconds: float, what: str, context: Callable[[], str] = str) -> None:
    """Ask until it is so.

    Raises:
        AssertionError: It did not come in `seconds`; says `what`, and the context.
    """
    end_ns = _CLOCK.boottime_ns() + round(seconds * 1e9)
    while not reached():
        assert _CLOCK.boottime_ns() < end_ns, f"{what} did not come in {seconds} s\n{context()}"
        pause(_LOOK_SECONDS)


class Machine:
    """One container.

    Args:
        root: Its root file system.
        console: Where its console is written.
    """

    def __init__(self, root: Path, console: Path) -> None:
        self.root = root
        self._console = console
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def boot(self) -> None:
        """Start it; returns when systemd says that it is up."""
        nspawn = (
            f"systemd-nspawn --quiet --directory={self.root} --machine={NAME} --register=no --keep-unit"
            " --network-veth --resolv-conf=off --timezone=off --link-journal=no --boot"
        )
        self._process = subprocess.Popen(
            ["script", "--quiet", "--flush", "--command", nspawn, str(self._console)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            start_new_session=True,
        )
        wait_until(self._has_leader, BOOT_SECONDS, "the machine's first process", self._last_words)
        wait_until(self._is_up, BOOT_SECONDS, "the machine's start", self._last_words)
        self._connect()

    def run(self, *command: str, check: bool = True, seconds: float = COMMAND_SECONDS, text: str | None = None) -> Done:
        """Run a command inside, as root.

        Args:
            command: Program and arguments.
            check: Whether it has to succeed.
            seconds: Longest time that it may take.
            text: What it reads on stdin.
        """
        entering = ["nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
        environment = [
            "/usr/bin/env",
            "-i",
            "--chdir=/",
            f"PATH={_PATH}",
            "LC_ALL=C.UTF-8",
            "HOME=/root",
            "DEBIAN_FRONTEND=noninteractive",
        ]
        done = subprocess.run(
            [*entering, *environment, *command],
            capture_output=True,
            text=True,
            input=text,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, (
            f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def shell(self, script: str, *, check: bool = True, seconds: float = COMMAND_SECONDS) -> Done:
        """Run a shell script inside, as root."""
        return self.run("/bin/sh", "-ec", script, check=check, seconds=seconds)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """What systemd says of a unit."""
        said = self.run("systemctl", "show", unit, f"--property={','.join(properties)}").stdout
        pairs = (line.partition("=") for line in said.splitlines())
        return {key: value for key, _, value in pairs}

    def journal(self, *arguments: str) -> str:
        """What is in its journal, with everything that was said before this call."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "--output=cat", *arguments).stdout

    def path(self, inside: str) -> Path:
        """Where a file of the machine lies for everybody outside; not for what it mounted (`/run`, `/tmp`)."""
        return self.root / inside.lstrip("/")

    def power_off(self) -> None:
        """Switch it off in order; hard, when it does not go."""
        if self._process is None:
            return
        if self._leader:
            self.run("systemctl", "poweroff", "--no-wall", check=False)
        try:
            self._process.wait(60.0)
        except subprocess.TimeoutExpired:
            os.kill(self._leader, signal.SIGKILL)
            self._process.wait(30.0)
        self._process, self._leader = None, 0

    def _connect(self) -> None:
        """Give both ends of the pair that nspawn made their addresses."""
        for command in (
            ("ip", "address", "replace", f"{HOST_ADDRESS}/30", "dev", f"ve-{NAME}"),
            ("ip", "link", "set", f"ve-{NAME}", "up"),
        ):
            subprocess.run(command, check=True, capture_output=True)
        self.run("ip", "address", "replace", f"{MACHINE_ADDRESS}/30", "dev", "host0")
        self.run("ip", "link", "set", "host0", "up")

    def _has_leader(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"systemd-nspawn ended\n{self._last_words()}"
        found = [pid for pid in _descendants(self._process.pid) if _is_first_of_a_namespace(pid)]
        self._leader = found[0] if found else 0
        return bool(found)

    def _is_up(self) -> bool:
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in {"running", "degraded"}

    def _last_words(self) -> str:
        try:
            return self._console.read_text(encoding="utf-8", errors="replace")[-3000:]
        except FileNotFoundError:
            return "no console"


def _descendants(pid: int) -> Sequence[int]:
    try:
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return ()
    return (*children, *(deeper for child in children for deeper in _descendants(child)))


def _is_first_of_a_namespace(pid: int) -> bool:
    """Whether a process is the first one of a process namespace, and has become systemd."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return facts["Name"] == "systemd" and facts["NSpid"].split()[1:] == ["1"]
