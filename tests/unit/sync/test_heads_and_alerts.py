"""Single records told before their files: heads, alerts, what the store answers, and what a twin betrays."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from sealing.receipts import receipt_key
from sealing.records import Event, Fault, SessionEnd
from sealing.writer import ChainWriter
from sync import inbox
from sync.alerts import AlertKind, alert_of
from sync.errors import WireError
from sync.inbox import Inbox
from sync.rules import Radio, Rules
from sync.secrecy import Line
from sync.store.register import Register
from sync.unit import client as client_module
from sync.unit.chronicle import Chronicle
from sync.unit.client import RefusedError, StoreClient
from sync.unit.herald import Herald
from sync.unit.reports import Quiet
from sync.wire import RecordReport
from sync.witness import Witnessed, verify_statement, verify_time
from tests.support.chains import SESSION, snapshot, start_writer
from tests.support.clocks import ManualClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, served, write_session
from tests.support.rules import HUAINAN, rules_of

FAULT = Fault("camera", "gone", present=True)
CANNOT_CONTINUE = SessionEnd(SESSION, "cannot-continue", 1, 0, 0, 0, 1, 0, 0, 10**9, 10**9)


@pytest.fixture
def writer(unit: UnitOnDisk) -> ChainWriter:
    return start_writer(unit.paths.spool, unit=unit.identity)


@pytest.fixture
def register(store: StoreOnDisk) -> Register:
    return Register(store.ledger)


@pytest.fixture
def url(store: StoreOnDisk) -> Iterator[str]:
    with served(store) as served_at:
        yield served_at


def herald(unit: UnitOnDisk, url: str, clock: ManualClock | None = None) -> Herald:
    certificate = x509.load_pem_x509_certificate(unit.paths.receipt_certificate.read_bytes())
    return Herald(
        client=StoreClient(url, unit.device_id, None, timeout_seconds=60),
        inbox=unit.paths.inbox,
        device_id=unit.device_id,
        store_key=receipt_key(certificate),
        clock=clock or ManualClock(),
        draw=random.Random(1).random,
        reporter=Quiet(),
    )


def look(unit: UnitOnDisk, receipted: frozenset[int] = frozenset()) -> Chronicle:
    chronicle = Chronicle(unit.paths.spool)
    chronicle.look(receipted)
    return chronicle


def names(unit: UnitOnDisk) -> list[str]:
    return sorted(path.suffix for path in unit.paths.inbox.iterdir())


@pytest.mark.requirement("R18", "all")
def test_an_alert_leaves_from_the_open_file(
    store: StoreOnDisk, unit: UnitOnDisk, writer: ChainWriter, register: Register, url: str
) -> None:
    """SY-33, R18: the file is open, nothing is docked, and the store has it, proved."""
    reference = writer.seal(FAULT)
    herald(unit, url).tend(look(unit), None)
    told = register.witnessed(Witnessed.ALERT)
    assert [(one.sequence, one.record_hash, one.kind, one.proved) for one in told] == [
        (reference.sequence, reference.hash, "fault", True)
    ]
    judged = Inbox(unit.paths.inbox, unit.paths.rejected, store.receipt_certificate(), unit.device_id)
    (item,) = judged.statements()
    assert (item.statement.sequence, item.statement.record_hash) == (reference.sequence, reference.hash)
    assert not list(judged.receipts({}))
    assert not unit.paths.rejected.exists()


def test_an_alert_is_told_until_it_is_answered(unit: UnitOnDisk, writer: ChainWriter, url: str) -> None:
    """SY-33, SY-20: a store that is away is asked again after a wait, and not before."""
    writer.seal(FAULT)
    clock = ManualClock()
    away = herald(unit, "http://127.0.0.1:9", clock)
    away.tend(look(unit), None)
    assert not names(unit)
    waits = away._not_before_ns
    away.tend(look(unit), None)
    assert (away._not_before_ns, away._failures) == (waits, 1)
    clock.advance(10)
    away.client = herald(unit, url).client
    away.tend(look(unit), None)
    assert names(unit) == [".alert"]


def test_told_again_the_answer_is_the_same_bytes(unit: UnitOnDisk, writer: ChainWriter, url: str) -> None:
    """SY-32."""
    writer.seal(FAULT)
    herald(unit, url).tend(look(unit), None)
    (path,) = unit.paths.inbox.iterdir()
    first = path.read_bytes()
    path.unlink()
    herald(unit, url).tend(look(unit), None)
    assert path.read_bytes() == first


def test_an_alert_whose_file_is_receipted_is_not_told(
    unit: UnitOnDisk, writer: ChainWriter, register: Register, url: str
) -> None:
    """SY-33."""
    writer.seal(FAULT)
    writer.halt("stop")
    herald(unit, url).tend(look(unit, frozenset({1})), None)
    assert not register.witnessed(Witnessed.ALERT)


def test_the_newest_closed_footage_file_is_witnessed(
    unit: UnitOnDisk, writer: ChainWriter, register: Register, url: str
) -> None:
    """SY-31: and sealing the answer asks for nothing more."""
    write_session(writer, footage_files=2)
    one = herald(unit, url)
    one.tend(look(unit), None)
    (head,) = register.witnessed(Witnessed.HEAD)
    assert head.proved
    writer.seal(Event("head-witnessed", None, (("sequence", head.sequence),)))
    one.tend(look(unit), None)
    assert len(register.witnessed(Witnessed.HEAD)) == 1
    writer.halt("stop")


def test_a_newer_head_replaces_the_older_in_the_inbox(unit: UnitOnDisk) -> None:
    for sequence in (7, 12, 9):
        inbox.put_statement(unit.paths.inbox, sequence, Witnessed.HEAD, b"x")
    assert [path.name for path in unit.paths.inbox.iterdir() if path.name > "0000000000000000010"] == [
        inbox.statement_name(12, Witnessed.HEAD)
    ]


def test_two_hashes_for_one_record_are_a_fork(
    store: StoreOnDisk, unit: UnitOnDisk, register: Register, url: str, tmp_path: Path
) -> None:
    """SY-32: a unit and the copy of its card, both with the true key; both statements stay."""
    twin = UnitOnDisk(tmp_path / "twin", unit.identity, unit.config)
    for one in (unit, twin):
        one.paths.inbox.mkdir(parents=True, exist_ok=True)
        writer = start_writer(one.paths.spool, unit=unit.identity)
        write_session(writer, footage_files=1)
        writer.halt("stop")
    certificates = twin.paths.receipt_certificate
    certificates.parent.mkdir(parents=True)
    certificates.write_bytes(unit.paths.receipt_certificate.read_bytes())
    for one in (unit, twin):
        herald(one, url).tend(look(one), None)
    (fork,) = register.forks()
    assert (fork.device_id, len(fork.hashes)) == (unit.device_id, 2)


def test_another_units_or_a_changed_record_is_refused(
    unit: UnitOnDisk, writer: ChainWriter, register: Register, url: str
) -> None:
    """SY-32: nobody can witness what the device key did not sign."""
    writer.seal(FAULT)
    client = StoreClient(url, unit.device_id, None, timeout_seconds=60)
    chronicle = look(unit)
    note = next(one for one in chronicle.notes() if isinstance(one.header.body, Fault))
    told = _full_report(chronicle, note.header.sequence)
    for wrong in (
        told.model_copy(update={"sequence": told.sequence + 1}),
        told.model_copy(update={"record_hash": "0" * 64}),
        told.model_copy(update={"kind": "cannot-continue"}),
        told.model_copy(update={"record": told.opening}),
        told.model_copy(update={"record": (told.record or "")[:-8] + "AAAAAAA="}),
    ):
        with pytest.raises(RefusedError) as raised:
            client.report(Witnessed.ALERT, wrong)
        assert raised.value.status in {400, 422}
    client.close()
    assert not register.witnessed(Witnessed.ALERT)


def _full_report(chronicle: Chronicle, sequence: int) -> RecordReport:
    from sync.unit.herald import _report  # noqa: PLC0415 - what the unit would say

    note = next(one for one in chronicle.notes() if one.header.sequence == sequence)
    opening = chronicle.opening(note.file_number)
    return _report(note, opening, AlertKind.FAULT, Line.WIRE, Radio())


@pytest.mark.requirement("R16", "all")
def test_a_label_keeps_content_off_the_radio(
    unit: UnitOnDisk, writer: ChainWriter, register: Register, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SY-37, R16: over radio a sequence number, a hash, and an alert that says nothing."""
    rules = rules_of(HUAINAN).model_copy(update={"radio": Radio(alerts_forbidden=("state-secret",))})
    writer.set_state(replace(snapshot(), label="state-secret"))
    writer.roll_ledger("session-start")
    reference = writer.seal(FAULT)
    monkeypatch.setattr(client_module, "line_of", lambda _: Line.RADIO)
    herald(unit, url).tend(look(unit), rules)
    (told,) = register.witnessed(Witnessed.ALERT)
    assert (told.sequence, told.kind, told.proved, told.record) == (reference.sequence, "withheld", False, None)


@pytest.mark.parametrize(("report_to", "kind"), [("所属部门负责人", AlertKind.CANNOT_CONTINUE), (None, None)])
@pytest.mark.requirement("R9", "huainan")
def test_r9_is_reported_where_the_profile_names_somebody(report_to: str | None, kind: AlertKind | None) -> None:
    """SY-33, R9."""
    rules: Rules = rules_of(HUAINAN).model_copy(update={"report_to": report_to})
    assert alert_of(CANNOT_CONTINUE, rules) is kind
    assert alert_of(CANNOT_CONTINUE, None) is AlertKind.CANNOT_CONTINUE
    assert alert_of(replace(CANNOT_CONTINUE, reason="button"), rules) is None
    assert alert_of(replace(FAULT, present=False), rules) is None


def test_time_comes_signed_and_for_one_question(store: StoreOnDisk, unit: UnitOnDisk, url: str) -> None:
    """SY-35."""
    key = receipt_key(store.receipt_certificate())
    client = StoreClient(url, unit.device_id, None, timeout_seconds=60)
    data = client.time(b"n" * 16)
    client.close()
    token = verify_time(data, key)
    assert (token.device_id, token.nonce, token.utc_ns) == (unit.device_id, b"n" * 16, store.intake.now_utc_ns())
    for wrong in (data[:-1], data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(WireError):
            verify_time(wrong, key)
    with pytest.raises(WireError):
        verify_statement(data, key)


def test_a_bad_statement_is_put_aside(store: StoreOnDisk, unit: UnitOnDisk, writer: ChainWriter, url: str) -> None:
    """SY-29."""
    writer.seal(FAULT)
    herald(unit, url).tend(look(unit), None)
    (path,) = unit.paths.inbox.iterdir()
    data = path.read_bytes()
    path.rename(path.with_name(inbox.statement_name(99, Witnessed.ALERT)))
    inbox.put_statement(unit.paths.inbox, 98, Witnessed.ALERT, data[:-1])
    judged = Inbox(unit.paths.inbox, unit.paths.rejected, store.receipt_certificate(), unit.device_id)
    assert not list(judged.statements())
    assert len(list(unit.paths.rejected.glob("*.reason"))) == 2
