"""Starts that cannot be: one clear line, a documented exit code, and everything as it was."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli.main import run
from sealing.records import Event
from sealing.verifier import verify_chain
from tests.scenario.recorder.unit import headers
from tests.support.profiles import MINIMAL
from tests.support.provisioned_unit import DaemonProcess, ProvisionedUnit, enrol, make_store, provision, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

Spoil = Callable[[ProvisionedUnit], None]


@pytest.fixture
def fresh(tmp_path: Path) -> ProvisionedUnit:
    """A unit that has never started; its configuration names paths of its own."""
    made = provision(tmp_path / "unit")
    made.set_options({"speed": 1})
    return made


def everything(root: Path) -> dict[str, str]:
    """Every path under a folder, with a hash of what is in it."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(root.rglob("*"))
    }


def start(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from agent.daemon_main import main; main()", "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def no_config(unit: ProvisionedUnit) -> None:
    unit.config_path.unlink()


def malformed_config(unit: ProvisionedUnit) -> None:
    edit(unit.config_path, "[hal]", "[hal")


def unknown_key(unit: ProvisionedUnit) -> None:
    edit(unit.config_path, "[hal]", "[hal]\ncolour = 1")


def no_such_profile(unit: ProvisionedUnit) -> None:
    edit(unit.config_path, '"huainan"', '"nowhere"')


def malformed_profile(unit: ProvisionedUnit) -> None:
    (unit.root / "own.toml").write_text(MINIMAL.replace('"own"', "7"), encoding="utf-8")
    edit(unit.config_path, '"huainan"', '"own.toml"')


def no_such_driver_set(unit: ProvisionedUnit) -> None:
    edit(unit.config_path, '"sim"', '"abacus"')


def unknown_driver_option(unit: ProvisionedUnit) -> None:
    unit.set_options({"sped": 1})


def spool_is_a_file(unit: ProvisionedUnit) -> None:
    unit.paths.spool.write_text("not a folder")


def no_device_key(unit: ProvisionedUnit) -> None:
    (unit.paths.keys / "device.key").unlink()


def another_key(unit: ProvisionedUnit) -> None:
    (unit.paths.keys / "device.key").write_bytes((unit.paths.keys / "link.key").read_bytes())


def no_certificates(unit: ProvisionedUnit) -> None:
    (unit.paths.certificates / "device.pem").unlink()


def one_recipient(unit: ProvisionedUnit) -> None:
    next(iter((unit.paths.certificates / "recipients").glob("2-*"))).unlink()


def damaged_receipt_certificate(unit: ProvisionedUnit) -> None:
    (unit.paths.certificates / "store-receipt.pem").write_text("no certificate")


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (no_config, 78, ["agent.toml", "cannot be read", "--config"]),
        (malformed_config, 78, ["agent.toml", "not a TOML file"]),
        (unknown_key, 78, ["agent.toml", "hal.colour = 1", "remove the key"]),
        (no_such_profile, 78, ["'nowhere'", "huainan"]),
        (malformed_profile, 78, ["own.toml", "profile.id = 7"]),
        (no_such_driver_set, 78, ["'abacus'", "sim"]),
        (unknown_driver_option, 78, ["sped", "did you mean 'speed'"]),
        (spool_is_a_file, 73, ["spool", "cannot be written"]),
        (no_device_key, 78, ["device.key", "recorder provision"]),
        (another_key, 78, ["not for its device key", "provision"]),
        (no_certificates, 78, ["device.pem", "recorder provision"]),
        (one_recipient, 78, ["recipients", "install the bundle again"]),
        (damaged_receipt_certificate, 78, ["store-receipt.pem", "no certificate"]),
    ],
)
def test_a_bad_start_says_why_and_leaves_everything_as_it_was(
    fresh: ProvisionedUnit, spoil: Spoil, code: int, words: list[str]
) -> None:
    spoil(fresh)
    before = everything(fresh.root)
    ended = start(fresh.config_path)
    said = ended.stderr.strip()
    assert ended.returncode == code, said
    assert said.splitlines()[-1].startswith("recorder-agent: error: ")
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert evidence(before) == evidence(everything(fresh.root))


def evidence(tree: dict[str, str]) -> dict[str, str]:
    """What a start may not touch: all but the empty folders that a later, good start needs anyway."""
    return {path: content for path, content in tree.items() if content != "folder"}


def test_the_chain_of_another_unit_is_kept_and_not_gone_on_with(unit: ProvisionedUnit, tmp_path: Path) -> None:
    """SF-41: whoever gets the wrong card records all the same; no receipt of the old card counts on this one."""
    with running(unit) as daemon:
        assert daemon.terminate() == 0
    other = provision(tmp_path / "other")
    other.set_options({"speed": 1})
    sealed = (unit.paths.spool / "00000001.evs").read_bytes()
    for folder in (other.paths.spool, other.paths.receipts):
        folder.mkdir()
    (other.paths.spool / "00000001.evs").write_bytes(sealed)
    (other.paths.receipts / "00000001.receipt").write_bytes(b"of the card before")
    with running(other) as daemon:
        assert daemon.terminate() == 0, daemon.tail()
    (kept,) = other.paths.spool.glob("*.foreign")
    assert kept.read_bytes() == sealed
    assert verify_chain([other.paths.spool], other.trust).first_sequence == 1
    assert [path.name for path in other.paths.receipts.iterdir()] == ["00000001.receipt.other-chain"]


def test_a_second_agent_on_one_unit_is_refused(unit: ProvisionedUnit) -> None:
    with running(unit) as daemon:
        ended = start(unit.config_path)
        assert ended.returncode == 75, ended.stderr
        assert "an agent runs on it" in ended.stderr
        while not unit.paths.status.exists():
            daemon.listen_for(0.1)
        status = json.loads(unit.paths.status.read_text(encoding="utf-8"))
        assert status["recorder"]["state"] == "idle"
        assert daemon.terminate() == 0


def test_a_bundle_of_another_agency_changes_nothing(fresh: ProvisionedUnit, tmp_path: Path) -> None:
    make_store(tmp_path / "elsewhere")
    enrol(tmp_path / "elsewhere", fresh.root / "request.json", tmp_path / "foreign.bundle")
    before = everything(fresh.root)
    command = ["provision", "install", str(tmp_path / "foreign.bundle"), "--state", str(fresh.root / "state")]
    ended = subprocess.run(
        [sys.executable, "-c", "from agent.cli.main import main; main()", "--config", str(fresh.config_path), *command],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert ended.returncode == 78, ended.stderr
    assert "belongs to another agency" in ended.stderr
    assert everything(fresh.root) == before


def sign(unit: ProvisionedUnit, number: int) -> None:
    """Sign Huainan's profile with the agency's own key, as the unit's configuration names it."""
    key, certificate = unit.store / "keys" / "agency-ca.key", unit.store / "trust" / "agency-ca.pem"
    signed = ["--key", str(key), "--certificate", str(certificate), "-o", str(unit.root / "rules.profile")]
    assert run(["profile", "sign", "huainan", "--number", str(number), *signed]) == 0
    text = unit.config_path.read_text(encoding="utf-8")
    unit.config_path.write_text(text.replace('name = "huainan"', 'name = "rules.profile"'), encoding="utf-8")


def test_pr_12_the_number_in_force_is_sealed_and_an_older_one_does_not_start(unit: ProvisionedUnit) -> None:
    """PR-11, PR-12."""
    sign(unit, 5)
    with running(unit) as daemon:
        assert daemon.terminate() == 0, daemon.tail()
    sealed = [header.body for header in headers(unit.paths.spool)]
    assert [body.values for body in sealed if isinstance(body, Event) and body.code == "profile-in-force"] == [
        (("number", 5),)
    ]
    sign(unit, 4)
    older = DaemonProcess(unit)
    assert older.ended() == os.EX_CONFIG
    assert "number 4, and number 5 was in force" in older.tail()
