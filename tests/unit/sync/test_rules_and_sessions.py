"""What sync reads of the shipped profiles, what records say of recordings, and the order that follows."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sealing.records import DockChange, SessionEnd, SessionStart
from sync.deadlines import CHINA_STANDARD_TIME, DueKind, end_of_day_utc_ns
from sync.errors import ConfigurationError
from sync.queue import next_item
from sync.rules import Radio, read_rules, rules_of_profile, write_rules
from sync.secrecy import Cargo, Line, may_leave
from sync.sessions import Circumstances, SessionLog, due_of
from sync.unit.lines import kind_of, line_of
from sync.unit.roll_call import Holding, question
from sync.unit.spool import read_ended
from tests.support.chains import close_facts, fragment, media, run_facts, snapshot, start_writer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, served
from tests.support.rules import DALIAN, HUAINAN, INNER_MONGOLIA, WUHAN, WUHU, profile_bytes, rules_of
from tests.unit.sync.test_courier import Heard, courier, run_once

HOUR_NS = 3600 * 10**9
FIRST, SECOND, THIRD = b"session-00000001", b"session-00000002", b"session-00000003"
END_OF_DAY_UTC_NS = end_of_day_utc_ns(date(2026, 3, 3), CHINA_STANDARD_TIME)


def end(session_id: bytes) -> SessionEnd:
    return SessionEnd(session_id, "button", 1, 0, 0, 0, 0, 0, 0, 10**9, 10**9)


def start(session_id: bytes) -> SessionStart:
    return SessionStart(session_id, 1, "test", bytes(32), 10**9, 3, 10**9)


def told(name: str, **facts: object) -> Circumstances:
    rules = rules_of(name)
    return replace(Circumstances(rules.profile_id, bytes.fromhex(rules.profile_sha256), FIRST), **facts)  # type: ignore[arg-type]


def test_r9_r11_r16_r18_are_read_from_the_shipped_profiles() -> None:
    assert (rules_of(HUAINAN).report_to, rules_of(WUHAN).report_to) == ("所属部门负责人", None)
    assert rules_of(WUHU).repair_hours == 24
    assert (rules_of(WUHAN).written_explanation, rules_of(WUHU).written_explanation) == (True, False)
    assert rules_of(WUHAN).radio.files_forbidden == ("state-secret",)
    exemption = rules_of(HUAINAN).exemption
    assert exemption is not None
    assert exemption.fields == ("无法使用的原因", "依据")
    assert rules_of(WUHAN).table().years == {2025, 2026}


def test_the_unit_reads_what_the_agent_wrote(tmp_path: Path) -> None:
    path = tmp_path / "sync-profile.json"
    assert read_rules(path) is None
    write_rules(tmp_path, profile_bytes(WUHAN))
    assert read_rules(path) == rules_of(WUHAN)
    path.write_text("{}")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        read_rules(path)
    with pytest.raises(ConfigurationError, match="not a profile"):
        rules_of_profile(b"[sync")
    for endless in (b"a = " + b"[" * 20_000, b"a = " + b"9" * 5_000):
        with pytest.raises(ConfigurationError, match="not a profile"):
            rules_of_profile(endless)


@pytest.mark.requirement("R20", "inner-mongolia")
def test_r20_a_session_is_due_from_its_sealed_end() -> None:
    log = SessionLog()
    log.opened(told(INNER_MONGOLIA))
    log.record(5, START_UTC_NS, start(FIRST))
    log.record(9, START_UTC_NS + HOUR_NS, end(FIRST))
    (session,) = log.sessions()
    due = due_of(session, log.sessions(), rules_of(INNER_MONGOLIA))
    assert (due.kind, due.due_utc_ns) == (DueKind.NORMAL, START_UTC_NS + 25 * HOUR_NS)


@pytest.mark.requirement("R20", "inner-mongolia")
def test_r20_the_exception_runs_from_the_return() -> None:
    rules = rules_of(INNER_MONGOLIA)
    exception = rules.sync.transfer.exception
    assert exception is not None
    log = SessionLog()
    log.opened(told(INNER_MONGOLIA, exception_reason=exception.reasons[0].code))
    log.record(9, START_UTC_NS, end(FIRST))
    assert due_of(log.sessions()[0], log.sessions(), rules).kind is DueKind.AWAITING_RETURN
    log.record(10, START_UTC_NS + 50 * HOUR_NS, DockChange(docked=True))
    log.record(11, START_UTC_NS + 90 * HOUR_NS, DockChange(docked=True))
    assert due_of(log.sessions()[0], log.sessions(), rules).due_utc_ns == START_UTC_NS + 74 * HOUR_NS


@pytest.mark.requirement("R20", "wuhu")
def test_r20_an_activity_of_two_sessions_counts_from_its_last() -> None:
    log = SessionLog()
    for session, hour in ((FIRST, 1), (SECOND, 30)):
        log.opened(told(WUHU, session_id=session, activity_id="a-1"))
        log.record(hour, START_UTC_NS + hour * HOUR_NS, end(session))
    due = due_of(log.sessions()[0], log.sessions(), rules_of(WUHU))
    assert due.due_utc_ns == START_UTC_NS + 54 * HOUR_NS


@pytest.mark.requirement("R20", "huainan")
@pytest.mark.requirement("R20", "dalian-jinpu")
@pytest.mark.parametrize("agency", [HUAINAN, DALIAN])
def test_r20_an_activity_past_midnight_is_of_the_day_on_which_it_began(agency: str) -> None:
    """HN 14, DL 18: «当天执法活动结束后»; the next day's work puts nothing off."""
    midnight_ns = END_OF_DAY_UTC_NS
    log = SessionLog()
    for session, began, ended in ((FIRST, -8.0, -7.0), (SECOND, -2.0, 0.5), (THIRD, 9.0, 10.0)):
        log.opened(told(agency, session_id=session))
        log.record(1, midnight_ns + round(began * HOUR_NS), start(session))
        log.record(2, midnight_ns + round(ended * HOUR_NS), end(session))
    due = [due_of(session, log.sessions(), rules_of(agency)).due_utc_ns for session in log.sessions()]
    assert due == [midnight_ns + round(hours * HOUR_NS) for hours in (4.5, 4.5, 14.0)]


@pytest.mark.parametrize(
    ("line", "label", "cargo", "may"),
    [
        (Line.WIRE, "secret", Cargo.FILES, True),
        (Line.RADIO, None, Cargo.FILES, True),
        (Line.RADIO, "other", Cargo.FILES, True),
        (Line.RADIO, "secret", Cargo.FILES, False),
        (Line.RADIO, "secret", Cargo.HEADERS, True),
        (Line.RADIO, "secret", Cargo.ALERTS, True),
    ],
)
@pytest.mark.requirement("R16", "all")
def test_files_headers_and_alerts_are_ruled_separately(line: Line, label: str | None, cargo: Cargo, may: bool) -> None:
    """SY-37, R16."""
    assert may_leave(cargo, label, line, Radio(files_forbidden=("secret",))) is may


def test_what_cannot_be_told_of_a_line_counts_as_radio(tmp_path: Path) -> None:
    """SY-37."""
    for name in ("eth0", "enp3s0", "wlan0", "eth7"):
        (tmp_path / name).mkdir()
    (tmp_path / "eth7" / "wireless").mkdir()
    kinds = {name: kind_of(name, tmp_path) for name in ("eth0", "enp3s0", "wlan0", "eth7", "wwan0", "ppp0")}
    assert {name for name, kind in kinds.items() if kind is Line.WIRE} == {"eth0", "enp3s0"}
    assert (line_of("127.0.0.1"), line_of("::1"), line_of("192.0.2.77"), line_of("nonsense")) == (
        Line.WIRE,
        Line.WIRE,
        Line.RADIO,
        Line.RADIO,
    )


def two_sessions(unit: UnitOnDisk) -> None:
    """An older session whose return has not come, then one that is due in 24 hours."""
    rules = rules_of(INNER_MONGOLIA)
    exception = rules.sync.transfer.exception
    assert exception is not None
    clock = ManualClock()
    writer = start_writer(unit.paths.spool, clock, unit=unit.identity)
    base = replace(snapshot(), profile_id=rules.profile_id, profile_hash=bytes.fromhex(rules.profile_sha256))
    for number, (session, reason) in enumerate([(FIRST, exception.reasons[0].code), (SECOND, None)]):
        writer.set_state(replace(base, session_id=session, due_rule=reason, label="state-secret"))
        writer.open_footage(replace(run_facts(run=number + 1, first_frame=30 * number), session_id=session))
        writer.append_fragment(fragment(number), media(number))
        writer.close_footage(replace(close_facts(number + 1), fragments=1))
        writer.seal(end(session))
        clock.advance(60)
    writer.halt("stop")


def test_what_is_due_goes_first(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-21, R20: an older file without a due time waits behind a newer one that has one."""
    two_sessions(unit)
    write_rules(unit.state / "run", profile_bytes(INNER_MONGOLIA))
    heard = Heard()
    with served(store) as url:
        run_once(unit, url, heard)
    order = [one.file for one in heard.reports if one.event == "receipted"]
    plain_order = sorted(one for one in order if one is not None)
    assert order != plain_order
    first = read_ended(unit.paths.spool / f"{order[0]:08d}.evs", None)
    assert first is not None
    assert first.number > plain_order[0]


def test_without_rules_the_chain_gives_the_order(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-21."""
    two_sessions(unit)
    heard = Heard()
    with served(store) as url:
        run_once(unit, url, heard)
    order = [one.file for one in heard.reports if one.event == "receipted"]
    assert order == sorted(one for one in order if one is not None)


def test_a_label_keeps_files_off_the_radio_until_there_is_a_wire(
    store: StoreOnDisk, unit: UnitOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SY-37, R16."""
    two_sessions(unit)
    write_rules(unit.state / "run", profile_bytes(INNER_MONGOLIA))
    with served(store) as url:
        with monkeypatch.context() as radio:
            radio.setattr("sync.unit.client.line_of", lambda _: Line.RADIO)
            heard = Heard()
            run_once(unit, url, heard)
            withheld = [one.file for one in heard.reports if one.event == "withheld"]
            assert withheld
            held = store.ledger.files()
            assert not {row["file_number"] for row in held} & set(withheld)
        run_once(unit, url)
    assert {row["file_number"] for row in store.ledger.files()} >= set(withheld)


def test_the_inventory_names_no_session_that_a_label_keeps_off(unit: UnitOnDisk) -> None:
    """SY-34, SY-37."""
    fill_spool(unit)
    file = read_ended(unit.paths.spool / "00000001.evs", None)
    assert file is not None
    secret = Circumstances("test", bytes(32), FIRST, label="secret")
    radio = Radio(headers_forbidden=("secret",))
    holding = [Holding(file, secret, START_UTC_NS)]
    assert question(holding, Line.RADIO, radio).files[0].session_id is None
    assert question(holding, Line.WIRE, radio).files[0].session_id == FIRST.hex()


def test_what_somebody_waits_for_goes_first(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-34, SY-21."""
    from sync.store.register import Register  # noqa: PLC0415 - the store's side of this one test

    two_sessions(unit)
    Register(store.ledger).want(unit.device_id, SECOND, START_UTC_NS)
    with served(store) as url:
        one = courier(unit, url)
        assert one._may_send()
        item = next_item(one._begin())
        one._with.client.close()
    assert item is not None
    assert item.flagged
    assert [held.session_id for held in Register(store.ledger).held(unit.device_id)].count(SECOND) >= 1


def test_a_store_that_lost_receipts_is_named(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-22, SY-34."""
    fill_spool(unit)
    with served(store) as url:
        run_once(unit, url)
        with store.ledger.transaction() as connection:
            connection.exec_driver_sql("DELETE FROM files")
        heard = Heard()
        run_once(unit, url, heard)
    assert "store-lost-receipts" in heard.events()
