"""The store's commands as they are installed: what is owed, what is to be done, what is checked, kept and decided."""

import os
from pathlib import Path

import pytest

from tests.support.docks import UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.rules import HUAINAN, profile_bytes
from tests.system.sync.test_processes import rows, run
from tests.unit.sync.test_store_duties import broke, ended, seal_a_day

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
STORE = "sync.store_main"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run(STORE, "init", tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def unit(folder: Path, tmp_path: Path) -> UnitOnDisk:
    with opened_store(folder) as store:
        return make_unit(store.authority, store.ledger, tmp_path / "unit")


def test_a_day_as_the_back_office_sees_it(folder: Path, unit: UnitOnDisk, tmp_path: Path) -> None:
    """R8, R9, R20: units, sessions, due, tasks, alerts."""
    (tmp_path / "huainan.toml").write_bytes(profile_bytes(HUAINAN))
    run(STORE, "profile", folder, tmp_path / "huainan.toml")
    seal_a_day(unit, HUAINAN, broke("unclassified"), ended("cannot-continue"))
    taken = rows(run(STORE, "intake", folder, unit.device_id, unit.paths.spool, "--json").stdout)
    assert {one["state"] for one in taken} == {"promised"}
    (listed,) = rows(run(STORE, "units", folder, "--json").stdout)
    assert (listed["files"], listed["held"], listed["revoked"]) == (len(taken), 0, False)
    (session,) = rows(run(STORE, "sessions", folder, "--json").stdout)
    assert (session["profile"], session["state"], session["end_reason"]) == (HUAINAN, "whole", "cannot-continue")
    assert session["due"]
    assert rows(run(STORE, "due", folder, "--json").stdout) == []
    tasks = rows(run(STORE, "tasks", folder, "--json").stdout)
    assert {one["kind"] for one in tasks} == {"unclassified-break", "written-explanation"}
    (alert,) = rows(run(STORE, "alerts", folder, "--json").stdout)
    assert alert["kind"] == "cannot-continue"
    closed = str(tasks[0]["task_id"])
    (tmp_path / "password").write_text("secret\n")
    own = ("--key", tmp_path / "clerk.key", "--password-file", tmp_path / "password")
    run(STORE, "operator", "add", folder, "甲某", "--office", "保管人", *own)
    close = ("tasks", folder, "--json", "--close", closed, "--note", "已另案处理", *own)
    left = rows(run(STORE, *close).stdout)
    assert closed not in {one["task_id"] for one in left}
    run(STORE, *close, code=os.EX_USAGE)


def test_a_lost_units_card_is_taken_in_and_accepted(folder: Path, unit: UnitOnDisk) -> None:
    """SY-36."""
    fill_spool(unit)
    run(STORE, "revoke", folder, unit.device_id, "--reason", "lost")
    taken = rows(run(STORE, "intake", folder, unit.device_id, unit.paths.spool, "--json").stdout)
    assert {(one["state"], one["reason"]) for one in taken} == {("parked", "revoked")}
    for one in taken:
        run(STORE, "accept", folder, unit.device_id, str(one["file_id"]), "--by", "乙某")
    files = rows(run(STORE, "files", folder, "--json").stdout)
    assert {one["state"] for one in files} == {"promised"}
    run(STORE, "fsck", folder)


@pytest.mark.requirement("R38", "all")
def test_backup_loss_and_restoration(folder: Path, unit: UnitOnDisk, tmp_path: Path) -> None:
    """R38."""
    fill_spool(unit)
    run(STORE, "intake", folder, unit.device_id, unit.paths.spool)
    run(STORE, "backup", folder, tmp_path / "backup", "--with-keys")
    next(folder.rglob("objects/**/*.evs")).unlink()
    faults = rows(run(STORE, "fsck", folder, "--json", code=os.EX_DATAERR).stdout)
    assert [one["code"] for one in faults] == ["missing"]
    run(STORE, "restore", tmp_path / "backup", folder, code=os.EX_CONFIG)
    run(STORE, "restore", tmp_path / "backup", tmp_path / "again")
    run(STORE, "fsck", tmp_path / "again")
