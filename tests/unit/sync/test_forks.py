"""A chain that stands twice: what the store names, what it exports, and what a stranger can prove with it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.main import run
from sealing.fork_proof import (
    OPENING_FILE,
    RECORD_FILE,
    ForkProofError,
    ShownRecord,
    find_record,
    judge_record,
    prove_fork,
    read_record,
    write_record,
)
from sealing.limits import EPOCH_SECONDS_MAX
from sealing.records import Event, RecordType
from sealing.trust import Trust
from sync.errors import StoreError
from sync.store.forks import Forks
from sync.store.register import Register, Seen
from sync.store_main import commands
from sync.witness import Statement, Witnessed, sign_statement
from tests.support.chains import start_writer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import STORE_ID, StoreOnDisk, UnitOnDisk, fill_spool, make_unit
from tests.unit.sync.test_intake import bring, bring_to_the_end, ended


@pytest.fixture
def twin(unit: UnitOnDisk, tmp_path: Path) -> UnitOnDisk:
    """A card that was copied and written on twice."""
    made = UnitOnDisk(tmp_path / "twin", unit.identity, unit.config)
    made.paths.spool.mkdir(parents=True)
    fill_spool(unit)
    fill_spool(made)
    return made


@pytest.fixture
def folder(store: StoreOnDisk, unit: UnitOnDisk, twin: UnitOnDisk, tmp_path: Path) -> Path:
    for file in ended(unit):
        bring(store, file)
    forged = ended(twin)[1]
    assert bring_to_the_end(store, forged, forged.path.read_bytes()) == "fork"
    (fork,) = Forks(store.intake).found()
    assert [side.source for side in fork.sides] == ["promised", "parked"]
    Forks(store.intake).export(fork.device_id, fork.sequence, tmp_path / "fork")
    return tmp_path / "fork"


def verified(folder: Path, *words: object) -> int:
    return run([str(word) for word in words] + ["--trust", str(folder)])


def test_a_parked_files_fork_is_proved_to_anybody(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SY-17, SY-32: the exported folder and the agency's CA are enough."""
    facts = json.loads((folder / "fork.json").read_bytes())
    assert verified(folder / "trust", "verify-fork", folder, "--json") == 0
    proved = json.loads(capsys.readouterr().out)
    assert proved["proved"]
    assert (proved["sequence"], proved["one"]["hash"]) == (facts["sequence"], facts["one"])
    assert proved["other"]["hash"] == facts["other"] != facts["one"]
    assert verified(folder / "trust", "verify-fork", folder) == 0
    assert "证明成立" in capsys.readouterr().out
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    assert facts["one"] in readme
    assert "{" not in readme


def test_the_main_verifier_finds_each_side_whole_and_the_second_against_the_witness(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SY-32: what README.txt says."""
    for side in ("one", "other"):
        assert verified(folder / "trust", "verify", "--part", folder / side) == 0
    capsys.readouterr()
    assert verified(folder / "witness", "verify", "--part", folder / "other", "--json") == 1
    assert "FORK_VS_WITNESS" in capsys.readouterr().out
    assert verified(folder / "witness", "verify", "--part", folder / "one", "--json") == 0


def test_what_was_changed_proves_nothing(folder: Path, tmp_path: Path, store: StoreOnDisk) -> None:
    trust = Trust.load(folder / "trust")
    one, other = read_record(folder / "one"), read_record(folder / "other")
    assert prove_fork(one, other, trust).sequence > 0
    with pytest.raises(ForkProofError, match="both are the same record"):
        prove_fork(one, one, trust)
    for place in range(0, len(other.record), 11):
        changed = bytearray(other.record)
        changed[place] ^= 1
        with pytest.raises(ForkProofError):
            prove_fork(one, ShownRecord(other.opening, bytes(changed), other.epoch), trust)
    (whole,) = (folder / "other").glob("*.evs")
    later = find_record(whole, prove_fork(one, other, trust).sequence + 1)
    assert later is not None
    with pytest.raises(ForkProofError, match="not one place"):
        prove_fork(one, later, trust)
    with pytest.raises(ForkProofError, match="where an OPEN belongs"):
        judge_record(ShownRecord(later.record, later.record), trust)
    stranger = make_unit(store.authority, store.ledger, tmp_path / "stranger", "unit-9")
    fill_spool(stranger)
    foreign = find_record(ended(stranger)[0].path, 1)
    assert foreign is not None
    with pytest.raises(ForkProofError, match="is of epoch"):
        judge_record(ShownRecord(foreign.opening, one.record), trust)
    with pytest.raises(ForkProofError, match="whole"):
        read_record(tmp_path)
    (folder / "one" / RECORD_FILE).write_bytes(bytes(1 << 20))
    with pytest.raises(ForkProofError, match="longer"):
        read_record(folder / "one")
    (folder / "one" / RECORD_FILE).write_bytes(other.record)
    (folder / "one" / OPENING_FILE).write_bytes(other.opening)
    assert verified(folder / "trust", "verify-fork", folder) == 65


def test_a_fork_of_two_heads_is_proved_without_a_file(
    store: StoreOnDisk, unit: UnitOnDisk, twin: UnitOnDisk, tmp_path: Path
) -> None:
    """SY-32: what was told of both chains is enough."""
    register = Register(store.ledger)
    sequence = ended(unit)[1].first_sequence + 1
    for one in (unit, twin):
        found = find_record(ended(one)[1].path, sequence)
        assert found is not None
        register.witness(seen(store, unit.device_id, found))
    (fork,) = Forks(store.intake).found()
    assert (fork.sequence, {side.source for side in fork.sides}) == (sequence, {"told"})
    Forks(store.intake).export(unit.device_id, sequence, tmp_path / "fork")
    assert verified(tmp_path / "fork" / "trust", "verify-fork", tmp_path / "fork") == 0
    assert not list((tmp_path / "fork").rglob("*.evs"))
    with pytest.raises(StoreError, match="not empty"):
        Forks(store.intake).export(unit.device_id, sequence, tmp_path / "fork")
    with pytest.raises(StoreError, match="no fork at record 999999"):
        Forks(store.intake).export(unit.device_id, 999_999, tmp_path / "none")


def test_a_parked_file_against_a_head_is_a_fork(
    store: StoreOnDisk, unit: UnitOnDisk, twin: UnitOnDisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SY-32: the file that disagrees with what was witnessed first."""
    found = find_record(ended(unit)[1].path, ended(unit)[1].last_sequence)
    assert found is not None
    Register(store.ledger).witness(seen(store, unit.device_id, found))
    forged = ended(twin)[1]
    assert bring_to_the_end(store, forged, forged.path.read_bytes()) == "fork"
    listed = CliRunner().invoke(commands, ["forks", str(store.directory), "--json"])
    told, parked = map(json.loads, listed.stdout.splitlines())
    assert (told["source"], parked["source"], parked["file_id"]) == ("told", "parked", forged.file_id.hex())
    words = ["export-fork", str(store.directory), unit.device_id, str(told["sequence"]), str(tmp_path / "fork")]
    assert CliRunner().invoke(commands, words).exit_code == 0
    assert verified(tmp_path / "fork" / "trust", "verify-fork", tmp_path / "fork") == 0
    capsys.readouterr()
    assert verified(tmp_path / "fork" / "witness", "verify", "--part", tmp_path / "fork" / "other", "--json") == 1
    assert "FORK_VS_WITNESS" in capsys.readouterr().out


def test_a_record_of_a_later_epoch_brings_its_certificate(unit: UnitOnDisk, store: StoreOnDisk, tmp_path: Path) -> None:
    """SF-42: the file went on under a new key behind its OPEN."""
    clock = ManualClock()
    writer = start_writer(unit.paths.spool, clock, unit=unit.identity)
    clock.advance(EPOCH_SECONDS_MAX + 1)
    behind = writer.seal(Event("behind", None, ()))
    writer.halt("stop")
    trust = Trust.load(store.authority.trust)
    (file,) = unit.paths.spool.glob("*.evs")
    shown = find_record(file, behind.sequence)
    assert shown is not None
    assert shown.epoch is not None
    write_record(tmp_path, shown)
    assert read_record(tmp_path) == shown
    assert judge_record(shown, trust).digest == behind.hash
    with pytest.raises(ForkProofError, match="is of epoch"):
        judge_record(replace(shown, epoch=None), trust)
    changing = find_record(file, behind.sequence - 1)
    assert changing is not None
    assert judge_record(changing, trust).header.type is RecordType.EPOCH
    assert find_record(file, 999_999) is None


def test_no_fork_no_lines(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    start_writer(unit.paths.spool, unit=unit.identity).halt("stop")
    for file in ended(unit):
        bring(store, file)
    assert Forks(store.intake).found() == ()


def seen(store: StoreOnDisk, device_id: str, shown: ShownRecord) -> Seen:
    claim = judge_record(shown, Trust.load(store.authority.trust))
    signer, sequence = store.intake.signer, claim.header.sequence
    statement = Statement(STORE_ID, device_id, Witnessed.HEAD, sequence, claim.digest, START_UTC_NS)
    return Seen(
        device_id=device_id,
        seen_as=Witnessed.HEAD,
        sequence=sequence,
        record_hash=claim.digest,
        kind=None,
        proved=True,
        record=shown.record,
        opening=shown.opening,
        received_utc_ns=START_UTC_NS,
        statement=sign_statement(statement, signer.key_id, signer.signature),
    )
