"""Tier B runs where `.ci/tier-b` starts it: as root, with a tree to boot and the packages to put into it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiers.b_nspawn.machine import HOST_ADDRESS, Machine
from tests.tiers.b_nspawn.unit import STORE_PORT, THE_DAY, Store, Unit, package

collect_ignore_glob = [] if "TIER_B_ROOT" in os.environ else ["test_*.py"]


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """The machine, up; the simulator's driver set lies where a vendor's would."""
    root = Path(os.environ["TIER_B_ROOT"])
    packages = Path(os.environ["TIER_B_PACKAGES"])
    (site,) = root.glob("usr/local/lib/python3.*/dist-packages")
    shutil.copytree(packages / "simulator", site, dirs_exist_ok=True)
    made = Machine(root, root.parent / "console.log")
    try:
        made.boot()
        yield made
    finally:
        made.power_off()


@pytest.fixture(scope="session")
def installed(machine: Machine) -> Unit:
    """The machine with the package, not provisioned."""
    shutil.copyfile(package(), machine.path("/root/recorder-agent.deb"))
    machine.run("apt-get", "install", "--yes", "--no-install-recommends", "/root/recorder-agent.deb")
    return Unit(machine)


@pytest.fixture(scope="session")
def store(machine: Machine) -> Iterator[Store]:
    """The agency's store, listening where the machine can reach it."""
    made = Store(machine.root.parent / "store")
    made.command("init", made.directory, "--url", f"https://{HOST_ADDRESS}:{STORE_PORT}")
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def provisioned(installed: Unit, store: Store) -> Unit:
    """The unit is its agency's and configured; nothing was started."""
    installed.provision(store, store.directory.parent)
    installed.configure(THE_DAY)
    return installed


@pytest.fixture(scope="session")
def ready(provisioned: Unit) -> Unit:
    """Both services run; the agent has its words already."""
    provisioned.machine.run("systemctl", "start", "recorder.target")
    provisioned.wait_for("idle")
    return provisioned
