"""A private PostgreSQL that can be killed and started again: its own folder, a free port, nobody else's."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.support.ports import free_port

_STARTING_SECONDS = 90.0
_MAKING_SECONDS = 300.0
_USER = "recorder"


def program(name: str) -> str:
    """Debian keeps the server's programs off the PATH."""
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    assert found is not None, f"{name} is missing: apt-get install postgresql"
    return found


class PrivatePostgres:
    """One server.

    Args:
        folder: Where it keeps its data; it has to be reachable for `owner`.
        owner: Who runs it, for PostgreSQL never runs as root; None: who runs the test.
    """

    def __init__(self, folder: Path, owner: str | None) -> None:
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._owner = owner
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.kills = 0
        command = [program("initdb"), "-D", str(self._data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, user=owner, cwd=folder, timeout=_MAKING_SECONDS)

    @property
    def pid_file(self) -> Path:
        """Its first line is the running server's number."""
        return self._data / "postmaster.pid"

    def start(self) -> None:
        """Start it, and return once it answers."""
        waiting = threading.Event()
        self._process = self._begun()
        for _ in range(round(_STARTING_SECONDS / 0.05)):
            if self._answers():
                return
            if self.died():
                # Whoever was killed with the server before may hold its memory for a moment longer.
                self._process = self._begun()
            waiting.wait(0.05)
        raise AssertionError(self._log.read_text())

    def _begun(self) -> subprocess.Popen[bytes]:
        given = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
        }
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            command = [program("postgres"), "-D", str(self._data), *options]
            return subprocess.Popen(command, stdout=log, stderr=log, user=self._owner, cwd=self._data)

    def died(self) -> bool:
        """Whether it has ended by itself, or by somebody else."""
        return self._process is not None and self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL to all of its processes: no checkpoint, nothing said."""
        assert self._process is not None
        if not self.died():
            kill_all(self._process.pid)
        self._process.wait(60)
        self.kills += 1

    def stop(self) -> None:
        """End it; nobody wants its data any more."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def database(self, name: str) -> str:
        """Make a database; gives its URL."""
        with psycopg.connect(self._address(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def _address(self) -> str:
        return f"host=127.0.0.1 port={self.port} user={_USER} dbname=postgres connect_timeout=2"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address()).close()
        except psycopg.OperationalError:
            return False
        return True


def kill_all(postmaster: int) -> None:
    """SIGKILL to a postmaster and its children; it stands still while they are counted, for it has more at any time."""
    _signal(postmaster, signal.SIGSTOP)
    for pid in (*children_of(postmaster), postmaster):
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def children_of(parent: int) -> list[int]:
    """Processes that a process has started."""
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if parent_of(path) == parent]


def parent_of(stat: Path) -> int | None:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """A server, running; its folder is removed behind it."""
    owner = _somebody_else() if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="recorder-postgres-"))
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        server = PrivatePostgres(folder, owner)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _somebody_else() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
