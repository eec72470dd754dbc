"""What one GiB and one commit cost a store on PostgreSQL and a bucket, and what fleets take by that.

`python -m tests.bench scaling` prints both. The page `docs/scaling.md` stands on the costs in `scaling_page.COSTS`,
which were measured by this.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from sealing.oids import Assurance
from sealing.records import FileKind
from sync.sessions import Circumstances
from sync.store import ledger
from sync.store.continuity import Arrival
from sync.store.database import lock_log
from sync.store.judge import ContentFacts
from sync.store.ledger import Ledger, MakeReceipt, Unit
from sync.unit.client import StoreClient, tls_context
from sync.unit.spool import SealedFile, numbers, read_ended
from tests.bench.arrivals import GIB, Costs, Fleet, needs
from tests.bench.measurement import Measurement, figure
from tests.bench.scaling_page import SIZES
from tests.support.docks import UnitOnDisk, fill_spool, make_unit
from tests.support.engines import Engines, OpenStore, opened, started_engines
from tests.support.postgres import children_of
from tests.support.store_process import StoreProcess

FRAGMENTS, FRAGMENT_BYTES, FILES = 60, 1_000_000, 4
"""The first of the files warms up and is not counted."""
THREADS, COMMITS, ROUNDS = 8, 10, 12
_TICKS = os.sysconf("SC_CLK_TCK")


def measure() -> list[Measurement]:
    """The costs, and the needs of three fleets."""
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as name, started_engines(Path(name)) as engines:
        gateway = _gateway_seconds_per_gib(engines, Path(name))
        costs = Costs(gateway, *_commits(engines, Path(name) / "rows"))
    found = [
        figure("scaling, gateway", gateway, "CPU s/GiB", "mutual TLS, judged, put into a bucket without TLS"),
        figure("scaling, database", 1000 * costs.database_cpu_seconds_per_commit, "CPU ms/commit", "its processes"),
        figure(
            "scaling, commits",
            costs.commits_per_second,
            "1/s",
            "one after the other: while the log is locked, to COMMIT",
        ),
        figure("scaling, database", costs.database_bytes_per_file, "B/file", "rows, log and indexes"),
    ]
    for units in SIZES:
        need = needs(Fleet(units), costs)
        what = f"{need.longest_hours:.1f} h at the longest, {need.peak_commits_per_second:.1f} commits/s"
        found.append(figure(f"scaling, {units} units", need.cores, "gateway cores", what))
    return found


def _gateway_seconds_per_gib(engines: Engines, folder: Path) -> float:
    with opened(folder / "store", engines.settings()) as store:
        unit = make_unit(store.authority, store.ledger, folder / "unit")
    files = _footage(unit)
    process = StoreProcess(folder / "store", tls=True)
    process.start()
    try:
        client = StoreClient(process.url, unit.device_id, tls_context(unit.paths), timeout_seconds=60)
        _send(client, files[0])
        before = process_seconds(process.pid)
        for file in files[1:]:
            _send(client, file)
        spent = process_seconds(process.pid) - before
        client.close()
    finally:
        process.stop()
    return spent * GIB / sum(file.size_bytes for file in files[1:])


def _footage(unit: UnitOnDisk) -> list[SealedFile]:
    fill_spool(unit, footage_files=FILES, fragments=FRAGMENTS, fragment_bytes=FRAGMENT_BYTES)
    found = [read_ended(unit.paths.spool / f"{number:08d}.evs", None) for number in numbers(unit.paths.spool)]
    return [one for one in found if one is not None and one.size_bytes > FRAGMENT_BYTES]


def _send(client: StoreClient, file: SealedFile) -> None:
    client.create(file)
    client.append(file, 0, lambda: True, lambda _: None)
    if client.receipt(file) is None:
        raise RuntimeError(f"no receipt for file {file.number}")


def _commits(engines: Engines, folder: Path) -> tuple[float, float, float]:
    """CPU seconds of the database for a commit, commits in a second, bytes for a file."""
    settings = engines.settings()
    with opened(folder, settings) as store:
        devices = [f"unit-{number}" for number in range(THREADS)]
        for device_id in devices:
            unit = Unit(device_id, Assurance.SIMULATED, 1, revoked=False)
            store.ledger.enrol(unit, b"device", b"link")
        _promise(store, devices[0], 0, 5)
        size, cpu = _database_bytes(str(settings.ledger)), _database_seconds(engines)
        locked = _Locked()
        with locked.watched(), ThreadPoolExecutor(THREADS) as pool:
            for number in range(ROUNDS):
                list(pool.map(partial(_promise, store, first=5 + number * COMMITS, count=COMMITS), devices))
        count = THREADS * COMMITS * ROUNDS
        spent = _database_seconds(engines) - cpu
        grown = _database_bytes(str(settings.ledger)) - size
        return spent / count, 1 / locked.seconds(), grown / count


class _Locked:
    """For how long a commit keeps the log from the others: what bounds the commits of a whole store."""

    def __init__(self) -> None:
        self._taken: list[float] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        real_lock, real_commit = lock_log, Ledger._commit
        own = threading.local()

        def lock(connection: sa.Connection) -> None:
            real_lock(connection)
            own.begin = time.monotonic()

        def commit(one: Ledger, arrival: Arrival, make_receipt: MakeReceipt, *, by_custodian: bool) -> bytes:
            receipt = real_commit(one, arrival, make_receipt, by_custodian=by_custodian)
            self._taken.append(time.monotonic() - own.begin)
            return receipt

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(ledger, "lock_log", lock)
            patched.setattr(Ledger, "_commit", commit)
            yield

    def seconds(self) -> float:
        """The middle of the quicker half: on a busy machine the slower one waits for the machine."""
        return sorted(self._taken)[len(self._taken) // 4]


def _promise(store: OpenStore, device_id: str, first: int, count: int) -> None:
    for arrival in _arrivals(device_id, first, count):
        store.ledger.commit(arrival, store.intake._signing(arrival))


def _arrivals(device_id: str, first: int, count: int) -> Iterator[Arrival]:
    """Files as the judge leaves them: three records each, one behind the other."""
    for number in range(first + 1, first + count + 1):
        facts = ContentFacts(
            file_number=number,
            kind=FileKind.FOOTAGE,
            first_sequence=3 * number,
            last_sequence=3 * number + 2,
            hash_before=_digest(device_id, number - 1),
            head_hash=_digest(device_id, number),
            closed=True,
            first_utc_ns=number,
            last_utc_ns=number + 1,
            session_id=bytes(16),
            simulated=True,
            epochs=(),
            torn_ends=(),
            circumstances=Circumstances(
                profile_id="bench",
                profile_hash=bytes(32),
                session_id=bytes(16),
                officer_ids=("甲某",),
                activity_id=None,
                category=None,
                label=None,
                exception_reason=None,
            ),
            notes=(),
        )
        yield Arrival(device_id, _digest("file", device_id, number), 60_000_000, 0, bytes(32), facts, number)


def _digest(*of: object) -> bytes:
    return hashlib.sha256(repr(of).encode()).digest()


def _database_bytes(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return 0 if row is None else int(row[0])


def _database_seconds(engines: Engines) -> float:
    pid = int(engines.postgres.pid_file.read_text().split()[0])
    return sum(process_seconds(one) for one in (pid, *children_of(pid)))


def process_seconds(pid: int) -> float:
    """CPU seconds that a process and its ended children have taken."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0  # its parent's, now
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / _TICKS
