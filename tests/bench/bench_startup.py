"""From service start to READY, and memory when idle: under systemd where tier B can run, as a process elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from agent.cli.main import run
from tests.bench.measurement import Measurement, at_most
from tests.support.provisioned_unit import SMALL, ProvisionedUnit, provision, running

CANNOT_RUN = 77
STARTS = 3
READY_SECONDS = 5.0
AGENT_MB = 150.0
_TIER = Path(__file__).parents[2] / ".ci/tier-b"
_SELECTED = "device_key_lies_encrypted or it_becomes_ready"


@dataclass(frozen=True)
class Startup:
    """What was measured, and where."""

    seconds: float
    agent_mb: float
    where: str


def measure() -> list[Measurement]:
    """Measure one unit with its words rendered."""
    found = _under_systemd() or _as_a_process()
    return [
        at_most("service start to READY", found.seconds, "s", found.where, READY_SECONDS),
        at_most("idle memory of the agent", found.agent_mb, "MB", f"resident; {found.where}", AGENT_MB),
    ]


def _under_systemd() -> Startup | None:
    """Tier B's own measurement; None where this machine cannot run it."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "measured.json"
        environment = {**os.environ, "TIER_B_MEASURED": str(told)}
        done = subprocess.run([_TIER, "--", "-q", "-k", _SELECTED], env=environment, stdout=sys.stderr, check=False)
        if done.returncode == CANNOT_RUN:
            return None
        if done.returncode != 0:
            raise RuntimeError(f"{_TIER} failed with exit code {done.returncode}; what it said stands above")
        measured: Mapping[str, float] = json.loads(told.read_text(encoding="utf-8"))
    return Startup(
        measured["start_to_ready_seconds"], measured["agent_rss_kib"] / 1024, "tier B, shipped unit and package"
    )


def _as_a_process() -> Startup:
    with tempfile.TemporaryDirectory() as folder:
        unit = provision(Path(folder) / "unit")
        unit.set_options({**SMALL, "speed": 1})
        if run(["--config", str(unit.config_path), "voice"]) != 0:
            raise RuntimeError("the unit's words cannot be rendered here; `make setup` installs the voice")
        seconds, memory = zip(*(_start(unit) for _ in range(STARTS)), strict=True)
    return Startup(median(seconds), median(memory), f"no systemd: plain process, median of {STARTS}")


def _start(unit: ProvisionedUnit) -> tuple[float, float]:
    """Seconds to READY, and megabytes resident then."""
    began = time.monotonic()
    with running(unit) as daemon:
        seconds = time.monotonic() - began
        daemon.wait_for("STATUS=")
        status = Path(f"/proc/{daemon.pid}/status").read_text(encoding="utf-8")
        kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        daemon.terminate()
    return seconds, kib / 1024
