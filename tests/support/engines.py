"""A store on either kind of engine, opened for a test: files and SQLite, or a bucket and PostgreSQL."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sealing.receipts import FIRST_PREVIOUS_RECEIPT, receipt_hash, verify_receipt
from sync import inbox
from sync.merkle import leaf_hash
from sync.receipt_check import check_receipt
from sync.store import receipt_log
from sync.store.authority import RECEIPT_CERTIFICATE, Authority
from sync.store.content import Content
from sync.store.continuity import Arrival
from sync.store.fsck import check_store
from sync.store.intake import Intake
from sync.store.judge import Judge
from sync.store.ledger import Ledger
from sync.store.service import opened_intake
from sync.store.settings import ObjectsSettings, StoreSettings
from sync.store.vault import Declaration, Name
from sync.unit.spool import SealedFile, numbers, opening, read_ended
from tests.support.clocks import START_UTC_NS
from tests.support.docks import STORE_ID, UnitOnDisk, make_folder
from tests.support.postgres import PrivatePostgres, private_postgres
from tests.support.s3_process import OutsideBucket, S3Process, given_keys

EMBEDDED, SCALED = "embedded", "scaled"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Engines:
    """A database server and a bucket of this test run alone."""

    postgres: PrivatePostgres
    s3: S3Process | OutsideBucket

    def settings(self, lock_days: int | None = None) -> StoreSettings:
        """A new database, and a new place in the bucket."""
        name = f"store-{os.getpid()}-{next(_numbers)}"
        bucket = ObjectsSettings(url=f"{self.s3.url}/{name}", endpoint=self.s3.endpoint, lock_days=lock_days)
        url = self.postgres.database(name)
        return StoreSettings(store_id=STORE_ID, url="https://localhost:8370", ledger=url, objects=bucket)


@contextmanager
def started_engines(folder: Path, *, lock: bool = False, outside: bool = False) -> Iterator[Engines]:
    """Both servers, running; with `outside`, the bucket that the environment names counts where there is one."""
    given_keys()
    with ExitStack() as stack:
        postgres = stack.enter_context(private_postgres())
        named = OutsideBucket.named() if outside else None
        if named is not None:
            yield Engines(postgres, named)
            return
        s3 = S3Process(folder)
        s3.start()
        stack.callback(s3.stop)
        s3.make_bucket(lock=lock)
        yield Engines(postgres, s3)


@dataclass(frozen=True)
class OpenStore:
    """A store with everything open, whatever it stands on."""

    directory: Path
    authority: Authority
    ledger: Ledger
    intake: Intake

    def content(self, name: Name) -> Content:
        return self.intake.vault.content(name)


@contextmanager
def opened(directory: Path, settings: StoreSettings | None = None) -> Iterator[OpenStore]:
    """A store, made when it is not there."""
    authority = Authority(directory) if directory.exists() else make_folder(directory, settings)
    with opened_intake(directory, lambda: START_UTC_NS, 0) as intake:
        assert isinstance(intake.ledger, Ledger)
        yield OpenStore(directory, authority, intake.ledger, intake)


def check_whole(store: OpenStore, units: list[UnitOnDisk]) -> None:
    """Every file once, every receipt true, numbered, chained and in the log; nothing else there (SY-22, SY-42)."""
    leaves = set[bytes]()
    objects = sorted((name.device_id, _digest(store.content(name))) for name in store.intake.vault.objects())
    sent = sorted((unit.device_id, digest) for unit in units for digest in _digests(unit))
    assert objects == sent
    for unit in units:
        leaves |= _checked_receipts(store, unit)
        assert not store.ledger.parked(unit.device_id)
    with store.ledger.transaction() as connection:
        assert receipt_log.size_of(connection) == len(leaves)
    assert check_store(store.intake).faults == ()


def _checked_receipts(store: OpenStore, unit: UnitOnDisk) -> set[bytes]:
    certificate = store.authority.certificate(RECEIPT_CERTIFICATE)
    rows = store.ledger.files(unit.device_id)
    previous = FIRST_PREVIOUS_RECEIPT
    for number, row in enumerate(rows, start=1):
        receipt = verify_receipt(row["receipt"], store.intake.signer.key.public_key())
        assert (receipt.receipt_number, receipt.previous_receipt_hash) == (number, previous)
        previous = receipt_hash(row["receipt"])
    spool = {number: unit.paths.spool / f"{number:08d}.evs" for number in numbers(unit.paths.spool)}
    assert len(rows) == len(spool)
    for number, path in spool.items():
        data = (unit.paths.inbox / inbox.receipt_name(number)).read_bytes()
        receipt = check_receipt(data, certificate, unit.device_id, path, spool.get(number + 1))
        assert store.ledger.receipt(unit.device_id, receipt.file_id) == data
    return {leaf_hash(row["receipt"]) for row in rows}


def _digests(unit: UnitOnDisk) -> Iterator[str]:
    for path in unit.paths.spool.glob("*.evs"):
        yield hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(content: Content) -> str:
    return hashlib.sha256(b"".join(content.pieces())).hexdigest()


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


def judged(store: OpenStore, file: SealedFile) -> Arrival:
    name = name_of(file)
    declared = Declaration(size_bytes=file.size_bytes, number=file.number, torn_bytes=file.torn_bytes)
    store.intake.declare(name, declared)
    upload = store.intake.open(name, declared)
    upload.append(file.path.read_bytes())
    upload.close()
    store.intake.vault.keep(name)
    judge = Judge(store.intake.known(name.device_id))
    return store.intake._judged_again(name, store.content(name), file.torn_bytes, judge)
