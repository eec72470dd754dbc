"""A unit becomes its agency's: once, for good, and again without a change."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.main import run
from agent.config import load_config
from agent.errors import ConfigError, IdentityError
from agent.lock import only_agent
from agent.provisioning import (
    UnitFolders,
    install_bundle,
    load_identity,
    load_receipt_certificate,
    load_recipients,
    request_enrolment,
)
from sealing.oids import Assurance
from tests.support.provisioned_unit import UNIT, enrol, make_store, provision

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("agency") / "store"
    make_store(made)
    return made


@pytest.fixture
def folders(tmp_path: Path) -> UnitFolders:
    return UnitFolders(tmp_path / "state" / "keys", tmp_path / "state" / "certificates")


@pytest.fixture
def bundle(store: Path, folders: UnitFolders, tmp_path: Path) -> bytes:
    (tmp_path / "request.json").write_bytes(request_enrolment(folders, UNIT, Assurance.SOFT))
    enrol(store, tmp_path / "request.json", tmp_path / "unit.bundle")
    return (tmp_path / "unit.bundle").read_bytes()


def contents(folders: UnitFolders) -> dict[str, bytes]:
    root = folders.keys.parent
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """What the administrator's session takes away from every file."""
    before = os.umask(request.param)
    yield int(request.param)
    assert os.umask(before) == request.param, "it is his"


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


def test_a_request_makes_two_keys_that_only_their_owners_read_whoever_makes_it(
    umask: int, folders: UnitFolders
) -> None:
    request_enrolment(folders, UNIT, Assurance.SOFT)
    modes = modes_in(folders.keys)
    assert (modes["keys"], modes["device.key"], modes["link.key"]) == (0o750, 0o600, 0o640)


def test_the_services_can_read_the_certificates_whoever_installs_them(
    bundle: bytes, umask: int, folders: UnitFolders
) -> None:
    install_bundle(folders, bundle, UNIT)
    modes = modes_in(folders.certificates)
    assert {mode for name, mode in modes.items() if name.endswith(".pem")} == {0o644}
    assert (modes["certificates"], modes["recipients"]) == (0o755, 0o755)


def test_asking_again_keeps_the_keys(folders: UnitFolders) -> None:
    request_enrolment(folders, UNIT, Assurance.SOFT)
    before = contents(folders)
    request_enrolment(folders, UNIT, Assurance.SOFT)
    assert contents(folders) == before


def test_the_keys_of_one_unit_are_not_asked_for_as_another(folders: UnitFolders) -> None:
    request_enrolment(folders, UNIT, Assurance.SOFT)
    before = contents(folders)
    with pytest.raises(IdentityError, match="those of unit unit-7, not unit-8"):
        request_enrolment(folders, "unit-8", Assurance.SOFT)
    assert contents(folders) == before


def test_a_bundle_installs_everything_that_a_start_needs(folders: UnitFolders, bundle: bytes) -> None:
    install_bundle(folders, bundle, UNIT)
    assert load_identity(folders, UNIT).device_id == UNIT
    assert [recipient.name for recipient in load_recipients(folders)] == ["1-custodian", "2-escrow"]
    assert load_receipt_certificate(folders) is not None


def test_installing_again_changes_nothing(folders: UnitFolders, bundle: bytes) -> None:
    install_bundle(folders, bundle, UNIT)
    before = contents(folders)
    install_bundle(folders, bundle, UNIT)
    assert contents(folders) == before


def test_a_forged_bundle_another_units_and_another_fingerprint_change_nothing(
    folders: UnitFolders, bundle: bytes
) -> None:
    before = contents(folders)
    forged = bytearray(bundle)
    forged[-1] ^= 1
    for data, device_id, fingerprint in (
        (bytes(forged), UNIT, None),
        (b"", UNIT, None),
        (bundle, "unit-8", None),
        (bundle, UNIT, bytes(32)),
    ):
        with pytest.raises(IdentityError):
            install_bundle(folders, data, device_id, fingerprint)
    assert contents(folders) == before


def test_a_unit_does_not_change_hands_by_a_second_bundle(folders: UnitFolders, bundle: bytes, tmp_path: Path) -> None:
    install_bundle(folders, bundle, UNIT)
    make_store(tmp_path / "elsewhere")
    enrol(tmp_path / "elsewhere", tmp_path / "request.json", tmp_path / "foreign.bundle")
    before = contents(folders)
    with pytest.raises(IdentityError, match="belongs to another agency"):
        install_bundle(folders, (tmp_path / "foreign.bundle").read_bytes(), UNIT)
    assert contents(folders) == before


def test_a_unit_without_keys_or_certificates_is_told_what_to_run(folders: UnitFolders, bundle: bytes) -> None:
    with pytest.raises(IdentityError, match="recorder provision"):
        load_identity(folders, UNIT)
    with pytest.raises(IdentityError, match="recorder provision install"):
        load_recipients(folders)
    assert load_receipt_certificate(folders) is None
    (folders.keys / "device.key").unlink()
    with pytest.raises(IdentityError, match="recorder provision request"):
        install_bundle(folders, bundle, UNIT)


def test_the_commands_write_a_configuration_once_and_leave_one_that_is_there(tmp_path: Path, capsys: Captured) -> None:
    unit = provision(tmp_path / "unit", profile="wuhu")
    config = load_config(unit.config_path)
    assert (config.unit.device_id, config.profile.name, config.hal.driver_set) == (UNIT, "wuhu", "sim")
    assert config.unit.state_directory == tmp_path / "unit" / "state"
    assert config.sync.store_url == "http://127.0.0.1:9"
    unit.config_path.write_text(unit.config_path.read_text() + "# mine\n")
    install = [
        "provision",
        "install",
        str(tmp_path / "unit" / "unit.bundle"),
        "--state",
        str(tmp_path / "unit" / "state"),
    ]
    assert run(["--config", str(unit.config_path), *install, "--profile", "huainan"]) == 0
    assert "未改动" in capsys.readouterr().err
    assert unit.config_path.read_text().endswith("# mine\n")


def test_without_a_profile_no_configuration_is_written(tmp_path: Path, capsys: Captured) -> None:
    unit = provision(tmp_path / "unit")
    unit.config_path.unlink()
    install = ["provision", "install", str(unit.root / "unit.bundle"), "--state", str(unit.root / "state")]
    assert run(["--config", str(unit.config_path), *install]) == ConfigError.exit_code
    assert "--profile" in capsys.readouterr().err
    assert not unit.config_path.exists()


def test_a_running_agents_state_is_left_alone(tmp_path: Path, capsys: Captured) -> None:
    unit = provision(tmp_path / "unit")
    install = ["provision", "install", str(unit.root / "unit.bundle"), "--state", str(unit.root / "state")]
    with only_agent(unit.root / "state"):
        assert run(["--config", str(unit.config_path), *install]) == 75
    assert "an agent runs on it" in capsys.readouterr().err


def test_a_fingerprint_that_is_none_is_wrong_usage(tmp_path: Path, capsys: Captured) -> None:
    unit = provision(tmp_path / "unit")
    install = ["provision", "install", str(unit.root / "unit.bundle"), "--state", str(unit.root / "state")]
    for wrong in ("xyz", "00ff"):
        assert run(["--config", str(unit.config_path), *install, "--ca-sha256", wrong]) == 64
    assert "--ca-sha256" in capsys.readouterr().err
