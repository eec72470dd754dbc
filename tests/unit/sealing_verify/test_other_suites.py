"""Whole chains of suites 2 and 3: sealed, recovered, verified, opened; and what the agency does not allow."""

from dataclasses import replace
from pathlib import Path

import pytest

from sealing.cose import Algorithm
from sealing.counters import FileCounter
from sealing.errors import SuiteError
from sealing.keys import Signer
from sealing.oids import Assurance
from sealing.opener_records import ClearRecord, clear_records, words_of
from sealing.records import Event, Open
from sealing.suites import suite
from sealing.trust import Trust
from sealing.verifier import examine_chain
from tests.support import chains, suites
from tests.support.clocks import ManualClock
from tests.support.forging import records_of
from tests.support.suites import Setting

SETTINGS = {2: suites.hybrid, 3: suites.gm}


@pytest.fixture(params=[2, 3])
def setting(request: pytest.FixtureRequest) -> Setting:
    return SETTINGS[request.param]()


def seal(spool: Path, setting: Setting, clock: ManualClock, number: int = 0) -> None:
    counter = FileCounter(spool.parent / "counter", setting.policy.check(), setting.unit.signer)
    writer = chains.start_writer(spool, clock, chain_policy=setting.policy, unit=setting.unit, counter=counter)
    writer.seal(Event("words", None, ()), {"officer": "甲某"})
    first = 3 * number
    writer.open_footage(chains.run_facts(number + 1, 30 * first, 48_000 * first))
    for each in range(first, first + 3):
        writer.append_fragment(chains.fragment(each), chains.media(each))
    writer.close_footage(chains.close_facts(first + 3))
    writer.halt("stop")


def test_a_chain_is_sealed_recovered_verified_and_opened(tmp_path: Path, setting: Setting) -> None:
    clock, spool = setting.clock(), tmp_path / "spool"
    seal(spool, setting, clock)
    clock.reboot("boot-2")
    seal(spool, setting, clock, 1)
    report = examine_chain([spool], setting.trust)
    assert not report.findings
    assert report.grade is Assurance.SIMULATED
    clear = {record.header.sequence: record for facts in report.files for record in _clear(spool, facts.name, setting)}
    assert [words_of(record) for record in clear.values() if isinstance(record.header.body, Event)] == [
        {"officer": "甲某"},
        {"officer": "甲某"},
    ]


def _clear(spool: Path, name: str, setting: Setting) -> list[ClearRecord]:
    facts = next(each for each in examine_chain([spool], setting.trust).files if each.name == name)
    return list(clear_records(spool / name, facts, [setting.recipient]))


def test_every_changed_byte_of_a_header_is_found(tmp_path: Path, setting: Setting) -> None:
    spool = tmp_path / "spool"
    seal(spool, setting, setting.clock())
    path = spool / "00000002.evs"
    whole = path.read_bytes()
    start = len(whole) - len(records_of(path)[-1].data)
    for offset in range(start, len(whole), 7):
        changed = bytearray(whole)
        changed[offset] ^= 1
        path.write_bytes(changed)
        assert not examine_chain([spool], setting.trust).intact, f"byte {offset}"


def test_footage_of_a_torn_end_goes_on(tmp_path: Path, setting: Setting) -> None:
    clock, spool = setting.clock(), tmp_path / "spool"
    counter = FileCounter(tmp_path / "counter", setting.policy.check(), setting.unit.signer)
    writer = chains.start_writer(spool, clock, chain_policy=setting.policy, unit=setting.unit, counter=counter)
    writer.open_footage(chains.run_facts())
    writer.append_fragment(chains.fragment(0), chains.media(0))
    writer.abandon()
    path = spool / "00000002.evs"
    path.write_bytes(path.read_bytes()[:-5])
    chains.start_writer(spool, clock, chain_policy=setting.policy, unit=setting.unit, counter=counter).halt("stop")
    assert examine_chain([spool], setting.trust).verdicts == ("UNCLEAN_STOP",)


def test_row_34_a_suite_that_the_agency_does_not_allow(tmp_path: Path) -> None:
    """SF-37: allowed suites stand in the certificate that the agency signed; unit and verifier refuse others."""
    narrow = suites.hybrid((1,))
    with pytest.raises(SuiteError, match="allows the suites 1, not 2"):
        chains.start_writer(tmp_path / "spool", chain_policy=narrow.policy, unit=narrow.unit)
    seal_carelessly(tmp_path / "spool", narrow)
    assert "SUITE_FORBIDDEN" in examine_chain([tmp_path / "spool"], narrow.trust).verdicts
    wide = suites.hybrid()
    (tmp_path / "other").mkdir()
    seal(tmp_path / "other" / "spool", wide, ManualClock())
    only_1 = replace(wide.trust, suites=frozenset({1}))
    assert "SUITE_FORBIDDEN" in examine_chain([tmp_path / "other" / "spool"], only_1).verdicts


def seal_carelessly(spool: Path, setting: Setting) -> None:
    """As software does that does not look at its certificate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sealing.identity.DeviceIdentity.check_suite", lambda *_: None)
        chains.start_writer(spool, chain_policy=setting.policy, unit=setting.unit).halt("stop")


def test_a_device_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="another kind of device key"):
        chains.start_writer(tmp_path, chain_policy=suites.gm().policy, unit=suites.hybrid().unit)


def test_a_chain_does_not_change_its_hash(tmp_path: Path) -> None:
    """SF-48: another family of suites is another device key, and so another chain."""
    clock = ManualClock()
    seal(tmp_path / "spool", suites.hybrid(), clock)
    seal(tmp_path / "spool", suites.gm(), clock)
    assert list((tmp_path / "spool").glob("*.foreign"))
    report = examine_chain([tmp_path / "spool"], suites.gm().trust)
    assert (report.first_sequence, report.intact) == (1, True)


def test_a_unit_under_a_ca_that_is_not_trusted(tmp_path: Path) -> None:
    seal(tmp_path / "spool", suites.gm(), ManualClock())
    foreign = Trust((chains.agency().certificate(),))
    assert "UNTRUSTED_KEY" in examine_chain([tmp_path / "spool"], foreign).verdicts


def test_open_names_its_suite(tmp_path: Path, setting: Setting) -> None:
    seal(tmp_path / "spool", setting, ManualClock())
    first = records_of(tmp_path / "spool" / "00000001.evs")[0].read
    assert isinstance(first.body, Open)
    assert suite(first.body.suite) is setting.policy.check()
    signer: Signer = setting.unit.signer
    assert signer.algorithm is (Algorithm.SM2 if first.body.suite == 3 else Algorithm.ESP256)
