"""What the back office reads at its desk: Chinese, in Beijing time, and never cut off."""

import json

import pytest

from sync.store.table_words import CODES_ZH, COLUMNS_ZH
from sync.store.tables import Row, show
from sync.store.tasks import TaskKind

SESSION: Row = {
    "device_id": "UNIT-0001",
    "started": "2026-01-01T01:02:36+00:00",
    "overdue": True,
    "due_kind": "normal",
    "labels_missing": ["案号", "承办人姓名"],
    "labels": {},
    "secrecy": None,
}


@pytest.fixture(autouse=True)
def nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECORDER_LANG", raising=False)
    monkeypatch.setenv("TERM", "dumb")


def test_people_read_chinese_and_beijing_time(capsys: pytest.CaptureFixture[str]) -> None:
    show("sessions", [SESSION], as_json=False)
    told = capsys.readouterr().out
    assert told.startswith("录制: 1\n")
    for text in ("开始时间", "2026-01-01 09:02:36", "已逾期", "是", "一般期限", "案号、承办人姓名"):
        assert text in told
    for empty in ("┃ 标签", "密级", "{}", "None", "…"):
        assert empty not in told


def test_english_is_a_setting(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECORDER_LANG", "en")
    show("sessions", [SESSION], as_json=False)
    told = capsys.readouterr().out
    assert told.startswith("sessions: 1\n")
    assert "2026-01-01T01:02:36+00:00" in told
    assert "started" in told
    assert "一般期限" not in told


def test_what_no_table_has_room_for_stands_in_blocks_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 150
    show("annotations", [{"number": 1, "hash": long, "says": {"text": "y" * 60}}, {"number": 2}], as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["补充说明: 2", "── 1 ──", "  序号  1"]
    assert f"  标识  {long}" in lines
    assert lines[-2:] == ["── 2 ──", "  序号  2"]


def test_nothing_is_told_as_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show("due", [], as_json=False)
    assert capsys.readouterr().out == "待移交: 0\n"


def test_programs_read_the_same_whatever_people_do(capsys: pytest.CaptureFixture[str]) -> None:
    show("sessions", [SESSION], as_json=True)
    assert json.loads(capsys.readouterr().out) == SESSION


def test_every_kind_of_task_has_words() -> None:
    assert {kind.value for kind in TaskKind} <= set(CODES_ZH["kind"])
    assert set(CODES_ZH) <= set(COLUMNS_ZH)
