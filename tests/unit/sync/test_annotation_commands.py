"""`recorder-store operator | annotate | annotations`, as the back office types them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sync.errors import ContentError, StoreError
from sync.store.register import Register
from sync.store_main import commands
from sync.wire import HeldFile, Inventory
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_unit
from tests.support.rules import HUAINAN, WUHAN, WUHU, profile_bytes
from tests.unit.sync.test_store_duties import broke, ended, promise, seal_a_day

CLOCK = ManualClock().read()
DEPARTMENTS = ("基金监管科", "稽查科")


def unit_of(task_id: str) -> str:
    return task_id.split(":")[1]


class Typist:
    """Types commands for one store."""

    def __init__(self, store: StoreOnDisk) -> None:
        self._store = str(store.directory)

    def result(self, *words: object) -> Result:
        first = [str(word) for word in words]
        at = 2 if first[0] == "operator" else 1
        return CliRunner().invoke(commands, [*first[:at], self._store, *first[at:]])

    def text(self, *words: object) -> str:
        done = self.result(*words)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def rows(self, *words: object) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text(*words, "--json").splitlines()]


@pytest.fixture
def typist(store: StoreOnDisk, unit: UnitOnDisk) -> Typist:
    Register(store.ledger).add_profile(profile_bytes(HUAINAN), START_UTC_NS)
    seal_a_day(unit, HUAINAN, ended("cannot-continue"))
    promise(store, unit)
    return Typist(store)


@pytest.fixture
def clerk(typist: Typist, tmp_path: Path) -> tuple[object, ...]:
    (tmp_path / "password").write_text("secret\n")
    own = ("--key", tmp_path / "clerk.key", "--password-file", tmp_path / "password")
    typist.text("operator", "add", "甲某", "--office", "保管人", *own)
    return own


def test_a_task_is_answered_and_open_again_when_that_is_taken_back(
    typist: Typist, unit: UnitOnDisk, clerk: tuple[object, ...]
) -> None:
    """SY-60, SY-63, R9."""
    (task,) = typist.rows("tasks")
    said = ("text=设备故障", "written_by=乙某", "--task", task["task_id"])
    first = typist.text("annotate", "explanation", *said, *clerk)
    assert typist.rows("tasks") == []
    (done,) = typist.rows("tasks", "--closed")
    assert (done["answered_by"], done["wanting"], done["closed_by"]) == (["甲某"], [], None)
    about = ("--unit", unit.device_id, "--session", task["session_id"])
    typist.text("annotate", "withdrawal", "text=写错了", *clerk, *about, "--supersedes", first)
    listed = typist.rows("annotations")
    assert [(one["number"], one["kind"], one["holds"]) for one in listed] == [
        (1, "explanation", False),
        (2, "withdrawal", False),
    ]
    assert (listed[0]["superseded_by"], listed[1]["supersedes"]) == (listed[1]["hash"], first)
    assert typist.rows("annotations", "--holding") == []
    assert len(typist.rows("tasks")) == 1
    assert "0 faults" in typist.result("fsck").stderr


def test_a_task_of_any_kind_is_closed_by_a_signed_statement(
    typist: Typist, store: StoreOnDisk, tmp_path: Path, clerk: tuple[object, ...]
) -> None:
    """SY-60, SY-61, SY-63: with who and why; taken back, it is open again."""
    Register(store.ledger).add_profile(profile_bytes(WUHAN), START_UTC_NS)
    other = make_unit(store.authority, store.ledger, tmp_path / "second", "unit-2")
    seal_a_day(other, WUHAN, broke("unclassified"), ended())
    promise(store, other)
    open_tasks = [str(row["task_id"]) for row in typist.rows("tasks")]
    assert {task.partition(":")[0] for task in open_tasks} == {
        "written-explanation",
        "unclassified-break",
        "missing-labels",
    }
    for task in open_tasks:
        left = typist.rows("tasks", "--close", task, "--note", "已另案处理", *clerk)
        assert task not in {row["task_id"] for row in left}
    closed = typist.rows("tasks", "--closed")
    assert [(row["answered_by"], row["closed_by"]) for row in closed] == [(["甲某"], None)] * len(open_tasks)
    stated = typist.rows("annotations")
    assert {(str(row["kind"]), str(row["by"])) for row in stated} == {("closing", "甲某")}
    about = ("--unit", unit_of(open_tasks[0]), "--session", closed[0]["session_id"])
    typist.text("annotate", "withdrawal", "text=写错了", *clerk, *about, "--supersedes", stated[0]["hash"])
    assert [row["task_id"] for row in typist.rows("tasks")] == open_tasks[:1]
    assert "0 faults" in typist.result("fsck").stderr


def test_a_closing_needs_a_task_that_is_open_a_reason_and_a_key_that_may(
    typist: Typist, clerk: tuple[object, ...]
) -> None:
    """SY-61: nobody closes a task by a word alone any more."""
    (task,) = (str(row["task_id"]) for row in typist.rows("tasks"))
    for words in (("--close", task), ("--close", task, "--note", "x"), ("--note", "x"), ("--close", task, *clerk)):
        assert typist.result("tasks", *words).exit_code == 2
    unknown = typist.result("tasks", "--close", "written-explanation:unit-9:1", "--note", "x", *clerk)
    assert "no open task" in unknown.output
    typist.text("operator", "end", "甲某", "--why", "调离")
    assert isinstance(typist.result("tasks", "--close", task, "--note", "x", *clerk).exception, StoreError)
    assert len(typist.rows("tasks")) == 1


def test_what_was_stated_is_seen_at_the_recording(typist: Typist, unit: UnitOnDisk, clerk: tuple[object, ...]) -> None:
    """R15, R17, R22; times without a zone are China's."""
    (session,) = typist.rows("sessions")
    about = ("--unit", unit.device_id, "--session", session["session_id"], *clerk)
    typist.text("annotate", "activity", "activity_id=检查-1", *about)
    typist.text("annotate", "labels", "department=稽查科", *about)
    typist.text(
        "annotate", "document-times", "document=笔录", "started=2026-01-01T08:00", "ended=2026-01-01T09:00", *about
    )
    (shown,) = typist.rows("sessions", "--department", "稽查科", "--activity", "检查-1")
    assert (shown["activity"], shown["department"]) == ("检查-1", "稽查科")
    assert "'document': '笔录', 'start_seconds': " in str(shown["documents"])
    assert typist.rows("sessions", "--department", "另一科") == []
    listed = typist.rows("annotations", "--session", session["session_id"])
    assert listed[2]["says"] == {
        "document": "笔录",
        "started_utc_ns": "2026-01-01T00:00:00+00:00",
        "ended_utc_ns": "2026-01-01T01:00:00+00:00",
    }


def test_a_person_is_ended(typist: Typist, unit: UnitOnDisk, clerk: tuple[object, ...]) -> None:
    """SY-61."""
    typist.text("operator", "end", "甲某", "--why", "调离")
    (known,) = typist.rows("operator", "list")
    assert (known["name"], known["office"], known["why"]) == ("甲某", "保管人", "调离")
    refused = typist.result("annotate", "note", "text=x", "--unit", unit.device_id, *clerk)
    assert isinstance(refused.exception, StoreError)
    assert typist.rows("annotations") == []


def test_what_cannot_be_stated_is_said_and_not_kept(
    typist: Typist, unit: UnitOnDisk, clerk: tuple[object, ...]
) -> None:
    """SY-60."""
    (task,) = typist.rows("tasks")
    whole = ("--unit", unit.device_id, *clerk)
    for words, told in (
        (("note", "text=x", *clerk), "name what is spoken of"),
        (("note", "text", *whole), "is not NAME=VALUE"),
        (("note", "words=x", *whole), "note text: Field required"),
        (("labels", *whole, "--session", task["session_id"]), "neither a label nor a department"),
        (("damage", "part=x", "text=x", "discovered=soon", *whole), "is no time"),
        (("note", "text=x", *whole, "--session", "zz"), "not in hexadecimal digits"),
        (("explanation", "text=x", *clerk, "--task", task["task_id"]), "written_by: Field required"),
        (("note", "text=x", *whole, "--session", "00", "--file", "00"), "name one of them"),
    ):
        refused = typist.result("annotate", *words)
        assert refused.exit_code != 0
        assert told in refused.stderr
    unknown = typist.result("annotate", "explanation", "text=x", "written_by=y", "--task", "repair:x:1", *clerk)
    assert isinstance(unknown.exception, ContentError)
    assert typist.rows("annotations") == []


def test_an_activitys_recordings_stand_side_by_side_with_their_clocks(
    typist: Typist, unit: UnitOnDisk, clerk: tuple[object, ...]
) -> None:
    """R15."""
    assert typist.rows("activities") == []
    (session,) = typist.rows("sessions")
    about = ("--unit", unit.device_id, "--session", session["session_id"], *clerk)
    typist.text("annotate", "activity", "activity_id=检查-1", *about)
    (row,) = typist.rows("activities")
    assert (row["activity"], row["device_id"], row["started"]) == ("检查-1", unit.device_id, session["started"])
    assert (row["time_source"], row["uncertainty_seconds"]) == (CLOCK.source.value, CLOCK.uncertainty_ns / 10**9)
    assert typist.rows("activities", "--activity", "检查-2") == []


def test_what_is_overdue_is_an_alert(typist: Typist, store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    """R20, R22: a recording that the unit still holds, and labels that nobody gave."""
    assert {row["kind"] for row in typist.rows("alerts")} == {"cannot-continue"}
    (session,) = typist.rows("sessions")
    held = HeldFile(file_id="ab" * 32, number=99, size_bytes=5, session_id=str(session["session_id"]))
    Register(store.ledger).told_inventory(unit.device_id, Inventory(files=(held,)), START_UTC_NS)
    Register(store.ledger).add_profile(profile_bytes(WUHAN), START_UTC_NS)
    labelled = make_unit(store.authority, store.ledger, tmp_path / "second", "unit-2")
    seal_a_day(labelled, WUHAN, ended())
    promise(store, labelled)
    late = [row for row in typist.rows("alerts") if str(row["kind"]).startswith("overdue")]
    assert [(row["device_id"], row["kind"]) for row in late] == [
        (unit.device_id, "overdue"),
        ("unit-2", "overdue:missing-labels"),
    ]
    assert late[0]["due"] == session["due"]


@pytest.mark.requirement("R22", "wuhan", "wuhu")
def test_what_is_owed_lists_labels_of_recordings_that_are_here_and_departments_find_them(
    typist: Typist, store: StoreOnDisk, tmp_path: Path, clerk: tuple[object, ...]
) -> None:
    """SY-65, R22: WH 26¶2, WU A2-10."""
    for number, (name, given, department) in enumerate(
        [(WUHAN, ("case-number", "party"), None), (WUHU, (), "基金监管科"), (WUHU, (), None)], start=2
    ):
        Register(store.ledger).add_profile(profile_bytes(name), START_UTC_NS)
        other = make_unit(store.authority, store.ledger, tmp_path / f"unit-{number}", f"unit-{number}")
        seal_a_day(other, name, ended(), labels_given=given or None, department=department)
        promise(store, other)
    (owed,) = typist.rows("due", "--overdue")
    assert (owed["device_id"], owed["state"], owed["overdue"]) == ("unit-2", "labels-missing", True)
    assert (owed["labels_given"], owed["labels_missing"]) == (["case-number", "party"], ["承办人姓名"])
    assert owed["due"] == owed["labels_due"]
    wanting = {row["device_id"]: row["wanting"] for row in typist.rows("tasks") if row["kind"] == "missing-labels"}
    assert wanting == {"unit-2": ["承办人姓名"], "unit-4": ["科室"]}
    session = ("--session", owed["session_id"])
    typist.text("annotate", "labels", "--unit", "unit-2", *session, "handler=乙某", *clerk)
    typist.text("annotate", "labels", "--unit", "unit-4", *session, "department=稽查科", *clerk)
    assert typist.rows("due") == []
    assert {row["kind"] for row in typist.rows("tasks")} == {"written-explanation"}
    found = {name: [row["device_id"] for row in typist.rows("sessions", "--department", name)] for name in DEPARTMENTS}
    assert found == {"基金监管科": ["unit-3"], "稽查科": ["unit-4"]}


def test_a_custodian_signs_that_a_revoked_units_file_is_accepted(
    typist: Typist, store: StoreOnDisk, tmp_path: Path, clerk: tuple[object, ...]
) -> None:
    """SY-36, SY-61."""
    lost = make_unit(store.authority, store.ledger, tmp_path / "lost", "unit-2")
    fill_spool(lost)
    Register(store.ledger).revoke("unit-2", "stolen, found again", START_UTC_NS)
    promise(store, lost)
    parked = [one.file_id for one in store.ledger.parked()]
    assert typist.result("accept", "unit-2", parked[0]).exit_code != 0
    assert typist.result("accept", "unit-2", parked[0], *clerk).exit_code != 0
    typist.text("accept", "unit-2", parked[0], *clerk, "--why", "存储卡已找回并核对")
    typist.text("accept", "unit-2", parked[1], "--by", "乙某")
    (said,) = typist.rows("annotations", "--unit", "unit-2")
    assert (said["kind"], said["file_id"], said["by"]) == ("acceptance", parked[0], "甲某")
    assert {row["file_id"].hex() for row in store.ledger.files("unit-2")} == set(parked[:2])
    again = typist.result("accept", "unit-2", parked[0], *clerk, "--why", "再次")
    assert isinstance(again.exception, StoreError)
    assert len(typist.rows("annotations")) == 1
