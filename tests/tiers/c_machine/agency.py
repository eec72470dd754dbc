"""An agency, and the unit that it makes of the machine: by the commands that administrators use."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from agent.cli.main import run
from sealing.trust import Trust
from tests.support.provisioned_unit import enrol, make_store
from tests.tiers.c_machine.machine import Image

UNIT = "bench-1"
"""As `.ci/tier-c` writes it into the machine's configuration."""
_MEDIUM_MB = 256
_PROFILE = "huainan"


@dataclass(frozen=True, slots=True)
class Agency:
    """Store, trust anchors and one enrolled unit's state directory."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def trust(self) -> Trust:
        return Trust.load(self.store / "trust")

    def make_medium(self, path: Path, image: Image) -> None:
        """Make a medium with the enrolled unit's state on it, voice included, owned as the machine's users own it."""
        shutil.copytree(image.voice, self.state / "voice", dirs_exist_ok=True)
        user, group = image.ids("recorder")
        for folder, _, files in os.walk(self.state):
            for name in (folder, *(os.path.join(folder, file) for file in files)):  # noqa: PTH118 - names alone
                os.chown(name, user, group)
        path.unlink(missing_ok=True)
        with path.open("wb") as file:
            file.truncate(_MEDIUM_MB << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(self.state), str(path)], check=True)


def found_agency(root: Path) -> Agency:
    """Make a store, and enrol the unit."""
    agency = Agency(root)
    root.mkdir(parents=True, exist_ok=True)
    make_store(agency.store)
    request, bundle, state = root / "request.json", root / "unit.bundle", str(agency.state)
    asked = ["provision", "request", "--state", state, "--device-id", UNIT, "-o", str(request)]
    assert run([*asked, "--assurance", "simulated"]) == 0
    enrol(agency.store, request, bundle)
    # The configuration that this writes is of this machine; the emulated one has its own.
    installed = ["--config", str(root / "agent.toml"), "provision", "install", str(bundle), "--state", state]
    assert run([*installed, "--profile", _PROFILE, "--driver-set", "bench", "--run", str(root / "run")]) == 0
    return agency
