"""A unit leaves its agency: by the real commands, against a real store."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from agent.cli.main import run
from agent.decommission import destroy
from agent.errors import RefusedError
from agent.lock import only_agent
from sealing.verifier import verify_chain
from tests.support.provisioned_unit import ProvisionedUnit, provision, running
from tests.support.store_process import StoreProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def decommission(unit: ProvisionedUnit, *options: str) -> int:
    return run(["--lang", "en", "--config", str(unit.config_path), "decommission", *options])


def upload(unit: ProvisionedUnit) -> None:
    store = StoreProcess(unit.store)
    store.start()
    try:
        command = [sys.executable, "-c", "from sync.unit_main import main; main()", "--config", str(unit.config_path)]
        options = ["--store", store.url, "--once", "--give-up-after", "200"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=250, check=False)
    finally:
        store.stop()
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> ProvisionedUnit:
    """A unit that has run once, and stands in its dock; the tests wear it out, one after the other."""
    unit = provision(tmp_path_factory.mktemp("worn"))
    unit.set_options({"speed": 1}, "dock\nafter 9 h\n")
    with running(unit, {"PATH": str(unit.root)}) as daemon:  # no voice there: it need not speak
        daemon.wait_for("STATUS=")
        assert daemon.terminate() == 0, daemon.tail()
    unit.paths.link.write_text('{"docked": true, "session_open": false}', encoding="utf-8")
    return unit


@pytest.fixture(scope="module")
def uploaded(worn: ProvisionedUnit) -> ProvisionedUnit:
    """The same, with a receipt for every file."""
    upload(worn)
    return worn


def test_nothing_is_destroyed_before_the_store_has_signed_for_everything(
    worn: ProvisionedUnit, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(worn.paths.state)
    assert decommission(worn, "--yes") == 75
    told = capsys.readouterr()
    assert "00000001.evs" in told.out
    assert "no receipt" in told.out
    assert "nothing was destroyed" in told.err
    assert everything(worn.paths.state) == before


def test_a_running_agent_keeps_its_keys(worn: ProvisionedUnit) -> None:
    before = everything(worn.paths.state)
    with only_agent(worn.paths.state):
        assert decommission(worn, "--yes") == 75
    assert everything(worn.paths.state) == before


def test_a_receipt_for_other_bytes_proves_nothing(
    uploaded: ProvisionedUnit, capsys: pytest.CaptureFixture[str]
) -> None:
    path = uploaded.paths.spool / "00000001.evs"
    sealed = path.read_bytes()
    path.write_bytes(sealed[:-1])
    try:
        before = everything(uploaded.paths.state)
        assert decommission(uploaded, "--yes") == 75
        assert path.name in capsys.readouterr().out
        with pytest.raises(RefusedError, match="nothing was destroyed"):
            destroy(uploaded.paths, uploaded.config.unit.device_id, uploaded.root / "credentials")
        assert everything(uploaded.paths.state) == before
    finally:
        path.write_bytes(sealed)


def test_files_of_another_unit_keep_the_keys_too(uploaded: ProvisionedUnit, capsys: pytest.CaptureFixture[str]) -> None:
    """SF-41: nobody sends them by itself."""
    foreign = uploaded.paths.spool / "00000001.unit-0002.foreign"
    foreign.write_bytes(b"evidence")
    try:
        assert decommission(uploaded, "--yes") == 75
        assert foreign.name in capsys.readouterr().out
    finally:
        foreign.unlink()


def test_whoever_does_not_say_yes_keeps_the_keys(uploaded: ProvisionedUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.confirm", _declined)
    before = everything(uploaded.paths.state)
    assert decommission(uploaded) == 75
    assert everything(uploaded.paths.state) == before


def test_a_unit_whose_files_are_all_receipted_loses_its_keys_and_no_evidence(
    uploaded: ProvisionedUnit, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = everything(uploaded.paths.spool)
    held = uploaded.root / "credentials"
    held.mkdir()
    (held / "device.key").write_bytes(b"encrypted")
    monkeypatch.setattr("agent.decommission.CREDENTIALS", held)
    device_id = uploaded.config.unit.device_id
    second_name = uploaded.root / "second-name"
    second_name.hardlink_to(uploaded.paths.keys / "device.key")
    assert decommission(uploaded, "--yes") == 0
    told = capsys.readouterr().out
    assert f"recorder-store revoke DIRECTORY {device_id}" in told
    assert "link.key" in told
    assert b"PRIVATE KEY" not in second_name.read_bytes(), "the bytes were not overwritten"
    assert not list(uploaded.paths.keys.iterdir())
    assert not list(held.iterdir())
    assert not uploaded.paths.certificates.exists()
    assert everything(uploaded.paths.spool) == sealed
    assert verify_chain([uploaded.paths.spool], uploaded.trust).verdicts


def _declined(*_: object, **__: object) -> None:
    raise click.Abort
