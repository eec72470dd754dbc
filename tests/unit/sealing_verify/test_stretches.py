"""Which signatures are checked: those at the ends of stretches, each one where such an end does not hold (SF-61)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sealing import cose
from sealing import records as r
from sealing.cose import Context, PublicKey, Sign1
from sealing.findings import Code
from sealing.framing import file_name
from sealing.report import Report
from sealing.verifier import Asked, examine_chain
from tests.support.chains import close_facts, fragment, media, run_facts, start_writer
from tests.support.clocks import ManualClock
from tests.support.forging import Raw, resigned, rewrite, signed
from tests.support.recordings import trust
from tests.vectors.spoiled_with_keys import key_of

EVERY = Asked(every_signature=True)
FRAGMENTS = 8


Spoil = Callable[[list[Raw]], list[Raw]]
Spool = tuple[Path, Callable[[Path, Spoil], None]]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A footage file, number 2, and what changes it and then signs the rest anew with the epoch's own key."""
    writer = start_writer(tmp_path, ManualClock())
    writer.open_footage(run_facts(1, 0, 0))
    for number in range(FRAGMENTS):
        writer.append_fragment(fragment(number), media(number, 50))
    writer.close_footage(close_facts(FRAGMENTS))
    key = key_of(writer)
    writer.halt("stop")

    def go_on(path: Path, spoil: Spoil) -> None:
        head = b""

        def rest(found: list[Raw]) -> list[Raw]:
            nonlocal head
            kept = [] if head else spoil(found)
            anew = [*kept, *resigned(found[len(kept) :], key, previous=head or kept[-1].hash)]
            head = anew[-1].hash
            return anew

        for each in sorted(tmp_path.glob("*.evs")):
            if each.name >= path.name:
                rewrite(each, rest)

    return tmp_path, go_on


def without_signature(record: Raw) -> Raw:
    return Raw(record.header[:-64] + bytes(64), record.payload)


def found_in(report: Report) -> list[tuple[Code, int | None]]:
    return [(each.code, each.place.sequence) for each in report.findings if each.code is not Code.TAIL_OPEN]


def test_a_later_signature_vouches_for_what_it_follows(spool: Spool) -> None:
    """SF-61: only who has the epoch's key can put it there, and what he signed behind it covers every byte of it."""
    folder, go_on = spool
    go_on(folder / file_name(2), lambda found: [*found[:4], without_signature(found[4])])
    assert found_in(examine_chain([folder], trust())) == []
    sequence = 3 + 1 + 4  # OPEN, BOOT and CLOSE of the first file stand in front
    assert found_in(examine_chain([folder], trust(), asked=EVERY)) == [(Code.BAD_SIGNATURE, sequence)]


@pytest.mark.parametrize("asked", [Asked(), EVERY])
@pytest.mark.parametrize("number", range(FRAGMENTS + 2))
def test_without_a_hash_that_leads_to_it_every_signature_counts(spool: Spool, number: int, asked: Asked) -> None:
    """SF-61: nobody without the key can spoil a signature unseen, wherever it stands."""
    folder, _ = spool
    rewrite(
        folder / file_name(2), lambda found: [*found[:number], without_signature(found[number]), *found[number + 1 :]]
    )
    assert (Code.BAD_SIGNATURE, 4 + number) in found_in(examine_chain([folder], trust(), asked=asked))


def test_where_the_last_signature_fails_none_is_vouched_for(spool: Spool) -> None:
    """SF-61: then each record answers for itself."""
    folder, go_on = spool
    go_on(folder / file_name(2), lambda found: [*found[:4], without_signature(found[4])])
    rewrite(folder / file_name(2), lambda found: [*found[:-1], without_signature(found[-1])])
    named = found_in(examine_chain([folder], trust()))
    assert named[:2] == [(Code.BAD_SIGNATURE, 8), (Code.BAD_SIGNATURE, 4 + FRAGMENTS + 1)]


def test_an_epoch_ends_a_stretch(tmp_path: Path) -> None:
    """SF-61: the key of a later epoch does not vouch for records of an earlier one."""
    clock = ManualClock()
    writer = start_writer(tmp_path, clock)
    for _ in range(3):
        clock.advance(400)
        writer.seal(r.Alive(50, 1))
    stolen = key_of(writer)
    writer.halt("stop")
    path = tmp_path / file_name(1)

    def forge(found: list[Raw]) -> list[Raw]:
        """All of it anew and linked, by the key of the last epoch: what is of an earlier one is not signed by it."""
        anew = resigned(found, stolen)
        linked = [anew[0]]
        for record in found[1:]:
            changed = replace(record.read, previous_hash=linked[-1].hash)
            linked.append(signed(changed, record.payload, stolen))
        return linked

    rewrite(path, forge)
    first = examine_chain([tmp_path], trust()).first_fault
    assert first is not None
    assert (first.code, first.place.sequence) == (Code.BAD_SIGNATURE, 1)


def test_few_signatures_are_checked(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = spool
    checked: list[Context] = []
    verify = cose.verify_sign1

    def counting(message: Sign1, context: Context, public_key: PublicKey) -> None:
        checked.append(context)
        verify(message, context, public_key)

    monkeypatch.setattr(cose, "verify_sign1", counting)
    examine_chain([folder], trust())
    few = checked.count(cose.RECORD)
    checked.clear()
    examine_chain([folder], trust(), asked=EVERY)
    assert checked.count(cose.RECORD) == FRAGMENTS + 2 + 3 + 3
    assert few == 3 * 2  # each OPEN, and the end of each file
