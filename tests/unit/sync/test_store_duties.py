"""What the store makes of sealed records: tasks, due times, alerts, silent units, checks, backups, decisions."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from sealing.records import Break, BreakOrigin, Event, Fault, SessionEnd, SessionStart
from sealing.writer import ChainWriter
from sync.errors import StoreError
from sync.store.backup import back_up, restore, verify_backup
from sync.store.content_index import log_of
from sync.store.custody import accept, take_in
from sync.store.fsck import check_store
from sync.store.overview import Overview, overdue
from sync.store.register import Closing, Register
from sync.store.schema import closings
from sync.store.tasks import TaskKind
from sync.store.vault import Name
from sync.wire import HeldFile, Inventory
from tests.support.chains import SESSION, close_facts, fragment, media, run_facts, snapshot, start_writer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.rules import HUAINAN, WUHAN, WUHU, profile_bytes, rules_of

HOUR_NS = 3600 * 10**9


def seal_a_day(
    unit: UnitOnDisk,
    profile: str,
    *bodies: object,
    clock: ManualClock | None = None,
    labels_given: tuple[str, ...] | None = None,
    department: str | None = None,
) -> None:
    """One recording under a profile, with these records in its ledger."""
    used = clock or ManualClock()
    rules = rules_of(profile)
    writer = start_writer(unit.paths.spool, used, unit=unit.identity)
    state = replace(snapshot(used.now.boot_id), profile_id=rules.profile_id, profile_hash=digest(profile))
    state = replace(state, labels_given=labels_given, department=department)
    writer.set_state(replace(state, session_id=SESSION, officer_ids=("A1", "B2"), category="site-inspection"))
    writer.roll_ledger("session-start")
    writer.seal(SessionStart(SESSION, 1, rules.profile_id, digest(profile), 10**9, 1, 10**9))
    film(writer)
    for body in bodies:
        used.advance(1)
        writer.seal(body)  # type: ignore[arg-type]
    writer.halt("stop")


def film(writer: ChainWriter) -> None:
    writer.open_footage(run_facts())
    writer.append_fragment(fragment(0), media(0))
    writer.close_footage(close_facts(1))


def digest(profile: str) -> bytes:
    return bytes.fromhex(rules_of(profile).profile_sha256)


def ended(reason: str = "button") -> SessionEnd:
    return SessionEnd(SESSION, reason, 1, 30, 48_000, 0, 1, 0, 0, 10**9, 10**9)


def broke(cause: str) -> Break:
    return Break(SESSION, 1, BreakOrigin.MACHINE, cause, True, 29, 10**9, START_UTC_NS, 10**9, 1)


def promise(store: StoreOnDisk, unit: UnitOnDisk) -> list[str]:
    return [one.state for one in take_in(store.intake, unit.device_id, unit.paths.spool)]


@pytest.fixture
def register(store: StoreOnDisk) -> Register:
    register = Register(store.ledger)
    for name in (HUAINAN, WUHU, WUHAN):
        register.add_profile(profile_bytes(name), START_UTC_NS)
    return register


def overview(store: StoreOnDisk) -> Overview:
    return Overview(store.ledger, Register(store.ledger))


@pytest.mark.requirement("R9", "huainan")
def test_r9_a_recording_that_could_not_go_on_is_to_be_explained_in_writing(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register
) -> None:
    seal_a_day(unit, HUAINAN, broke("device-fault"), ended("cannot-continue"))
    assert set(promise(store, unit)) == {"promised"}
    (task,) = (one for one in overview(store).tasks() if one.kind is TaskKind.WRITTEN_EXPLANATION)
    assert task.addressee == "所属部门负责人"
    assert (task.facts["breaks"], task.facts["officers"]) == (1, "A1, B2")
    assert task.facts["started_utc_ns"]


@pytest.mark.requirement("R11", "huainan")
@pytest.mark.parametrize(
    "own", [(), (Event("exemption", SESSION, (("ground", 1), ("break", 1))),)], ids=["before", "now"]
)
def test_r11_a_break_on_an_exempting_ground_takes_one_work_record(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register, own: tuple[Event, ...]
) -> None:
    """Chains of before name the ground in the BREAK alone."""
    seal_a_day(unit, HUAINAN, broke("secrets-privacy"), *own, ended())
    promise(store, unit)
    (task,) = overview(store).tasks()
    assert (task.kind, task.addressee) == (TaskKind.EXEMPTION_WORK_RECORD, "局主管领导")
    assert task.fields == ("无法使用的原因", "依据")


@pytest.mark.requirement("R11", "wuhu")
def test_r11_an_exemption_made_on_the_unit_takes_one_too(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register
) -> None:
    seal_a_day(unit, WUHU, Event("exemption", SESSION, (("ground", 2),)), ended(), department="稽查科")
    promise(store, unit)
    assert [one.kind for one in overview(store).tasks()] == [TaskKind.EXEMPTION_WORK_RECORD]


@pytest.mark.requirement("R8", "huainan")
def test_r8_an_unclassified_break_wants_its_cause(store: StoreOnDisk, unit: UnitOnDisk, register: Register) -> None:
    seal_a_day(unit, HUAINAN, broke("unclassified"), ended())
    promise(store, unit)
    (task,) = overview(store).tasks()
    assert (task.kind, task.session_id) == (TaskKind.UNCLASSIFIED_BREAK, SESSION)


@pytest.mark.requirement("R22", "wuhan")
def test_r22_labels_are_owed_with_the_footage(store: StoreOnDisk, unit: UnitOnDisk, register: Register) -> None:
    seal_a_day(unit, WUHAN, ended())
    promise(store, unit)
    (task,) = overview(store).tasks()
    (row,) = overview(store).sessions(unit.device_id)
    assert task.kind is TaskKind.MISSING_LABELS
    assert task.fields == ("案号", "当事人姓名或者名称", "承办人姓名")
    assert row.due is not None
    assert task.due_utc_ns == row.due.due_utc_ns


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (("case-number",), ("当事人姓名或者名称", "承办人姓名")),
        (("case-number", "handler", "unheard-of"), ("当事人姓名或者名称",)),
        (("case-number", "handler", "party"), ()),
    ],
)
@pytest.mark.requirement("R22", "wuhan")
def test_r22_labels_that_came_with_the_recording_are_not_asked_for_sy_65(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register, given: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    """SY-65, WH 26¶2: the store reads which ones came, never what they say."""
    seal_a_day(unit, WUHAN, ended(), labels_given=given)
    promise(store, unit)
    assert [one.fields for one in overview(store).tasks()] == ([missing] if missing else [])
    (row,) = overview(store).sessions(unit.device_id)
    owed = overview(store).labels_missing(unit.device_id, row.session)
    assert tuple(one.zh for one in owed.fields) == missing
    assert row.due is not None
    assert owed.due_utc_ns == (row.due.due_utc_ns if missing else None)


@pytest.mark.requirement("R22", "wuhu")
def test_wu_a2_10_footage_without_a_department_wants_one_and_has_no_limit_for_it_sy_65(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register
) -> None:
    """SY-65, WU A2-10."""
    seal_a_day(unit, WUHU, ended())
    promise(store, unit)
    (task,) = overview(store).tasks()
    assert (task.kind, task.fields, task.due_utc_ns) == (TaskKind.MISSING_LABELS, ("科室",), None)
    (row,) = overview(store).sessions(unit.device_id)
    assert overview(store).department(unit.device_id, row.session) is None


@pytest.mark.requirement("R22", "wuhu")
def test_wu_a2_10_footage_is_kept_under_the_department_of_its_check_out(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register
) -> None:
    seal_a_day(unit, WUHU, ended(), department="基金监管科")
    promise(store, unit)
    assert list(overview(store).tasks()) == []
    (row,) = overview(store).sessions(unit.device_id)
    assert overview(store).department(unit.device_id, row.session) == "基金监管科"


def test_a_store_of_yesterday_gets_the_columns_that_came_since(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-65: what it holds lacks them and stays as it was."""
    seal_a_day(unit, WUHAN, ended(), labels_given=("party",))
    promise(store, unit)
    with store.ledger.transaction() as connection:
        for name in ("labels_given", "department"):
            connection.exec_driver_sql(f"ALTER TABLE openings DROP COLUMN {name}")
        connection.exec_driver_sql("PRAGMA user_version = 2")
    with opened_store(store.directory) as today:
        sessions = log_of(today.ledger, unit.device_id).sessions()
        assert [one.circumstances and one.circumstances.labels_given for one in sessions] == [()]
        assert len(today.ledger.files(unit.device_id)) == len(store.ledger.files(unit.device_id))
        second = make_unit(today.authority, today.ledger, store.directory.parent / "second", "unit-2")
        seal_a_day(second, WUHAN, ended(), labels_given=("party",))
        promise(today, second)
        sessions = log_of(today.ledger, "unit-2").sessions()
        assert [one.circumstances and one.circumstances.labels_given for one in sessions] == [("party",)]


@pytest.mark.requirement("R18", "wuhu")
def test_r18_a_repair_is_due_from_its_discovery_until_it_is_gone(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register
) -> None:
    gone = Fault("microphone", "silent", present=True)
    seal_a_day(
        unit,
        WUHU,
        Fault("camera", "gone", present=True),
        gone,
        replace(gone, present=False),
        Fault("camera", "gone", present=True),
        ended(),
        department="稽查科",
    )
    promise(store, unit)
    (task,) = overview(store).tasks()
    assert (task.kind, task.facts) == (TaskKind.REPAIR, {"part": "camera", "code": "gone"})
    assert task.due_utc_ns == task.since_utc_ns + 24 * HOUR_NS
    assert [one.kind for one in overview(store).alerts()] == ["fault", "fault", "fault"]


def test_a_task_that_an_earlier_store_closed_by_a_word_stays_closed(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register
) -> None:
    """ADR 0017: stores did so before a closing was signed."""
    seal_a_day(unit, HUAINAN, broke("unclassified"), ended())
    promise(store, unit)
    (task,) = overview(store).tasks()
    closing = Closing(task.task_id, START_UTC_NS, "甲某", "天气")
    with store.ledger.transaction() as connection:
        connection.execute(sa.insert(closings).values(**asdict(closing)))
    assert not list(overview(store).tasks())
    (row,) = overview(store).task_rows()
    assert (row.task.task_id, row.done, row.closing) == (task.task_id, True, closing)


@pytest.mark.requirement("R20", "wuhu")
def test_r20_due_and_overdue_by_the_stores_reckoning(store: StoreOnDisk, unit: UnitOnDisk, register: Register) -> None:
    seal_a_day(unit, WUHU, ended())
    promise(store, unit)
    (row,) = overview(store).sessions(unit.device_id)
    assert row.due is not None
    assert row.due.due_utc_ns is not None
    assert row.complete
    assert not overdue([row], row.due.due_utc_ns + HOUR_NS)
    late = HeldFile(file_id="ab" * 32, number=9, size_bytes=5, session_id=SESSION.hex(), due_utc_ns=START_UTC_NS)
    register.told_inventory(unit.device_id, Inventory(files=(late,)), START_UTC_NS)
    (row,) = overview(store).sessions(unit.device_id)
    assert not row.complete
    assert row.due is not None
    assert row.due.due_utc_ns is not None
    assert overdue([row], row.due.due_utc_ns + 1) == (row,)
    assert not overdue([row], row.due.due_utc_ns)
    assert overview(store).overdue_held(START_UTC_NS + 1)[0].file_number == 9


def test_a_recording_that_only_the_unit_told_of_is_listed(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register
) -> None:
    """SY-34: what is at stake when the unit is lost."""
    one = HeldFile(file_id="cd" * 32, number=3, size_bytes=5, session_id=SESSION.hex())
    register.told_inventory(unit.device_id, Inventory(files=(one, one)), START_UTC_NS)
    (row,) = overview(store).unreceipted(unit.device_id)
    assert (row.session.session_id, row.complete, row.due) == (SESSION, False, None)


def test_a_unit_that_is_not_heard_is_silent(store: StoreOnDisk, unit: UnitOnDisk, register: Register) -> None:
    week = 7 * 24 * HOUR_NS
    assert overview(store).silent(START_UTC_NS + week) == ()
    assert overview(store).silent(START_UTC_NS + week + 1) == (unit.device_id,)
    register.heard(unit.device_id, START_UTC_NS + week)
    assert overview(store).silent(START_UTC_NS + week + 1) == ()


@pytest.mark.requirement("R38", "all")
def test_fsck_finds_nothing_in_a_whole_store_and_rebuilds_its_index(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """R38."""
    seal_a_day(unit, HUAINAN, broke("unclassified"), ended())
    promise(store, unit)
    before = overview(store).sessions(unit.device_id)
    with store.ledger.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM noted")
        connection.exec_driver_sql("DELETE FROM openings")
    found = check_store(store.intake)
    assert (found.files, found.faults) == (len(store.ledger.files()), ())
    assert found.bytes == sum(row["size_bytes"] for row in store.ledger.files())
    assert overview(store).sessions(unit.device_id) == before


@pytest.mark.requirement("R38", "all")
def test_fsck_names_every_loss(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """R38."""
    fill_spool(unit, footage_files=3)
    promise(store, unit)
    rows = store.ledger.files()
    names = [Name(unit.device_id, row["file_id"].hex()) for row in rows]
    store.vault.object(names[0]).unlink()
    changed = bytearray(store.vault.object(names[1]).read_bytes())
    changed[-100] ^= 1
    store.vault.object(names[1]).write_bytes(changed)
    stray = store.vault.object(Name(unit.device_id, "ee" * 32))
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    with store.ledger.transaction() as connection:
        connection.exec_driver_sql("UPDATE files SET receipt_number = 99 WHERE receipt_number = 3")
    found = {(one.file_id, one.code) for one in check_store(store.intake).faults}
    assert {(names[0].file_id, "missing"), (names[1].file_id, "changed"), ("ee" * 32, "unpromised")} <= found
    assert any(code == "receipt" for _, code in found)


@pytest.mark.requirement("R38", "all")
def test_a_backup_is_a_store_again(tmp_path: Path) -> None:
    """R38: the drill: the store is gone, the backup is restored, nothing that was promised is missing."""
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        promise(store, unit)
        back_up(store.directory, tmp_path / "backup")
        fill_spool(unit, clock=ManualClock(START_UTC_NS + HOUR_NS, boot_id="boot-2"))
        promise(store, unit)
        back_up(store.directory, tmp_path / "backup")
        receipts = [row["receipt"] for row in store.ledger.files()]
        keys = {path.name: path.read_bytes() for path in (store.directory / "keys").iterdir()}
    assert not (tmp_path / "backup" / "keys").exists()
    restore(tmp_path / "backup", tmp_path / "again")
    for name, data in keys.items():
        (tmp_path / "again" / "keys" / name).write_bytes(data)
    with opened_store(tmp_path / "again") as again:
        assert [row["receipt"] for row in again.ledger.files()] == receipts
        found = check_store(again.intake)
        assert (found.files, found.faults) == (len(receipts), ())


@pytest.mark.requirement("R38", "all")
def test_a_damaged_backup_is_not_restored(tmp_path: Path) -> None:
    """R38."""
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        promise(store, unit)
        back_up(store.directory, tmp_path / "backup")
    verify_backup(tmp_path / "backup")
    victim = next((tmp_path / "backup" / "objects").rglob("*.evs"))
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StoreError, match="changed since"):
        restore(tmp_path / "backup", tmp_path / "again")
    victim.unlink()
    with pytest.raises(StoreError, match="missing"):
        restore(tmp_path / "backup", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    with opened_store(tmp_path / "other"):
        pass
    settings = json.loads((tmp_path / "other" / "store.json").read_text())
    (tmp_path / "other" / "store.json").write_text(json.dumps({**settings, "store_id": "another"}))
    with pytest.raises(StoreError, match="another store"):
        back_up(tmp_path / "other", tmp_path / "backup")


def test_a_lost_units_card_is_verified_parked_and_accepted_by_a_custodian(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register
) -> None:
    """SY-36: not promised by itself, not dropped either."""
    fill_spool(unit)
    register.revoke(unit.device_id, "stolen, found again", START_UTC_NS)
    assert set(promise(store, unit)) == {"parked"}
    names = [Name(one.device_id, one.file_id) for one in store.ledger.parked()]
    assert not store.ledger.files()
    for name in names:
        accept(store.intake, name, "甲某")
    assert len(store.ledger.files()) == len(names)
    assert not store.ledger.parked()
    assert check_store(store.intake).faults == ()
    with pytest.raises(StoreError, match="not parked"):
        accept(store.intake, names[0], "甲某")
    assert set(promise(store, unit)) == {"promised"}
