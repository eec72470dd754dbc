"""How the upload stands on the unit, and a custodian's decision about a store that contradicted itself."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.main import run
from agent.config import UnitPaths, load_config
from agent.control import ControlSocket
from agent.control_wire import Request, TrustStoreRequest
from agent.status import _upload
from agent.upload import UploadStanding, upload_standing
from sync.unit.progress_file import ProgressFile
from sync.unit.reports import Report

CONTACT_NS = 1_767_225_600 * 10**9
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def paths(tmp_path: Path) -> UnitPaths:
    (tmp_path / "agent.toml").write_text(
        '[unit]\ndevice_id = "u-1"\nstate_directory = "."\nrun_directory = "run"\n'
        '[hal]\ndriver_set = "sim"\n[profile]\nname = "huainan"\n',
        encoding="utf-8",
    )
    made = UnitPaths(load_config(tmp_path / "agent.toml"))
    for folder in (made.run, made.inbox):
        folder.mkdir(parents=True)
    return made


def contradict(paths: UnitPaths) -> None:
    told = {"reason": "the log has 3 receipts and had 5", "before": "", "now": ""}
    (paths.inbox / "store.contradiction").write_text(json.dumps(told))


def test_the_status_tells_receipts_what_waits_the_last_contact_and_a_contradiction(paths: UnitPaths) -> None:
    """SY-38, SY-43."""
    assert upload_standing(paths) == UploadStanding()
    file = ProgressFile(paths.run / "sync.json", lambda: CONTACT_NS)
    file.report(Report("waiting", seconds=3.0, reason="no way to the store"))
    assert upload_standing(paths) == UploadStanding("waiting", waits_for="no way to the store")
    file.report(Report("answered"))
    file.report(Report("begin", files_left=2, bytes_left=700))
    file.report(Report("idle", receipted_to=9))
    assert upload_standing(paths) == UploadStanding("idle", 9, 2, 700, None, CONTACT_NS)
    contradict(paths)
    shown = _upload(upload_standing(paths))
    assert (shown["contact_local"], shown["contradiction"]) == ("2026-01-01 08:00", "the log has 3 receipts and had 5")
    (paths.inbox / "store.contradiction").write_bytes(b"\xff no JSON")
    assert upload_standing(paths).contradiction == "the store has contradicted itself"


@pytest.fixture
def asked(paths: UnitPaths) -> Iterator[list[Request]]:
    """An agent's socket that remembers what it was asked."""
    heard: list[Request] = []

    def answer(request: Request) -> dict[str, list[str]]:
        heard.append(request)
        return {"kept": ["rejected/store.contradiction.1"]}

    control = ControlSocket(paths.socket, answer)  # type: ignore[arg-type]
    control.start()
    yield heard
    control.stop()


def test_the_decision_takes_the_units_name(paths: UnitPaths, asked: list[Request], capsys: Captured) -> None:
    """SY-64: nothing to decide, a wrong name, and then the right one."""
    words = ["--config", str(paths.state / "agent.toml"), "trust-store", "--by", "甲某", "--why", "由备份恢复"]
    assert run([*words, "--confirm", "u-1"]) == 75
    assert "nothing to decide" in capsys.readouterr().err
    contradict(paths)
    assert run([*words, "--confirm", "u-2"]) == 75
    assert run(["--config", str(paths.state / "agent.toml"), "trust-store", "--by", "", "--why", "x"]) == 64
    assert asked == []
    assert run([*words, "--confirm", "u-1"]) == 0
    assert asked == [TrustStoreRequest(decided_by="甲某", why="由备份恢复")]
    assert "rejected/store.contradiction.1" in capsys.readouterr().out
