"""What a store's engines owe it, the same on files and SQLite as on a bucket and PostgreSQL."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from sealing.oids import Assurance
from sealing.policy import POLICY_FILE
from sealing.receipts import verify_receipt
from sync.errors import ContentError, StoreError
from sync.store import receipt_log, rounds
from sync.store.content_index import circumstances_of_unit
from sync.store.custody import accept
from sync.store.fsck import FAULT_CHANGED, FAULT_MISSING, FAULT_UNPROMISED, check_store
from sync.store.intake import Intake
from sync.store.ledger import ParkedContent, Unit
from sync.store.log_audit import audit_log
from sync.store.register import Register, Seen
from sync.store.s3_bucket import S3Bucket
from sync.store.settings import StoreSettings
from sync.store.vault import Name, Vault
from sync.store_main import commands
from sync.unit.spool import SealedFile
from sync.wire import HeldFile, Inventory
from sync.witness import Witnessed
from tests.support.clocks import START_UTC_NS
from tests.support.docks import STORE_ID, UnitOnDisk, crash_spool, fill_spool, make_unit
from tests.support.engines import (
    EMBEDDED,
    SCALED,
    Engines,
    OpenStore,
    bring,
    ended,
    judged,
    name_of,
    opened,
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@pytest.fixture(params=[EMBEDDED, SCALED])
def settings(request: pytest.FixtureRequest) -> StoreSettings | None:
    if request.param == EMBEDDED:
        return None
    running: Engines = request.getfixturevalue("engines")
    return running.settings()


@pytest.fixture
def store(settings: StoreSettings | None, tmp_path: Path) -> Iterator[OpenStore]:
    with opened(tmp_path / "store", settings) as one:
        yield one


@pytest.fixture
def unit(store: OpenStore, tmp_path: Path) -> UnitOnDisk:
    return make_unit(store.authority, store.ledger, tmp_path / "unit")


def test_a_database_of_before_gets_the_columns_that_came_since(
    store: OpenStore, unit: UnitOnDisk, settings: StoreSettings | None
) -> None:
    """SY-65: what it holds lacks them and stays as it was."""
    fill_spool(unit)
    receipts = [bring(store, file) for file in ended(unit)]
    with store.ledger.transaction() as connection:
        for name in ("labels_given", "department"):
            connection.exec_driver_sql(f"ALTER TABLE openings DROP COLUMN {name}")
    with opened(store.directory, settings) as again:
        told = [one for _, one in circumstances_of_unit(again.ledger, unit.device_id)]
        assert {(one.labels_given, one.department) for one in told} == {((), None)}
        assert [bring(again, file) for file in ended(unit)] == receipts


@pytest.mark.requirement("R21", "all")
def test_every_file_is_kept_promised_once_and_found_again(store: OpenStore, unit: UnitOnDisk) -> None:
    """SY-15, SY-19, SY-22, SY-23: in any order, torn ends too; asked again, the same bytes."""
    crash_spool(unit)
    files = list(reversed(ended(unit)))
    receipts = [bring(store, file) for file in files]
    assert [bring(store, file) for file in files] == receipts
    assert [store.ledger.receipt(one.device_id, one.file_id) for one in files] == receipts
    assert sorted(store.intake.vault.objects(), key=str) == sorted(map(name_of, files), key=str)
    for file in files:
        content, whole = store.content(name_of(file)), file.path.read_bytes()
        assert content.size_bytes() == len(whole)
        assert b"".join(content.pieces()) == whole
        assert b"".join(content.pieces(len(whole) - 10)) == whole[-10:]
        assert not b"".join(content.pieces(len(whole)))
        assert store.intake.vault.offset(name_of(file)) == 0
    assert len(list(circumstances_of_unit(store.ledger, unit.device_id))) == len(files)
    assert not list(store.directory.glob("incoming/*/*"))
    assert store.content(Name(unit.device_id, "ee" * 32)).size_bytes() is None
    assert check_store(store.intake).faults == ()


def test_commits_that_race_are_numbered_and_logged_in_one_order(
    store: OpenStore, unit: UnitOnDisk, tmp_path: Path
) -> None:
    """SY-22, SY-42, SY-80: every file is brought twice at the same time, from two units."""
    other = make_unit(store.authority, store.ledger, tmp_path / "other", "unit-other")
    for one in (unit, other):
        fill_spool(one, footage_files=4)
    files = [file for one in (unit, other) for file in ended(one)]
    arrivals = [judged(store, file) for file in files]
    with ThreadPoolExecutor(8) as pool:
        promised = list(pool.map(lambda one: store.ledger.commit(one, store.intake._signing(one)), arrivals * 2))
    assert promised[: len(files)] == promised[len(files) :]
    for one in (unit, other):
        rows = store.ledger.files(one.device_id)
        assert [row["receipt_number"] for row in rows] == list(range(1, len(ended(one)) + 1))
    roots, faults = audit_log(store.ledger, ())
    assert (max(roots), faults) == (len(files), [])
    with store.ledger.transaction() as connection:
        assert receipt_log.grown(connection, 0).root == roots[len(files)]


@pytest.mark.parametrize(("point", "before"), [("keep", False), ("commit", False), ("forget", False)])
def test_a_kill_at_any_step_is_finished_at_the_next_start(
    settings: StoreSettings | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, before: bool
) -> None:
    """SY-13, SY-19, SY-80: judged again, promised once."""

    class KilledError(BaseException):
        """The process ends here."""

    with opened(tmp_path / "store", settings) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        crash_spool(unit)
        file = next(one for one in ended(unit) if one.torn_bytes)
        owner = store.ledger if point == "commit" else store.intake.vault
        real = getattr(owner, point)

        def dying(*arguments: object) -> object:
            if not before:
                real(*arguments)
            raise KilledError

        with monkeypatch.context() as patched:
            patched.setattr(owner, point, dying)
            with pytest.raises(KilledError):
                bring(store, file)
    with opened(tmp_path / "store") as store:
        store.intake.recover()
        promised = store.ledger.receipt(file.device_id, file.file_id)
        assert bring(store, file) == (promised or store.ledger.receipt(file.device_id, file.file_id))
        assert len(store.ledger.files()) == 1
        assert not list(store.directory.glob("incoming/*/*"))
        assert check_store(store.intake).faults == ()


def test_content_that_is_refused_is_kept_with_its_reason(store: OpenStore, unit: UnitOnDisk) -> None:
    """SY-14, SY-16, SY-36: a revoked unit's file, accepted later by a custodian."""
    fill_spool(unit)
    file, *rest = ended(unit)
    Register(store.ledger).revoke(unit.device_id, "lost", START_UTC_NS)
    with pytest.raises(ContentError, match="revoked"):
        bring(store, file)
    vault, name = store.intake.vault, name_of(file)
    refusal = vault.refusal(name)
    assert refusal is not None
    assert refusal.code == "revoked"
    assert [one.code for one in store.ledger.parked(unit.device_id)] == ["revoked"]
    assert list(vault.all_parked()) == [name]
    assert not list(vault.objects())
    assert b"".join(vault.parked_content(name).pieces()) == file.path.read_bytes()
    assert vault.refusal(name_of(rest[0])) is None
    receipt = accept(store.intake, name, "张某")
    assert verify_receipt(receipt, store.intake.signer.key.public_key()).receipt_number == 1
    assert (list(vault.objects()), list(vault.all_parked())) == ([name], [])
    assert not store.ledger.parked(unit.device_id)
    assert check_store(store.intake).faults == ()


def test_a_fork_that_shows_only_at_the_commit_is_parked(
    store: OpenStore, unit: UnitOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SY-17, SY-80: the other file came in between judging and committing, perhaps through another gateway."""
    fill_spool(unit)
    files = ended(unit)
    monkeypatch.setattr(Intake, "_check_joins", lambda *_: None)
    monkeypatch.setattr("sync.store.ledger.check_chain", _forks)
    with pytest.raises(ContentError, match="fork"):
        bring(store, files[0])
    name = name_of(files[0])
    assert (list(store.intake.vault.objects()), list(store.intake.vault.all_parked())) == ([], [name])
    assert b"".join(store.intake.vault.parked_content(name).pieces()) == files[0].path.read_bytes()
    assert not store.ledger.files()


def _forks(*_: object) -> None:
    raise ContentError("fork", "two contents for one number")


@pytest.mark.requirement("R38", "all")
def test_a_check_finds_what_is_gone_changed_or_nobodys(store: OpenStore, unit: UnitOnDisk) -> None:
    """R38: and the round is remembered, so that no other process makes it again at once."""
    fill_spool(unit)
    files = ended(unit)
    for file in files:
        bring(store, file)
    assert rounds.check_in_turn(store.intake, 24, lambda: False) is None
    done = rounds.check_in_turn(store.intake, 24, lambda: True)
    assert done == rounds.Round(START_UTC_NS, 0)
    _damage(store, files)
    found = {(one.code, one.file_id) for one in check_store(store.intake).faults}
    expected = {(FAULT_MISSING, files[0].file_id.hex()), (FAULT_CHANGED, files[1].file_id.hex())}
    assert found == expected | {(FAULT_UNPROMISED, "ee" * 32)}
    assert rounds.check_in_turn(store.intake, 24, lambda: True) == done


def _damage(store: OpenStore, files: list[SealedFile]) -> None:
    """One object gone, one changed, one that nobody was promised."""
    changed = bytearray(files[1].path.read_bytes())
    changed[-1] ^= 1
    vault, stray = store.intake.vault, Name(files[0].device_id, "ee" * 32)
    if isinstance(vault, Vault):
        vault.object(name_of(files[0])).unlink()
        vault.object(name_of(files[1])).write_bytes(changed)
        vault.object(stray).parent.mkdir(parents=True, exist_ok=True)
        vault.object(stray).write_bytes(b"stray")
        return
    bucket: S3Bucket = vault._bucket  # type: ignore[attr-defined]
    key = vault._object_key  # type: ignore[attr-defined]
    bucket.delete(key(name_of(files[0])))
    bucket.put(key(name_of(files[1])), bytes(changed))
    bucket.put(key(stray), b"stray")


def test_only_one_process_makes_a_round(settings: StoreSettings | None, tmp_path: Path) -> None:
    """R38: while one checks, another that may be started does not."""
    with opened(tmp_path / "store", settings) as store:
        if settings is None:
            with store.ledger.only_runner("x") as mine:
                assert mine
            return
        with opened(tmp_path / "store") as other:
            with store.ledger.only_runner("x") as mine, other.ledger.only_runner("x") as theirs:
                assert (mine, theirs) == (True, False)
            with other.ledger.only_runner("x") as theirs:
                assert theirs


def test_rows_that_were_there_first_stay(store: OpenStore, unit: UnitOnDisk) -> None:
    """SY-16, SY-32: told by eight threads at a time, as eight processes would."""
    register = Register(store.ledger)
    seen = Seen(unit.device_id, Witnessed.HEAD, 7, bytes(32), None, True, None, None, START_UTC_NS, b"first")
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda one: register.witness(replace(seen, statement=b"%d" % one)), range(16)))
    assert len({one.statement for one in kept}) == 1
    assert register.witnessed(Witnessed.HEAD) == (kept[0],)
    told = Inventory(files=(HeldFile(file_id="ab" * 32, number=1, size_bytes=9),))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: register.told_inventory(unit.device_id, told, START_UTC_NS + one), range(16)))
        list(pool.map(lambda one: Register(store.ledger).heard(unit.device_id, START_UTC_NS + one), range(16)))
        list(pool.map(lambda one: register.want(unit.device_id, bytes(16), START_UTC_NS + one), range(16)))
    assert [one.file_number for one in register.held(unit.device_id)] == [1]
    assert list(register.contacts()) == [unit.device_id]
    assert register.wanted(unit.device_id) == {bytes(16)}
    parked = ParkedContent(unit.device_id, "cd" * 32, 5, "malformed", "a NUL \0 in what was sent", START_UTC_NS)
    for detail in (parked.detail, "another"):
        store.ledger.park(replace(parked, detail=detail))
    assert store.ledger.parked() == (replace(parked, detail="a NUL \N{REPLACEMENT CHARACTER} in what was sent"),)
    register.deny(unit.device_id, b"certificate", "lost", START_UTC_NS)
    register.deny(unit.device_id, b"certificate", "again", START_UTC_NS)
    assert [row["reason"] for row in register.denials()] == ["lost"]


def test_two_keys_for_one_epoch_are_a_fork_also_when_both_were_on_their_way(store: OpenStore, unit: UnitOnDisk) -> None:
    """SY-17, SY-80: neither file was there when the other one was judged, perhaps by another gateway."""
    fill_spool(unit)
    first, second, *_ = (judged(store, file) for file in ended(unit))
    store.ledger.commit(first, store.intake._signing(first))
    keys = tuple(replace(one, public_key_der=b"another key") for one in second.facts.epochs)
    forged = replace(second, facts=replace(second.facts, epochs=keys))
    with pytest.raises(ContentError, match="fork"):
        store.ledger.commit(forged, store.intake._signing(forged))
    assert len(store.ledger.files()) == 1
    store.ledger.commit(second, store.intake._signing(second))
    assert store.ledger.holds_in_all() == store.ledger.holds(unit.device_id)[:2]


COMMANDS = (
    "units",
    "sessions",
    "due",
    "tasks",
    "alerts",
    "files",
    "receipts",
    "fleet",
    "forks",
    "fsck",
    "log checkpoint",
    "log audit",
    "operator list",
)


def test_every_command_works_on_a_store_that_was_made_by_hand(settings: StoreSettings | None, tmp_path: Path) -> None:
    """From `init` to `log audit`, by the command line."""
    directory, told = tmp_path / "store", list[str]()
    if settings is not None and settings.objects is not None:
        told = ["--ledger", str(settings.ledger), "--objects", settings.objects.url]
        told += ["--s3-endpoint", str(settings.objects.endpoint)]
    _run("init", str(directory), "--store-id", STORE_ID, *told)
    # The writers of these tests seal to recipients of their own.
    (directory / "trust" / POLICY_FILE).unlink()
    with opened(directory) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        for file in ended(unit):
            bring(store, file)
    for command in COMMANDS:
        said = _run(*command.split(), str(directory))
        assert "Traceback" not in said, command
    assert unit.device_id in _run("units", str(directory), "--json")
    backed_up = CliRunner().invoke(commands, ["backup", str(directory), str(tmp_path / "backup")])
    assert isinstance(backed_up.exception, StoreError) is (settings is not None)


def _run(*words: str) -> str:
    done = CliRunner().invoke(commands, words)
    if not isinstance(done.exception, SystemExit | None):
        raise done.exception
    assert done.exit_code == os.EX_OK, (words, done.output)
    return done.output


def test_units_are_listed_by_their_bytes(store: OpenStore) -> None:
    ids = ["b-1", "B-1", "a.1", "a-1", "A_1"]
    for one in ids:
        store.ledger.enrol(Unit(one, Assurance.SIMULATED, START_UTC_NS, revoked=False), b"device", b"link")
    assert [one.device_id for one in store.ledger.units()] == sorted(ids)
