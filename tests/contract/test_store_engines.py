"""What a store's engines owe it, the same on files and SQLite as on a bucket and PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sealing.oids import Assurance
from sealing.receipts import verify_receipt
from sync.errors import ContentError, EngineUnavailableError, ObjectDiffersError, StoreError
from sync.store import receipt_log, rounds
from sync.store.content_index import circumstances_of_unit
from sync.store.continuity import Arrival
from sync.store.custody import accept
from sync.store.fsck import FAULT_CHANGED, FAULT_MISSING, FAULT_UNPROMISED, check_store
from sync.store.gateway import make_gateway
from sync.store.intake import Intake
from sync.store.ledger import Ledger, ParkedContent, Unit
from sync.store.log_audit import audit_log
from sync.store.register import Closing, Register, Seen
from sync.store.s3_bucket import S3Bucket
from sync.store.settings import ObjectsSettings, StoreSettings
from sync.store.vault import Declaration, Name, Vault
from sync.unit.spool import SealedFile, numbers, opening, read_ended
from sync.wire import HeldFile, Inventory
from sync.witness import Witnessed
from tests.support.clocks import START_UTC_NS
from tests.support.docks import UnitOnDisk, crash_spool, fill_spool, make_unit
from tests.support.engines import EMBEDDED, SCALED, Engines, OpenStore, opened, started_engines
from tests.support.s3_process import S3Process

pytestmark = [pytest.mark.system, pytest.mark.timeout(110)]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    with started_engines(tmp_path_factory.mktemp("engines"), lock=True, outside=True) as running:
        yield running


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


def ended(unit: UnitOnDisk) -> list[SealedFile]:
    spool, present = unit.paths.spool, numbers(unit.paths.spool)
    found = []
    for number, later in zip(present, [*present[1:], None], strict=True):
        one = read_ended(spool / f"{number:08d}.evs", None if later is None else opening(spool / f"{later:08d}.evs"))
        assert one is not None
        found.append(one)
    return found


def name_of(file: SealedFile) -> Name:
    return Name(file.device_id, file.file_id.hex())


def bring(store: OpenStore, file: SealedFile, data: bytes | None = None) -> bytes:
    content = file.path.read_bytes() if data is None else data
    declared = Declaration(size_bytes=len(content), number=file.number, torn_bytes=file.torn_bytes)
    store.intake.declare(name_of(file), declared)
    held = store.intake.vault.declaration(name_of(file))
    assert held is not None
    upload = store.intake.open(name_of(file), held)
    try:
        upload.append(content[upload.offset :])
        return store.intake.finish(upload)
    finally:
        upload.close()


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
    arrivals = [_judged(store, file) for file in files]
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


def _judged(store: OpenStore, file: SealedFile) -> Arrival:
    name = name_of(file)
    declared = Declaration(size_bytes=file.size_bytes, number=file.number, torn_bytes=file.torn_bytes)
    store.intake.declare(name, declared)
    upload = store.intake.open(name, declared)
    upload.append(file.path.read_bytes())
    upload.close()
    store.intake.vault.keep(name)
    return store.intake._judged_again(name, store.content(name), file.torn_bytes)


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
    register.close_task(Closing("a task", START_UTC_NS, "乙某", ""))
    with pytest.raises(StoreError, match="乙某"):
        register.close_task(Closing("a task", START_UTC_NS, "李某", ""))
    register.deny(unit.device_id, b"certificate", "lost", START_UTC_NS)
    register.deny(unit.device_id, b"certificate", "again", START_UTC_NS)
    assert [row["reason"] for row in register.denials()] == ["lost"]


def test_units_are_listed_by_their_bytes(store: OpenStore) -> None:
    ids = ["b-1", "B-1", "a.1", "a-1", "A_1"]
    for one in ids:
        store.ledger.enrol(Unit(one, Assurance.SIMULATED, START_UTC_NS, revoked=False), b"device", b"link")
    assert [one.device_id for one in store.ledger.units()] == sorted(ids)


def test_another_stores_database_and_one_that_is_not_durable_are_refused(engines: Engines, tmp_path: Path) -> None:
    """SY-19: a promise needs a commit that outlives a power cut."""
    given = engines.settings()
    with opened(tmp_path / "one", given):
        pass
    with (
        pytest.raises(StoreError, match="store-test"),
        opened(tmp_path / "two", given.model_copy(update={"store_id": "x"})),
    ):
        pass
    with pytest.raises(StoreError, match="cannot be used"), opened(tmp_path / "three", _elsewhere(given)):
        pass


def _elsewhere(given: StoreSettings) -> StoreSettings:
    assert given.objects is not None
    return given.model_copy(update={"objects": given.objects.model_copy(update={"url": "s3://nobodys-bucket"})})


def test_an_object_is_never_replaced_and_its_checksum_counts(engines: Engines, tmp_path: Path) -> None:
    """SY-82: another content under the name is told from the same one; the server refuses other bytes."""
    with opened(tmp_path / "store", engines.settings()) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        file = ended(unit)[0]
        vault = store.intake.vault
        store.intake.declare(name_of(file), Declaration(size_bytes=9, number=1, torn_bytes=0))
        vault.part(name_of(file)).write_bytes(b"something")
        vault.keep(name_of(file))
        with pytest.raises(ObjectDiffersError, match="something else"):
            bring(store, file)
        assert b"".join(store.content(name_of(file)).pieces()) == b"something"
        bucket: S3Bucket = vault._bucket  # type: ignore[attr-defined]
        with pytest.raises(EngineUnavailableError, match=r"(?i)digest|checksum"):
            bucket.put_new("other", file.path, bytes(32), {})
        assert bucket.head("other") is None


def test_objects_are_locked_where_the_store_wants_it(engines: Engines, tmp_path: Path) -> None:
    """SY-82: with Object Lock an object stays for its days, whoever has the key."""
    if not isinstance(engines.s3, S3Process):
        pytest.skip("what is locked in somebody's own bucket would stay there")
    given = engines.settings(lock_days=3_650)
    with opened(tmp_path / "store", given) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        file = ended(unit)[0]
        bring(store, file)
        bucket: S3Bucket = store.intake.vault._bucket  # type: ignore[attr-defined]
        key = store.intake.vault._object_key(name_of(file))  # type: ignore[attr-defined]
        held = bucket._client.head_object(Bucket=engines.s3.bucket, Key=key)
        assert held["ObjectLockMode"] == "COMPLIANCE"
        until = datetime.fromtimestamp(START_UTC_NS // 10**9, UTC) + timedelta(days=3_650)
        assert held["ObjectLockRetainUntilDate"] == until


def test_gateways_that_have_the_same_file_end_with_one_object_and_one_receipt(engines: Engines, tmp_path: Path) -> None:
    """SY-81, SY-82: each has its own part; the later one finds the object and the row, and compares."""
    with opened(tmp_path / "one", engines.settings()) as one:
        make_gateway(tmp_path / "one", tmp_path / "two")
        assert not list((tmp_path / "two" / "keys").glob("agency-ca*"))
        with opened(tmp_path / "two") as two:
            unit = make_unit(one.authority, one.ledger, tmp_path / "unit")
            fill_spool(unit)
            file = ended(unit)[1]
            declared = Declaration(size_bytes=file.size_bytes, number=file.number, torn_bytes=0)
            two.intake.declare(name_of(file), declared)
            two.intake.vault.part(name_of(file)).write_bytes(file.path.read_bytes()[:100])
            assert two.intake.vault.offset(name_of(file)) == 100
            assert one.intake.vault.offset(name_of(file)) == 0
            assert one.intake.vault.declaration(name_of(file)) is None
            first = bring(one, file)
            assert bring(two, file) == first
            assert list(two.intake.vault.objects()) == [name_of(file)]
    with pytest.raises(StoreError, match="not empty"):
        make_gateway(tmp_path / "one", tmp_path / "two")


def test_rows_and_objects_go_together() -> None:
    bucket = ObjectsSettings(url="s3://evidence")
    assert (bucket.bucket, bucket.prefix) == ("evidence", "")
    assert ObjectsSettings(url="s3://evidence/a/b/").prefix == "a/b/"
    with pytest.raises(ValueError, match="together"):
        StoreSettings(store_id="s", url="https://x", objects=bucket)
    with pytest.raises(ValueError, match="password"):
        StoreSettings(store_id="s", url="https://x", objects=bucket, ledger="postgresql://a:b@c/d")


def test_an_engine_that_is_gone_is_said_to_be_and_heals(tmp_path: Path) -> None:
    """SY-83: nothing is promised meanwhile, nothing is lost, and the same process goes on afterwards."""
    with started_engines(tmp_path) as own, opened(tmp_path / "store", own.settings()) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        first, second, *_ = ended(unit)
        assert isinstance(own.s3, S3Process)
        own.s3.kill()
        with pytest.raises(EngineUnavailableError):
            bring(store, first)
        own.s3.start()
        assert store.ledger.receipt(first.device_id, first.file_id) is None
        bring(store, first)
        own.postgres.kill()
        with pytest.raises(EngineUnavailableError):
            bring(store, second)
        own.postgres.start()
        bring(store, second)
        assert check_store(store.intake).faults == ()


def test_a_commit_waits_for_one_whose_outcome_nobody_heard(engines: Engines, tmp_path: Path) -> None:
    """SY-80: the line is cut behind COMMIT; asked again, the row that is there counts."""
    with opened(tmp_path / "store", engines.settings()) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        arrival = _judged(store, ended(unit)[0])
        signed = list[bytes]()

        def sign(number: int, previous: bytes) -> bytes:
            signed.append(store.intake._signing(arrival)(number, previous))
            return signed[-1]

        real, cut = Ledger._commit, threading.Event()

        def unheard(ledger: Ledger, *given: object, **named: object) -> bytes:
            found: bytes = real(ledger, *given, **named)  # type: ignore[arg-type]
            if not cut.is_set():
                cut.set()
                raise EngineUnavailableError("the line is cut")
            return found

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Ledger, "_commit", unheard)
            assert store.ledger.commit(arrival, sign) == signed[0]
        assert len(signed) == 1
        assert len(store.ledger.files()) == 1
