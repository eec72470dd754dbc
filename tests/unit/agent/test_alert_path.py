"""From the press that ends a broken recording to the store: alert at once, task when the footage is in (R9, R18).

The session machine says what is sealed, a writer seals it, sync tells the store of it out of the open file, and the
store opens its tasks from the promised chain. Only the devices are left out.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from cryptography import x509

from agent.profile import load_profile, shipped_profiles
from capture import effects as fx
from capture import events as ev
from capture.conditions import Condition
from capture.states import Machine, SessionRules, State
from sealing.receipts import receipt_key
from sealing.records import SessionStart
from sealing.writer import ChainWriter
from sync.alerts import AlertKind
from sync.rules import rules_of_profile
from sync.store.custody import take_in
from sync.store.overview import Overview
from sync.store.register import Register
from sync.store.tasks import Task, TaskKind
from sync.unit.chronicle import Chronicle
from sync.unit.client import StoreClient
from sync.unit.herald import Herald
from sync.unit.reports import Quiet
from sync.witness import Witnessed
from tests.support.chains import close_facts, fragment, media, run_facts, start_writer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, make_unit, opened_store, served
from tests.unit.capture_session.script import SESSION_ID, Driver

HOUR_NS = 3600 * 10**9
ADDRESSEES = {"huainan": "所属部门负责人", "dalian-jinpu": "部门负责人", "inner-mongolia": "本单位负责人"}
"""HN 12, DL 14, NM 13; WU and WH name nobody."""
EXPLAINED = frozenset({*ADDRESSEES, "wuhan"})
"""WH 8: no report, «可以终止记录但应当书面说明情况»; WU has no such article."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreOnDisk]:
    with opened_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def unit(store: StoreOnDisk, tmp_path: Path) -> UnitOnDisk:
    return make_unit(store.authority, store.ledger, tmp_path / "unit")


class Recording:
    """A machine under an agency's profile, and the chain that its records go into."""

    def __init__(self, name: str, unit: UnitOnDisk) -> None:
        loaded = load_profile(name)
        self.name, self.content = name, loaded.content
        clock = ManualClock()
        rules = SessionRules.of(loaded.profile.capture, loaded.profile.grounds)
        self.driver = Driver(Machine(rules, name, loaded.hash, clock.now.boot_id))
        self.unit = unit
        self.writer: ChainWriter = start_writer(unit.paths.spool, clock, unit=unit.identity)
        self._sealed = 0

    def seal(self) -> None:
        """Put on the chain what the machine wants there, a piece of footage behind the checks."""
        fresh, self._sealed = self.driver.effects[self._sealed :], len(self.driver.effects)
        for effect in fresh:
            match effect:
                case fx.SetState():
                    self.writer.set_state(effect.snapshot)
                case fx.RollLedger():
                    self.writer.roll_ledger(effect.reason)
                case fx.Seal():
                    self.writer.seal(effect.body, effect.private)
                case fx.BeginRun():
                    self._film()

    def _film(self) -> None:
        self.writer.open_footage(replace(run_facts(), session_id=SESSION_ID))
        self.writer.append_fragment(fragment(0), media(0))
        self.writer.close_footage(close_facts(1))

    def tell(self, url: str) -> None:
        """What sync does at its next look, whether the unit is docked or not."""
        certificate = x509.load_pem_x509_certificate(self.unit.paths.receipt_certificate.read_bytes())
        herald = Herald(
            client=StoreClient(url, self.unit.device_id, None, timeout_seconds=60),
            inbox=self.unit.paths.inbox,
            device_id=self.unit.device_id,
            store_key=receipt_key(certificate),
            clock=ManualClock(),
            draw=Random(1).random,
            reporter=Quiet(),
        )
        chronicle = Chronicle(self.unit.paths.spool)
        chronicle.look(frozenset())
        herald.tend(chronicle, rules_of_profile(self.content))


def alerts(store: StoreOnDisk) -> list[str | None]:
    return [one.kind for one in Register(store.ledger).witnessed(Witnessed.ALERT)]


def tasks(store: StoreOnDisk, recording: Recording, kind: TaskKind) -> list[Task]:
    """The store's tasks of a kind once the whole chain was promised."""
    register = Register(store.ledger)
    register.add_profile(recording.content, START_UTC_NS)
    recording.writer.halt("stop")
    states = {one.state for one in take_in(store.intake, recording.unit.device_id, recording.unit.paths.spool)}
    assert states == {"promised"}
    return [one for one in Overview(store.ledger, register).tasks() if one.kind is kind]


@pytest.mark.requirement("R9", "each")
@pytest.mark.parametrize("name", shipped_profiles())
def test_r9_cannot_go_on_reaches_the_store_at_once_where_the_text_names_somebody_and_becomes_a_task(
    store: StoreOnDisk, unit: UnitOnDisk, name: str
) -> None:
    """HN 12, DL 14, NM 13 report and explain; WH 8 explains; WU has neither."""
    recording = Recording(name, unit)
    driver = recording.driver
    driver.record()
    driver.feed(ev.CaptureLost("storage-full", driver.now_ns))
    driver.run_ended(frames=30)
    driver.break_sealed()
    driver.feed(ev.FinishPressed(driver.now_ns))
    assert driver.state() is State.IDLE
    told = [speak.phrase for speak in driver.all(fx.Speak)].count(fx.Phrase.CANNOT_CONTINUE)
    assert told == (name in ADDRESSEES)
    recording.seal()
    with served(store) as url:
        recording.tell(url)
    assert alerts(store) == ([AlertKind.CANNOT_CONTINUE] if name in ADDRESSEES else [])
    found = tasks(store, recording, TaskKind.WRITTEN_EXPLANATION)
    assert [task.addressee for task in found] == ([ADDRESSEES.get(name)] if name in EXPLAINED else [])
    assert all(task.session_id == SESSION_ID and task.facts["breaks"] == 1 for task in found)


@pytest.mark.requirement("R18", "each")
@pytest.mark.parametrize("name", shipped_profiles())
def test_r18_a_fault_reaches_the_store_at_once_and_its_repair_clock_runs_from_discovery(
    store: StoreOnDisk, unit: UnitOnDisk, name: str
) -> None:
    """WU A2-14: 24 hours from the discovery; the other texts have no limit."""
    recording = Recording(name, unit)
    driver = recording.driver
    driver.record()
    driver.feed(ev.ConditionChanged(Condition.MICROPHONE, present=True, at_boottime_ns=driver.now_ns))
    driver.finish()
    recording.seal()
    with served(store) as url:
        recording.tell(url)
    assert alerts(store) == [AlertKind.FAULT]
    (task,) = tasks(store, recording, TaskKind.REPAIR)
    assert task.facts == {"part": "microphone", "code": "microphone-fault"}
    assert task.due_utc_ns == (task.since_utc_ns + 24 * HOUR_NS if name == "wuhu" else None)


@pytest.mark.requirement("R11", "huainan", "wuhu", "dalian-jinpu")
@pytest.mark.parametrize("name", ["huainan", "wuhu", "dalian-jinpu"])
def test_r11_an_exemption_made_on_the_unit_becomes_a_work_record_that_names_its_ground(
    store: StoreOnDisk, unit: UnitOnDisk, name: str
) -> None:
    """HN 7, WU A2-16, DL 9."""
    recording = Recording(name, unit)
    driver = recording.driver
    ground = driver.machine.rules.grounds[-1]
    driver.record()
    driver.feed(ev.Exempted(ground, driver.now_ns))
    driver.until(State.RECORDING)
    driver.finish()
    assert driver.sealed(SessionStart)
    recording.seal()
    (task,) = tasks(store, recording, TaskKind.EXEMPTION_WORK_RECORD)
    profile = load_profile(name).profile.exemption
    assert profile is not None
    assert task.facts["ground"] == ground
    assert (task.addressee, task.fields) == (profile.addressee, profile.work_record_fields)
