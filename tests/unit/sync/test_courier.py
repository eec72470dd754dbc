"""The unit's side against a real store over HTTP: what is sent, what is left, what is brought back."""

import random
import socket
import sys
from pathlib import Path

import pytest
from cryptography import x509

from sealing.receipts import FIRST_PREVIOUS_RECEIPT, read_receipt, receipt_hash, receipt_key
from sealing.records import Fault
from sync import inbox
from sync.backoff import Backoff
from sync.receipt_check import check_receipt
from sync.store.content import read_pieces
from sync.unit.client import StoreClient
from sync.unit.courier import Courier, Ending, Surroundings
from sync.unit.reports import Report
from sync.unit.spool import numbers, opening, read_ended
from tests.support.chains import start_writer
from tests.support.clocks import ManualClock
from tests.support.docks import (
    StoreOnDisk,
    UnitOnDisk,
    crash_spool,
    fill_spool,
    make_unit,
    opened_store,
    served,
    write_session,
)


class Heard:
    """Remembers what was reported."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def events(self) -> list[str]:
        return [one.event for one in self.reports]


def courier(
    unit: UnitOnDisk,
    url: str,
    heard: Heard | None = None,
    clock: ManualClock | None = None,
    backoff: Backoff | None = None,
    alerts_url: str | None = None,
) -> Courier:
    certificate = x509.load_pem_x509_certificate(unit.paths.receipt_certificate.read_bytes())
    used = clock or ManualClock()
    client = StoreClient(url, unit.device_id, None, timeout_seconds=60)
    return Courier(
        Surroundings(
            paths=unit.paths,
            device_id=unit.device_id,
            client=client,
            store_key=receipt_key(certificate),
            clock=used,
            stop=used.signal(),
            draw=random.Random(1).random,
            reporter=heard or Heard(),
            backoff=backoff or Backoff(0.01, 0.1),
            alerts_client=None
            if alerts_url is None
            else StoreClient(alerts_url, unit.device_id, None, timeout_seconds=60),
        )
    )


def run_once(unit: UnitOnDisk, url: str, heard: Heard | None = None) -> Ending:
    one = courier(unit, url, heard)
    try:
        return one.run_once(patience_seconds=30)
    finally:
        one._with.client.close()


def held(store: StoreOnDisk) -> dict[str, bytes]:
    return {name.file_id: b"".join(read_pieces(store.vault.object(name))) for name in store.vault.objects()}


def test_everything_that_is_ended_is_sent_and_receipted(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    fill_spool(unit)
    with served(store) as url:
        assert run_once(unit, url) is Ending.ALL_RECEIPTED
    spool = unit.paths.spool
    assert sorted(held(store).values()) == sorted(path.read_bytes() for path in spool.glob("*.evs"))
    assert {path.name for path in unit.paths.inbox.glob("*.receipt")} == {
        inbox.receipt_name(one) for one in numbers(spool)
    }
    for path in spool.glob("*.evs"):
        receipt = (unit.paths.inbox / f"{path.stem}.receipt").read_bytes()
        check_receipt(receipt, store.receipt_certificate(), unit.device_id, path)


def test_the_open_file_is_never_sent(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-25."""
    writer = start_writer(unit.paths.spool, unit=unit.identity)
    write_session(writer, footage_files=1)
    assert read_ended(max(unit.paths.spool.glob("*.evs")), None) is not None
    writer.roll_ledger("dock")
    with served(store) as url:
        assert run_once(unit, url) is Ending.ALL_RECEIPTED
    sent = {read_receipt(path.read_bytes()).last_sequence for path in unit.paths.inbox.glob("*.receipt")}
    present = numbers(unit.paths.spool)
    ended = [one for one in present if read_ended(unit.paths.spool / f"{one:08d}.evs", None)]
    assert len(sent) == len(ended)
    writer.halt("stop")


@pytest.mark.parametrize("repeat", [False, True])
def test_a_file_that_a_crash_left_open_is_sent_with_its_torn_end(
    store: StoreOnDisk, unit: UnitOnDisk, repeat: bool
) -> None:
    """SY-25: a whole record that no later one follows does not count either."""
    crash_spool(unit, repeat=repeat)
    with served(store) as url:
        assert run_once(unit, url) is Ending.ALL_RECEIPTED
    torn = [row for row in store.ledger.files() if row["torn_bytes"]]
    assert len(torn) == 1
    number = torn[0]["file_number"]
    path, following = (unit.paths.spool / f"{one:08d}.evs" for one in (number, number + 1))
    receipt = (unit.paths.inbox / inbox.receipt_name(number)).read_bytes()
    checked = check_receipt(receipt, store.receipt_certificate(), unit.device_id, path, following)
    assert checked.size_bytes == path.stat().st_size
    assert opening(following) is not None


def test_a_second_docking_without_new_work_sends_nothing(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    fill_spool(unit)
    with served(store) as url:
        run_once(unit, url)
        heard = Heard()
        assert run_once(unit, url, heard) is Ending.ALL_RECEIPTED
    assert heard.events() == ["answered", "done"]
    assert heard.reports[-1].receipted_to == max(numbers(unit.paths.spool)), "SY-38"


def test_a_lost_inbox_is_filled_again_with_the_same_receipts(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-23."""
    fill_spool(unit)
    with served(store) as url:
        run_once(unit, url)
        first = {path.name: path.read_bytes() for path in unit.paths.inbox.glob("*.receipt")}
        for path in unit.paths.inbox.glob("*.receipt"):
            path.unlink()
        run_once(unit, url)
    assert {path.name: path.read_bytes() for path in unit.paths.inbox.glob("*.receipt")} == first


def test_receipts_are_numbered_and_chained(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-22."""
    fill_spool(unit)
    with served(store) as url:
        run_once(unit, url)
    previous = FIRST_PREVIOUS_RECEIPT
    for number, row in enumerate(store.ledger.files(unit.device_id), start=1):
        receipt = read_receipt(row["receipt"])
        assert (receipt.receipt_number, receipt.previous_receipt_hash) == (number, previous)
        previous = receipt_hash(row["receipt"])


@pytest.mark.parametrize(
    ("link", "ending"),
    [
        ('{"docked": true, "session_open": false}', Ending.ALL_RECEIPTED),
        ('{"docked": false, "session_open": false}', Ending.NOT_NOW),
        ('{"docked": true, "session_open": true}', Ending.NOT_NOW),
        ("half a fi", Ending.NOT_NOW),
    ],
)
def test_the_agent_says_when_sending_is_allowed(
    store: StoreOnDisk, unit: UnitOnDisk, link: str, ending: Ending
) -> None:
    """SY-26."""
    fill_spool(unit)
    unit.paths.link_state.write_text(link)
    with served(store) as url:
        assert run_once(unit, url) is ending
    assert bool(list(unit.paths.inbox.glob("*.receipt"))) is (ending is Ending.ALL_RECEIPTED)


def test_undocking_stops_within_one_buffer(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-26: the rest goes on later from where the store stands."""
    fill_spool(unit, footage_files=1, fragments=8, fragment_bytes=200_000)

    class Undocking(Heard):
        def report(self, report: Report) -> None:
            super().report(report)
            if report.event == "sending" and report.size_bytes and report.size_bytes > 10**6:
                unit.paths.link_state.write_text('{"docked": false, "session_open": false}')

    with served(store) as url:
        heard = Undocking()
        one = courier(unit, url, heard)
        assert one.run_once() is Ending.NOT_NOW
        large = [one for one in heard.reports if one.event == "sending" and (one.size_bytes or 0) > 10**6]
        assert len(large) == 1
        assert heard.events()[-1] == "stopped"
        unit.paths.link_state.unlink()
        assert run_once(unit, url) is Ending.ALL_RECEIPTED


def test_the_spool_is_left_as_it_is(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-27."""
    fill_spool(unit)
    spool = unit.paths.spool
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in spool.iterdir()}
    spool.chmod(0o550)
    with served(store) as url:
        run_once(unit, url)
    spool.chmod(0o750)
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in spool.iterdir()} == before


def test_content_that_does_not_verify_is_parked_and_the_rest_goes_on(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-14, SY-16: the unit is not stuck and the content is not dropped."""
    fill_spool(unit)
    victim = unit.paths.spool / "00000002.evs"
    data = bytearray(victim.read_bytes())
    data[-2000] ^= 1
    victim.write_bytes(data)
    heard = Heard()
    with served(store) as url:
        assert run_once(unit, url, heard) is Ending.SOME_REFUSED
    assert heard.events().count("waiting") == 2
    parked = store.ledger.parked(unit.device_id)
    assert [one.code for one in parked] == ["payload"]
    assert next((store.directory / "parked").rglob("*.evs")).read_bytes() == bytes(data)
    assert len(list(unit.paths.inbox.glob("*.receipt"))) == len(numbers(unit.paths.spool)) - 1


def test_a_rejected_receipt_is_not_asked_for_again(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-29."""
    fill_spool(unit)
    rejected = unit.paths.rejected
    rejected.mkdir()
    (rejected / inbox.receipt_name(1)).write_bytes(b"bad")
    with served(store) as url:
        assert run_once(unit, url) is Ending.SOME_REFUSED
    assert not (unit.paths.inbox / inbox.receipt_name(1)).exists()


def test_attempts_go_on_while_there_is_no_store(unit: UnitOnDisk) -> None:
    """SY-20: waits grow, never longer than the cap; only the caller's patience ends it."""
    fill_spool(unit)
    heard = Heard()
    assert run_once(unit, "http://127.0.0.1:9", heard) is Ending.GAVE_UP
    waits = [one.seconds for one in heard.reports if one.event == "waiting"]
    assert len(waits) > 20
    assert max(wait for wait in waits if wait is not None) <= 0.1


def test_one_attempt_is_made_however_little_time_there_is(unit: UnitOnDisk) -> None:
    """SY-20: a machine that takes long to look through the spool has not tried yet."""
    fill_spool(unit)
    heard = Heard()
    assert courier(unit, "http://127.0.0.1:9", heard).run_once(patience_seconds=-1) is Ending.GAVE_UP
    assert heard.events().count("waiting") == 1


def test_an_alert_does_not_wait_for_the_line_of_the_files(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-33, SY-20: what happens during a long wait is told within it."""
    fill_spool(unit)
    writer, clock = start_writer(unit.paths.spool, unit=unit.identity), ManualClock()
    seconds: dict[str, float] = {}

    class Failing(Heard):
        def report(self, report: Report) -> None:
            super().report(report)
            seconds[report.event] = clock.boottime_ns() / 1e9
            if report.event == "waiting" and self.events().count("waiting") == 1:
                writer.seal(Fault("camera", "gone", present=True))

    heard = Failing()
    with served(store) as url:
        waiting = courier(unit, "http://127.0.0.1:9", heard, clock, Backoff(1_000, 1_000), url)
        assert waiting.run_once(patience_seconds=1) is Ending.GAVE_UP
    assert heard.events().count("waiting") == 1
    assert 0 < seconds["alert-told"] - seconds["waiting"] < 5


def test_a_unit_that_is_not_enrolled_waits(store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    """SY-2."""
    with opened_store(tmp_path / "other") as other:
        stranger = make_unit(other.authority, other.ledger, tmp_path / "stranger", "unit-0002")
    fill_spool(stranger)
    heard = Heard()
    with served(store) as url:
        assert run_once(stranger, url, heard) is Ending.GAVE_UP
    assert not list(stranger.paths.inbox.iterdir())
    assert not held(store)


def test_a_hurried_line_is_neither_paced_nor_served_last(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-41: at once, on the connection that is open, and on every later one until there is time again."""
    fill_spool(unit)
    file = read_ended(unit.paths.spool / "00000001.evs", None)
    assert file is not None
    with served(store) as url:
        client = StoreClient(url, unit.device_id, None, rate_bytes_per_second=50_000, timeout_seconds=60)

        def line() -> tuple[int, int]:
            client.head(file)
            connection = client._connection
            assert connection is not None
            pace = connection.sock.getsockopt(socket.SOL_SOCKET, 47, 4)
            return int.from_bytes(pace, sys.byteorder), connection.sock.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)

        client.create(file)
        assert line() == (50_000, 0x20)
        client.hurry(wanted=True)
        assert line() == (0xFFFF_FFFF, 0)
        client.close()
        assert line() == (0xFFFF_FFFF, 0)
        client.hurry(wanted=False)
        assert line() == (50_000, 0x20)
        client.close()
