"""One small exchange, broken at every byte of both directions: nothing lost, nothing twice, no false receipt."""

import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from cryptography import x509

from sealing.receipts import receipt_key
from sync import inbox
from sync.backoff import Backoff
from sync.receipt_check import check_receipt
from sync.store.schema import contacts, epochs, files, held, log_leaves, log_nodes, noted, openings
from sync.store.vault import Name
from sync.unit.client import StoreClient
from sync.unit.courier import Courier, Ending, Surroundings
from sync.unit.reports import Quiet
from sync.unit.spool import SealedFile, read_ended
from tests.support.chains import start_writer
from tests.support.clocks import ManualClock
from tests.support.cutting_proxy import Cut, CuttingProxy, Way
from tests.support.docks import StoreOnDisk, UnitOnDisk, make_unit, opened_store, served

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

STRIDE = 17
"""In `make test` every seventeenth byte, from another one on for each direction; every byte in `make soak`."""


class Bench:
    """One unit with one small file, a store, and a line between them that can be cut."""

    def __init__(self, store: StoreOnDisk, unit: UnitOnDisk, proxy: CuttingProxy) -> None:
        self.store, self.unit, self.proxy = store, unit, proxy
        found = read_ended(unit.paths.spool / "00000001.evs", None)
        assert found is not None
        self.file: SealedFile = found
        self.name = Name(unit.device_id, found.file_id.hex())
        self.content = found.path.read_bytes()
        certificate = x509.load_pem_x509_certificate(unit.paths.receipt_certificate.read_bytes())
        self._key = receipt_key(certificate)

    def forget(self) -> None:
        """Both ends as before the exchange."""
        for path in self.unit.paths.inbox.iterdir():
            path.unlink()
        with self.store.ledger.transaction() as connection:
            for table in (files, openings, noted, epochs, held, contacts, log_leaves, log_nodes):
                connection.execute(sa.delete(table))
        self.store.vault.object(self.name).unlink(missing_ok=True)
        self.store.vault.forget(self.name)

    def carry(self) -> Ending:
        """The unit's own loop."""
        clock = ManualClock()
        client = StoreClient(self.proxy.url, self.unit.device_id, None, timeout_seconds=20)
        courier = Courier(
            Surroundings(
                paths=self.unit.paths,
                device_id=self.unit.device_id,
                client=client,
                store_key=self._key,
                clock=clock,
                stop=clock.signal(),
                draw=random.Random(1).random,
                reporter=Quiet(),
                backoff=Backoff(0.001, 0.01),
            )
        )
        try:
            return courier.run_once(60)
        finally:
            client.close()

    def check(self) -> None:
        """Once in the store, byte for byte; the receipt is the stored one and agrees with the unit's own disk."""
        (row,) = self.store.ledger.files()
        assert self.store.vault.object(self.name).read_bytes() == self.content
        receipt = (self.unit.paths.inbox / inbox.receipt_name(1)).read_bytes()
        assert receipt == row["receipt"]
        check_receipt(receipt, self.store.receipt_certificate(), self.unit.device_id, self.file.path)
        assert not self.store.ledger.parked()
        assert not list((self.store.directory / "incoming").rglob("*.part"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        start_writer(unit.paths.spool, unit=unit.identity).halt("stop")
        with served(store) as url, CuttingProxy(urlsplit(url).port or 0) as proxy:
            yield Bench(store, unit, proxy)


def lengths(bench: Bench) -> dict[Way, int]:
    """Bytes of a whole exchange."""
    whole = Cut(Way.UP, 1 << 62)
    bench.proxy.arm(whole)
    assert bench.carry() is Ending.ALL_RECEIPTED
    bench.check()
    return dict(whole.seen)


def cut_at(bench: Bench, way: Way, positions: range, *, flip: bool = False) -> int:
    """Break one exchange at each position; gives how many were really broken."""
    broken = 0
    for position in positions:
        bench.forget()
        cut = Cut(way, position, reset=bool(position % 2), flip=flip)
        bench.proxy.arm(cut)
        assert bench.carry() is Ending.ALL_RECEIPTED, (way, position)
        bench.check()
        broken += cut.done
    return broken


@pytest.mark.parametrize("way", list(Way))
def test_cut_at_bytes_of_a_small_exchange(bench: Bench, way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    """SY-8, SY-11, SY-13, SY-19, SY-20, SY-23."""
    length = lengths(bench)[way]
    broken = cut_at(bench, way, range(3, length, STRIDE))
    _say(capsys, f"{way.value}: {length} bytes, cut at {broken}")
    assert broken >= length // STRIDE - 20


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", list(Way))
def test_cut_at_every_byte_of_a_small_exchange(bench: Bench, way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    """SY-8, SY-11, SY-13, SY-19, SY-20, SY-23."""
    length = lengths(bench)[way]
    broken = cut_at(bench, way, range(length))
    _say(capsys, f"{way.value}: {length} bytes, cut at {broken}")


def test_a_bit_that_turns_over_in_the_content_is_found_and_sent_again(bench: Bench) -> None:
    """SY-14."""
    length = lengths(bench)[Way.UP]
    sent = bytes(bench.proxy.upwards)
    begin = sent.index(b"\r\n\r\n", sent.index(b"PATCH ")) + 4
    end = begin + bench.file.size_bytes
    assert sent[begin:end] == bench.content
    assert end < length
    positions = range(begin, end, 61)
    assert cut_at(bench, Way.UP, positions, flip=True) == len(positions)


def test_a_request_that_arrives_twice_changes_nothing(bench: Bench) -> None:
    """SY-6, SY-9, SY-12: the whole exchange once more, byte for byte, as a bad line repeats it."""
    lengths(bench)
    repeated = bytes(bench.proxy.upwards)
    before = bench.store.ledger.files()[0]["receipt"]
    with socket.create_connection(("127.0.0.1", bench.proxy.store_port), timeout=60) as line:
        line.sendall(repeated)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65_536):
            continue
    assert bench.store.ledger.files()[0]["receipt"] == before
    bench.check()


def _say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")
