"""Who holds lines without using them, who comes with another time, and what others notice of it: nothing."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from hal.drivers.system_clock import SystemClock
from sealing.receipts import receipt_key
from sync import inbox
from sync.store.authority import TLS_CERTIFICATE, create_authority
from sync.store.certificates import issue, server_wanted
from sync.store.settings import StoreSettings, save_settings
from sync.unit.client import LinkError, StoreClient, tls_context
from sync.unit.courier import Ending
from sync.unit.spool import read_ended
from sync.unit.wrong_clock import is_about_dates
from sync.witness import verify_time
from tests.support.docks import STORE_ID, UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.store_process import StoreProcess
from tests.system.sync.test_chaos import carry, check_nothing_lost

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

RESERVE = 200
"""File descriptors that a test process and a store need for themselves."""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[StoreProcess]:
    with opened_store(tmp_path / "store"):
        pass
    served = StoreProcess(tmp_path / "store")
    served.start()
    yield served
    assert served.stop() == os.EX_OK


@pytest.fixture
def unit(tmp_path: Path, process: StoreProcess) -> UnitOnDisk:
    with opened_store(tmp_path / "store") as store:
        made = make_unit(store.authority, store.ledger, tmp_path / "unit")
    fill_spool(made)
    return made


def idle_lines(process: StoreProcess, count: int, begin: bytes, stack: ExitStack) -> int:
    """Open lines that say no more than a beginning; gives how many the machine allowed."""
    for number in range(count):
        try:
            line = stack.enter_context(socket.create_connection(("127.0.0.1", process.port), timeout=60))
            line.sendall(begin)
        except OSError:
            return number
    return count


@pytest.mark.parametrize("begin", [b"", b"PATCH /v1/unit-0001/files/"], ids=["silent", "slow-loris"])
@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_idle_lines_harm_nobody(
    tmp_path: Path,
    process: StoreProcess,
    unit: UnitOnDisk,
    count: int,
    begin: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SY-12, SY-20: ten thousand, or as many as the limit of open files lets one process have."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVE
    wanted = min(count, allowed)
    with ExitStack() as lines:
        opened = idle_lines(process, wanted, begin, lines)
        assert carry(unit, process.url, seed=1) is Ending.ALL_RECEIPTED
    with capsys.disabled():
        sys.stdout.write(f"\n{opened} idle lines of {count} wanted; this process may have {allowed}\n")
    assert opened == wanted
    check_nothing_lost(tmp_path / "store", unit)


@pytest.fixture
def future(tmp_path: Path) -> Iterator[tuple[UnitOnDisk, StoreProcess]]:
    """A store whose TLS certificate begins in ten years: what a unit sees whose clock has fallen back."""
    folder = tmp_path / "store"
    folder.mkdir()
    now = datetime.fromtimestamp(SystemClock().read().utc_ns // 10**9, UTC)
    authority = create_authority(folder, STORE_ID, ("localhost", "127.0.0.1"), now)
    save_settings(folder, StoreSettings(store_id=STORE_ID, url="https://localhost:8370"))
    key = authority.key("tls").public_key()
    later = issue(authority.issuer(), key, server_wanted(("localhost", "127.0.0.1")), now + timedelta(days=3650))
    (authority.trust / TLS_CERTIFICATE).write_bytes(later.public_bytes(Encoding.PEM))
    with opened_store(folder) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
    fill_spool(unit)
    served = StoreProcess(folder, tls=True)
    served.start()
    yield unit, served
    assert served.stop() == os.EX_OK


def test_a_unit_with_a_wrong_clock_gets_the_stores_time(
    future: tuple[UnitOnDisk, StoreProcess], tmp_path: Path
) -> None:
    """SY-35: signed by the receipt key, for this unit and this question; nothing else passes without its dates."""
    unit, process = future
    file = read_ended(unit.paths.spool / "00000001.evs", None)
    assert file is not None
    dated = StoreClient(process.url, unit.device_id, tls_context(unit.paths), timeout_seconds=60)
    with pytest.raises(LinkError) as failed:
        dated.head(file)
    assert is_about_dates(failed.value)
    command = [sys.executable, "-c", "from sync.unit_main import main; main()", "--config", str(unit.config)]
    options = ["--store", process.url, "--once", "--give-up-after", "250"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as sending:
        assert sending.stdout is not None
        assert any('"event": "time"' in line for line in sending.stdout)
        heard_utc_ns = SystemClock().read().utc_ns
        sending.terminate()
        assert sending.wait(60) == os.EX_TEMPFAIL
    with opened_store(tmp_path / "store") as store:
        key = receipt_key(store.receipt_certificate())
    token = verify_time((unit.paths.inbox / inbox.TIME_NAME).read_bytes(), key)
    assert token.device_id == unit.device_id
    assert abs(token.utc_ns - heard_utc_ns) < 60 * 10**9
    assert not list(unit.paths.inbox.glob("*.receipt"))
