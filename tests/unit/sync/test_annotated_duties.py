"""What statements of the back office do to tasks, due times and the view of recordings, by each agency's text."""

from pathlib import Path

import pytest

from sealing.records import Event, Fault
from sync.errors import ContentError
from sync.rules import rules_of_profile
from sync.store.amended import differences
from sync.store.annotation import Subject
from sync.store.overview import TaskRow
from sync.store.register import Register
from sync.store.tasks import TaskKind
from tests.support.annotating import Clerk, make_clerk, overview
from tests.support.chains import SESSION
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, make_unit
from tests.support.rules import DALIAN, HUAINAN, INNER_MONGOLIA, WUHAN, WUHU, profile_bytes
from tests.unit.sync.test_store_duties import HOUR_NS, broke, ended, promise, seal_a_day

MINUTE_NS = HOUR_NS // 60


@pytest.fixture
def clerk(store: StoreOnDisk, tmp_path: Path) -> Clerk:
    for name in (HUAINAN, WUHU, WUHAN, DALIAN, INNER_MONGOLIA):
        Register(store.ledger).add_profile(profile_bytes(name), START_UTC_NS)
    return make_clerk(store, tmp_path)


def recording(unit: UnitOnDisk) -> Subject:
    return Subject(unit.device_id, SESSION)


def rows(store: StoreOnDisk, kind: TaskKind) -> list[TaskRow]:
    return [row for row in overview(store).task_rows() if row.task.kind is kind]


def due(store: StoreOnDisk, unit: UnitOnDisk) -> int:
    (row,) = overview(store).sessions(unit.device_id)
    assert row.due is not None
    assert row.due.due_utc_ns is not None
    return row.due.due_utc_ns


@pytest.mark.requirement("R9", "huainan")
def test_hn_12_the_written_explanation_closes_its_task(store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk) -> None:
    seal_a_day(unit, HUAINAN, ended("cannot-continue"))
    promise(store, unit)
    (row,) = rows(store, TaskKind.WRITTEN_EXPLANATION)
    assert (row.done, row.wanting) == (False, ("explanation",))
    with pytest.raises(ContentError, match="does not answer written-explanation"):
        clerk.answer(row.task.task_id, "cause", cause="device-fault", text="x")
    made = clerk.answer(row.task.task_id, "explanation", text="设备故障，改用书面记录", written_by="乙某")
    (row,) = rows(store, TaskKind.WRITTEN_EXPLANATION)
    assert (row.done, row.answers) == (True, (made,))
    clerk.state(recording(unit), "withdrawal", made.digest, text="写错了")
    assert [one.done for one in rows(store, TaskKind.WRITTEN_EXPLANATION)] == [False]


@pytest.mark.requirement("R11", "wuhu")
def test_wu_a2_16_the_work_record_is_filled_in_then_reviewed_then_filed(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    seal_a_day(unit, WUHU, Event("exemption", SESSION, (("ground", 2),)), ended())
    promise(store, unit)
    (row,) = rows(store, TaskKind.EXEMPTION_WORK_RECORD)
    task = row.task.task_id
    assert (row.task.addressee, row.task.reviewed, row.task.filed) == ("本单位主要领导", True, True)
    assert row.task.facts["ground"] == "natural-cause"
    with pytest.raises(ContentError, match="no work record yet"):
        clerk.answer(task, "review", decision="approved", reviewed_by="丙某")
    clerk.answer(task, "work-record", fields={"无法使用的原因": "暴雨"}, written_by="乙某")
    assert rows(store, TaskKind.EXEMPTION_WORK_RECORD)[0].wanting == ("依据", "review", "filing")
    clerk.answer(task, "review", decision="refused", reviewed_by="丙某")
    clerk.answer(task, "work-record", fields={"无法使用的原因": "暴雨", "依据": "第十六条"}, written_by="乙某")
    assert rows(store, TaskKind.EXEMPTION_WORK_RECORD)[0].wanting == ("review", "filing")
    with pytest.raises(ContentError, match="not ready to be filed: review, filing"):
        clerk.answer(task, "filing", filed_as="卷一")
    clerk.answer(task, "review", decision="approved", reviewed_by="丙某")
    assert rows(store, TaskKind.EXEMPTION_WORK_RECORD)[0].wanting == ("filing",)
    clerk.answer(task, "filing", filed_as="卷一")
    assert rows(store, TaskKind.EXEMPTION_WORK_RECORD)[0].done


@pytest.mark.requirement("R11", "huainan")
def test_hn_7_a_recording_that_was_not_made_is_told_later_and_takes_a_work_record(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    seal_a_day(unit, HUAINAN, ended())
    promise(store, unit)
    said = {"ground": "emergency", "reason": "情况紧急", "happened_utc_ns": START_UTC_NS - HOUR_NS}
    made = clerk.state(Subject(unit.device_id), "exemption", None, **said)
    (row,) = rows(store, TaskKind.EXEMPTION_WORK_RECORD)
    assert (row.task.addressee, row.task.fields) == ("局主管领导", ("无法使用的原因", "依据"))
    assert (row.task.reviewed, row.task.since_utc_ns) == (False, START_UTC_NS - HOUR_NS)
    assert row.task.task_id == f"exemption-work-record:{unit.device_id}:note-{made.annotation.number}"
    fields = {"无法使用的原因": "情况紧急", "依据": "第七条"}
    clerk.answer(row.task.task_id, "work-record", fields=fields, written_by="乙某")
    assert rows(store, TaskKind.EXEMPTION_WORK_RECORD)[0].done


@pytest.mark.requirement("R11", "inner-mongolia")
def test_nm_5_asks_for_no_work_record(store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk) -> None:
    seal_a_day(unit, INNER_MONGOLIA, Event("exemption", SESSION, (("ground", 1),)), ended())
    promise(store, unit)
    said = {"ground": "written-record-suffices", "reason": "文字记录完整", "happened_utc_ns": START_UTC_NS}
    clerk.state(Subject(unit.device_id), "exemption", None, **said)
    assert not list(overview(store).task_rows())


@pytest.mark.requirement("R8", "huainan")
def test_hn_12_a_break_gets_its_cause_and_on_an_exempting_ground_a_work_record(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    seal_a_day(unit, HUAINAN, broke("unclassified"), ended())
    promise(store, unit)
    (row,) = rows(store, TaskKind.UNCLASSIFIED_BREAK)
    with pytest.raises(ContentError, match="no cause of a break lunch"):
        clerk.answer(row.task.task_id, "cause", cause="lunch", text="午饭")
    clerk.answer(row.task.task_id, "cause", cause="secrets-privacy", text="涉及个人隐私")
    assert [one.done for one in rows(store, TaskKind.UNCLASSIFIED_BREAK)] == [True]
    (row,) = rows(store, TaskKind.EXEMPTION_WORK_RECORD)
    assert (row.task.facts["ground"], row.done) == ("secrets-privacy", False)


@pytest.mark.requirement("R22", "wuhan")
def test_r22_labels_close_their_task_together_and_find_the_footage(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    """WH 26¶2."""
    seal_a_day(unit, WUHAN, ended())
    promise(store, unit)
    clerk.state(recording(unit), "labels", labels={"case-number": "医保〔2026〕1号", "party": "某药店"})
    (row,) = rows(store, TaskKind.MISSING_LABELS)
    assert row.wanting == ("承办人姓名",)
    assert row.task.due_utc_ns is not None
    assert row.task.overdue_at(row.task.due_utc_ns + 1)
    assert not row.task.overdue_at(row.task.due_utc_ns)
    clerk.state(recording(unit), "labels", labels={"handler": "甲某"}, department="稽查科")
    assert [one.done for one in rows(store, TaskKind.MISSING_LABELS)] == [True]
    found = overview(store).amendment(unit.device_id, SESSION)
    assert (found.department, dict(found.labels)["party"]) == ("稽查科", "某药店")


@pytest.mark.requirement("R18", "wuhu")
def test_wu_a2_14_a_repairs_time_runs_from_its_discovery_by_a_person(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    seal_a_day(unit, WUHU, Fault("camera", "gone", present=True), ended())
    promise(store, unit)
    found_ns = START_UTC_NS + HOUR_NS
    clerk.state(Subject(unit.device_id), "damage", part="clip", text="夹子断裂", discovered_utc_ns=found_ns)
    machine, person = rows(store, TaskKind.REPAIR)
    assert machine.task.due_utc_ns == machine.task.since_utc_ns + 24 * HOUR_NS
    assert (person.task.due_utc_ns, person.task.facts["part"]) == (found_ns + 24 * HOUR_NS, "clip")
    for row in (machine, person):
        clerk.answer(row.task.task_id, "repair", text="已更换", repaired_utc_ns=found_ns + 2 * HOUR_NS)
    assert [row.done for row in rows(store, TaskKind.REPAIR)] == [True, True]


@pytest.mark.requirement("R20", "wuhu")
def test_wu_a2_9_an_activity_joined_later_ends_with_its_last_recording_on_any_unit(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk, tmp_path: Path
) -> None:
    second = make_unit(store.authority, store.ledger, tmp_path / "second", "unit-2")
    seal_a_day(unit, WUHU, ended())
    seal_a_day(second, WUHU, ended(), clock=ManualClock(START_UTC_NS + 3 * HOUR_NS))
    promise(store, unit)
    promise(store, second)
    alone, late = due(store, unit), due(store, second)
    assert late - alone == 3 * HOUR_NS
    clerk.state(recording(unit), "activity", activity_id="检查-1")
    assert due(store, unit) == alone
    clerk.state(recording(second), "activity", activity_id="检查-1")
    assert (due(store, unit), due(store, second)) == (late, late)


@pytest.mark.requirement("R15", "all")
def test_r15_recordings_of_two_units_join_later_without_touching_either(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk, tmp_path: Path
) -> None:
    second = make_unit(store.authority, store.ledger, tmp_path / "second", "unit-2")
    for each in (unit, second):
        seal_a_day(each, DALIAN, ended())
        promise(store, each)
        clerk.state(recording(each), "activity", activity_id="检查-1")
    found = [row.session for each in (unit, second) for row in overview(store).sessions(each.device_id)]
    assert [one.circumstances and one.circumstances.activity_id for one in found] == ["检查-1", "检查-1"]


@pytest.mark.requirement("R20", "huainan")
def test_hn_14_a_reason_of_the_text_moves_the_due_time_to_after_the_return(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    seal_a_day(unit, HUAINAN, ended())
    promise(store, unit)
    (before,) = overview(store).sessions(unit.device_id)
    assert before.due is not None
    assert before.due.kind.value == "normal"
    clerk.state(recording(unit), "late-transfer", reason="away", text="异地执法")
    (row,) = overview(store).sessions(unit.device_id)
    assert row.due is not None
    assert (row.due.kind.value, row.due.due_utc_ns) == ("awaiting-return", None)


@pytest.mark.requirement("R20", "wuhu")
def test_wu_a2_9_knows_no_reason_for_handing_over_later(store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk) -> None:
    seal_a_day(unit, WUHU, ended())
    promise(store, unit)
    with pytest.raises(ContentError, match="has no reason for handing over later away; it has: none"):
        clerk.state(recording(unit), "late-transfer", reason="away", text="异地执法")


@pytest.mark.requirement("R17", "dalian-jinpu")
def test_dl_12_the_documents_times_are_compared_with_the_recordings(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    seal_a_day(unit, DALIAN, ended())
    promise(store, unit)
    (row,) = overview(store).sessions(unit.device_id)
    started, finished = row.session.started_utc_ns, row.session.ended_utc_ns
    assert started is not None
    assert finished is not None
    times = {"started_utc_ns": started - 5 * MINUTE_NS, "ended_utc_ns": finished + MINUTE_NS}
    clerk.state(recording(unit), "document-times", None, document="现场检查笔录", **times)
    (found,) = differences(row.session, overview(store).amendment(unit.device_id, SESSION))
    assert (found.document, found.start_ns, found.end_ns) == ("现场检查笔录", 5 * MINUTE_NS, -MINUTE_NS)


@pytest.mark.requirement("R16", "dalian-jinpu")
def test_dl_25_a_secrecy_label_that_was_found_later_stands_beside_the_sealed_one(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    seal_a_day(unit, DALIAN, ended())
    promise(store, unit)
    clerk.state(recording(unit), "secrecy", label="trade-secret")
    (row,) = overview(store).sessions(unit.device_id)
    assert row.session.circumstances is not None
    assert row.session.circumstances.label == "trade-secret"


def test_the_store_reads_a_profiles_words() -> None:
    """R8, R16, R19."""
    rules = rules_of_profile(profile_bytes(INNER_MONGOLIA))
    assert rules.secrecy_open_ended
    assert rules.secrecy_labels == ("state-secret", "trade-secret", "privacy")
    assert "device-fault" in rules_of_profile(profile_bytes(WUHAN)).causes
    assert "site-inspection" in rules_of_profile(profile_bytes(WUHU)).categories
