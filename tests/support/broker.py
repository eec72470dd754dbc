"""Private mosquitto processes on free ports, which can be killed and started again."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from hal.drivers.system_clock import SystemClock
from sync.store import broker
from sync.store.authority import CA_CERTIFICATE, Authority
from tests.support.docks import today
from tests.support.ports import free_port

HOST = "127.0.0.1"
_READY_SECONDS = 60.0
_PLAIN = "allow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
"""A stock broker without TLS and ACL, for tests that are about something else."""


def mosquitto_program() -> str:
    """The path of mosquitto; skips the test where there is none, but not in continuous integration."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("mosquitto is missing; .ci/system-packages broker installs it")
        pytest.skip("mosquitto is not installed; `make setup` as root installs it")
    return found


class Broker:
    """One broker process; what it is told to remember, it forgets at its end.

    Args:
        folder: Holds `mosquitto.conf`.
        port: Where its configuration has it listen.
        tls: Whether it asks for certificates.
    """

    def __init__(self, folder: Path, port: int, *, tls: bool) -> None:
        self.folder = folder
        self.port = port
        self.tls = tls
        self.log = folder / "mosquitto.log"
        """What it says on stderr; refusals stand there."""
        self.kills = 0
        self._program = mosquitto_program()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Number of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return once it takes connections."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self.folder / broker.CONFIGURATION)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        clock = SystemClock()
        never, begun_ns = clock.signal(), clock.boottime_ns()
        while not _listens(self.port):
            assert self._process.poll() is None, self.log.read_text()
            assert clock.boottime_ns() - begun_ns < _READY_SECONDS * 1e9, self.log.read_text()
            clock.wait(never, 0.01)

    def kill(self) -> None:
        """SIGKILL: everything that it held is gone."""
        self._end(signal.SIGKILL)
        self.kills += 1

    def stop(self) -> int:
        """SIGTERM; gives the exit code. Idempotent."""
        return self._end(signal.SIGTERM)

    def peak_bytes(self) -> int:
        """The most memory that the process ever had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(one for one in status.splitlines() if one.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def cpu_seconds(self) -> float:
        """Time of the processor that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(_READY_SECONDS)


@contextmanager
def plain_broker(folder: Path, settings: Sequence[str] = ()) -> Iterator[Broker]:
    """A running broker without TLS or ACL: stock settings, and those given (`max_queued_messages 10`)."""
    one = Broker(folder, free_port(), tls=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / broker.CONFIGURATION).write_text(f"{_PLAIN}listener {one.port} {HOST}\n")
    add_settings(folder, settings)
    with running(one):
        yield one


@contextmanager
def agency_broker(authority: Authority, folder: Path, settings: Sequence[str] = ()) -> Iterator[Broker]:
    """A running broker as it is shipped: mutual TLS by the agency's CA, the ACL; makes the store's end, too."""
    one = Broker(folder, free_port(), tls=True)
    folder.mkdir(parents=True, exist_ok=True)
    broker.make_client(authority, today())
    broker.write_broker(authority, folder, ("localhost", HOST), one.port, today())
    add_settings(folder, settings)
    with running(one):
        yield one


def add_settings(folder: Path, settings: Sequence[str] = ()) -> None:
    """Add lines to a broker's configuration, and what root needs: mosquitto becomes another user, who reads no test."""
    user = ["user root"] if os.geteuid() == 0 else []
    with (folder / broker.CONFIGURATION).open("a") as file:
        file.writelines(f"{line}\n" for line in [*user, *settings])


@contextmanager
def running(one: Broker) -> Iterator[Broker]:
    """A broker between start and end."""
    one.start()
    try:
        yield one
    finally:
        one.stop()


def client_tls(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """A client's end: TLS 1.3, the agency's CA alone."""
    context = ssl.create_default_context(cafile=str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    return context


def store_tls(authority: Authority) -> ssl.SSLContext:
    """The store's end of a line to the broker."""
    own = authority.trust / broker.CLIENT_CERTIFICATE
    return client_tls(authority.trust / CA_CERTIFICATE, own, authority.keys / broker.CLIENT_KEY)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
