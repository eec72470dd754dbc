"""The recorder on the machine of tier B, and the agency's store outside of it.

Rules of this module: the documented commands alone are used, as an administrator and officers would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.tiers.b_nspawn.machine import COMMAND_SECONDS, HOST_ADDRESS, Done, Machine, wait_until

AGENT: Final = "recorder-agent.service"
SYNC: Final = "recorder-sync.service"
DEVICE_ID: Final = "UNIT-0001"
STATE: Final = "/var/lib/recorder"
STORE_PORT: Final = 8370
PATIENCE_SECONDS: Final = 240.0
"""For what the unit does by itself, on a machine that others use too."""
OFFICERS: Final = ("--officer", "甲某:A0001:jia3 mou3", "--officer", "乙某:A0002:yi3 mou3")
DROP_IN: Final = "/etc/recorder/agent.d/50-simulated.toml"

THE_DAY: Final = """
wait outside for words "领用"
press record
wait outside for lamp "recording"
after 20 s: stall disk 10 min
wait outside for words "程序无响应中断"
wait outside for words "程序异常中断"
after 8 s: press mark
after 6 s: hold record 2 s
wait outside for lamp "idle"
after 1 s: dock
after 9 h
"""
"""A press; a disk that hangs until the watchdog acts; a kill from outside; the end, and the dock."""


@dataclass
class Store:
    """`recorder-store` on this machine, behind the pair to the container."""

    directory: Path
    process: subprocess.Popen[str] | None = None

    def command(self, *arguments: str | Path, check: bool = True) -> Done:
        """Run `recorder-store` with these arguments."""
        command = [sys.executable, "-c", "from sync.store_main import main; main()", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def start(self) -> None:
        """Serve; returns when it listens."""
        serve = ["serve", str(self.directory), "--host", HOST_ADDRESS, "--port", str(STORE_PORT), "--tls"]
        command = [sys.executable, "-c", "from sync.store_main import main; main()", *serve, "--reserve-mb", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert "listening" in json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


@dataclass(frozen=True)
class Unit:
    """The machine as a recorder."""

    machine: Machine

    def recorder(self, *arguments: str, user: str = "root", check: bool = True) -> Done:
        """Run `recorder`, as a person at the machine would."""
        return self.machine.run("runuser", "-u", user, "--", "recorder", *arguments, check=check)

    def status(self) -> dict[str, object]:
        """What `recorder status --json` says."""
        found: dict[str, object] = json.loads(self.recorder("status", "--json").stdout)
        return found

    def state(self) -> str:
        """What the agent last told systemd that the recorder is doing."""
        return self.machine.show(AGENT, "StatusText")["StatusText"].partition(",")[0]

    def wait_for(self, state: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the recorder is doing this."""
        wait_until(lambda: self.state() == state, seconds, f"state {state}", self.last_words)

    def has_said(self, words: str) -> bool:
        """Whether the unit has spoken words that contain these, to their end."""
        journal = self.machine.path(f"{STATE}/world/journal.jsonl").read_text(encoding="utf-8")
        told = (json.loads(line) for line in journal.splitlines(keepends=True) if line.endswith("\n"))
        return any(each["kind"] == "spoken" and each["complete"] and words in each["words"] for each in told)

    def last_words(self) -> str:
        """The end of the journal."""
        return self.machine.journal("-n", "60")

    def pid(self, service: str = AGENT) -> int:
        """The main process of a service, as the machine numbers it; 0 when it does not run."""
        return int(self.machine.show(service, "MainPID")["MainPID"])

    def start_seconds(self, service: str = AGENT) -> float:
        """From the start of the last start to READY."""
        shown = self.machine.show(service, "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
        return (int(shown["ActiveEnterTimestampMonotonic"]) - int(shown["InactiveExitTimestampMonotonic"])) / 1e6

    def resident_kib(self, service: str = AGENT) -> dict[str, int]:
        """Resident, proportional and locked memory of a service."""
        text = self.machine.run("cat", f"/proc/{self.pid(service)}/smaps_rollup").stdout
        rows = (line.split() for line in text.splitlines()[1:])
        return {row[0].rstrip(":").lower(): int(row[1]) for row in rows if row[0] in {"Rss:", "Pss:", "Locked:"}}

    def sealed(self) -> list[Path]:
        """The sealed files of its spool, seen from outside."""
        return sorted(self.machine.path(f"{STATE}/spool").glob("*.evs"))

    def provision(self, store: Store, folder: Path) -> None:
        """Make it the agency's, by the commands of docs/provisioning.md."""
        request, bundle = f"{STATE}/request.json", "/root/unit.bundle"
        asked = ("provision", "request", "--state", STATE, "--device-id", DEVICE_ID, "-o", request)
        self.recorder(*asked, "--assurance", "simulated", user="recorder")
        store.command("enrol", self.machine.path(request), "-o", folder / "unit.bundle", "--dir", store.directory)
        self.machine.path(bundle).write_bytes((folder / "unit.bundle").read_bytes())
        installed = ("provision", "install", bundle, "--state", STATE, "--profile", "huainan", "--driver-set", "sim")
        self.recorder(*installed)

    def configure(self, scenario: str) -> None:
        """Give the simulated world its day; the camera is one that takes little of the machine."""
        now = self.machine.run("date", "--iso-8601=seconds").stdout.strip()
        options = {
            "scenario": "/etc/recorder/scenario.txt",
            "start_utc": now,
            "width": 320,
            "height": 176,
            "frames_per_second": 10,
        }
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
        self._write("/etc/recorder/scenario.txt", scenario)
        self._write(DROP_IN, f'[hal.options]\n{lines}\n\n[spool]\nfree = "when-receipted"\nfootage_seconds = 5\n')
        self.recorder("config", "check", user="recorder")

    def _write(self, inside: str, text: str) -> None:
        self.machine.run("install", "-D", "-m", "0644", "/dev/stdin", inside, text=text)


def package() -> Path:
    """The package as it is built."""
    return _only(Path(os.environ["TIER_B_PACKAGES"]))


def later_package() -> Path:
    """The same under a later version."""
    return _only(Path(os.environ["TIER_B_PACKAGES"]) / "later")


def _only(folder: Path) -> Path:
    (found,) = folder.glob("*.deb")
    return found
