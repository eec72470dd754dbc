"""Suites 2 and 3: a good chain of each, and the rows in which their hashes, signatures and wraps matter."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sealing.counters import FileCounter
from sealing.framing import file_name
from sealing.records import Event
from tests.support import chains, suites
from tests.support.forging import Raw, records_of
from tests.support.forging import write as write_records
from tests.support.suites import Setting
from tests.vectors.cases import Make, case, flipped
from tests.vectors.witnesses import entrust

FOOTAGE = file_name(2)


def seal(folder: Path, setting: Setting) -> None:
    """A run of the agent with words, footage and a counter."""
    counter = FileCounter(folder / "counter", setting.policy.check(), setting.unit.signer)
    clock = setting.clock()
    writer = chains.start_writer(folder, clock, chain_policy=setting.policy, unit=setting.unit, counter=counter)
    writer.seal(Event("words", None, ()), {"officer": "甲某"})
    writer.open_footage(chains.run_facts())
    for each in range(3):
        clock.advance(1)
        writer.append_fragment(chains.fragment(each), chains.media(each, 50))
    writer.close_footage(chains.close_facts(3))
    writer.halt("stop")
    (folder / "counter").unlink()


@case("0c", "good-chain-of-suite-2", suite=2)
def good_chain_of_suite_2(folder: Path) -> None:
    seal(folder, suites.hybrid())


@case("34e", "suite-2-that-the-certificate-does-not-allow", "SUITE_FORBIDDEN", suite=2)
def suite_2_not_allowed(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sealing.identity.DeviceIdentity.check_suite", lambda *_: None)
        seal(folder, suites.hybrid((1,)))


def gm(row: str, name: str, *expect: str) -> Callable[[Make], Make]:
    """Register what spoils a chain of suite 3."""

    def register(make: Make) -> Make:
        def fill(folder: Path) -> None:
            seal(folder, suites.gm())
            entrust(folder, authority=suites.gm().trust.agency_cas[0])
            make(folder)

        return case(row, name, *expect, suite=3)(fill)

    return register


def _change(folder: Path, index: int, change: Callable[[Raw], Raw]) -> None:
    found = records_of(folder / FOOTAGE)
    write_records(folder / FOOTAGE, [*found[:index], change(found[index]), *found[index + 1 :]])


@gm("0d", "good-chain-of-suite-3")
def good_chain_of_suite_3(folder: Path) -> None:
    pass


@gm("1g", "payload-bit-in-suite-3", "PAYLOAD_MODIFIED")
def payload_bit(folder: Path) -> None:
    _change(folder, 1, lambda each: Raw(each.header, flipped(each.payload, -1)))


@gm("2g", "header-bit-in-suite-3", "BAD_SIGNATURE")
def header_bit(folder: Path) -> None:
    previous = records_of(folder / FOOTAGE)[1].read.previous_hash
    _change(folder, 1, lambda each: Raw(each.header.replace(previous, flipped(previous, 7)), each.payload))


@gm("3g", "signature-bit-in-suite-3", "BAD_SIGNATURE")
def signature_bit(folder: Path) -> None:
    _change(folder, 1, lambda each: Raw(flipped(each.header, -1), each.payload))


@gm("5g", "records-swapped-in-suite-3", "REPLAY_OR_REORDER")
def records_swapped(folder: Path) -> None:
    found = records_of(folder / FOOTAGE)
    write_records(folder / FOOTAGE, [found[0], found[2], found[1], *found[3:]])


@gm("6g", "record-dropped-in-suite-3", "GAP")
def record_dropped(folder: Path) -> None:
    found = records_of(folder / FOOTAGE)
    write_records(folder / FOOTAGE, [*found[:2], *found[3:]])


@gm("16g", "tail-cut-in-suite-3", "TAIL_OPEN")
def tail_cut(folder: Path) -> None:
    write_records(folder / file_name(3), records_of(folder / file_name(3))[:-1])
