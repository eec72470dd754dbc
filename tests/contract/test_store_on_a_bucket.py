"""A store on PostgreSQL and a bucket: what only such a one has to show."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.errors import EngineUnavailableError, ObjectDiffersError, StoreError
from sync.store.fsck import check_store
from sync.store.gateway import make_gateway
from sync.store.ledger import Ledger
from sync.store.s3_bucket import S3Bucket
from sync.store.settings import ObjectsSettings, StoreSettings
from sync.store.vault import Declaration
from tests.support.clocks import START_UTC_NS
from tests.support.docks import fill_spool, make_unit
from tests.support.engines import (
    Engines,
    bring,
    ended,
    judged,
    name_of,
    opened,
)
from tests.support.s3_process import S3Process

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def test_another_stores_database_and_a_bucket_that_is_not_there_are_refused(engines: Engines, tmp_path: Path) -> None:
    """A store stands on its own engines, and on nobody else's."""
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


def test_an_engine_that_is_gone_is_said_to_be_and_heals(engines: Engines, tmp_path: Path) -> None:
    """SY-83: nothing is promised meanwhile, nothing is lost, and the same process goes on afterwards."""
    if not isinstance(engines.s3, S3Process):
        pytest.skip("nobody's own bucket is killed")
    with opened(tmp_path / "store", engines.settings()) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        first, second, *_ = ended(unit)
        engines.s3.kill()
        with pytest.raises(EngineUnavailableError):
            bring(store, first)
        engines.s3.start()
        assert store.ledger.receipt(first.device_id, first.file_id) is None
        bring(store, first)
        engines.postgres.kill()
        with pytest.raises(EngineUnavailableError):
            bring(store, second)
        engines.postgres.start()
        bring(store, second)
        assert check_store(store.intake).faults == ()


def test_a_commit_waits_for_one_whose_outcome_nobody_heard(engines: Engines, tmp_path: Path) -> None:
    """SY-80: the line is cut behind COMMIT; asked again, the row that is there counts."""
    with opened(tmp_path / "store", engines.settings()) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        arrival = judged(store, ended(unit)[0])
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
