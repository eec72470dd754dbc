"""`recorder-store serve` as a process that can be killed and started again on the same port."""

import json
import subprocess
import sys
import threading
from pathlib import Path

from sync.store.server import BODY_IDLE_SECONDS
from tests.support.ports import free_port

_END_SECONDS = 60.0
_LOG_TAIL = 4_000


class StoreProcess:
    """One store's server process.

    Args:
        directory: The store's folder.
        tls: Serve HTTPS.
        dies_at: Name of the point at which it ends by SIGKILL once (`dying_store`); None: it lives.
        head_seconds: Longest wait for a request's head.
        mqtt: URL of a broker by which units are served, too.
        body_idle_seconds: Longest stillness of an upload. A unit that lost its line need not wait for it (SY-12); a
            short one has a unit that has no turn on a busy machine send again.
    """

    def __init__(
        self,
        directory: Path,
        *,
        tls: bool = False,
        dies_at: str | None = None,
        head_seconds: float = 20.0,
        mqtt: str | None = None,
        body_idle_seconds: float = BODY_IDLE_SECONDS,
    ) -> None:
        self.directory = directory
        self._start = ["-c", "from sync.store_main import main; main()"]
        if dies_at is not None:
            self._start = ["-m", "tests.support.dying_store", dies_at, str(directory / "died")]
        self._head_seconds = head_seconds
        self._mqtt = mqtt
        self._body_idle_seconds = body_idle_seconds
        self.log = directory.with_suffix(".log")
        """Every refusal stands there."""
        self._tls = tls
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self.port = free_port()
        self.kills = 0
        self.recovered = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Number of the running process."""
        with self._lock:
            assert self._process is not None
            return self._process.pid

    def start(self) -> None:
        """Start it, and return once it takes requests."""
        command = [sys.executable, *self._start, "serve", str(self.directory)]
        options = ["--port", str(self.port), "--reserve-mb", "0"]
        options += [
            "--body-idle-seconds",
            str(self._body_idle_seconds),
            "--head-seconds",
            str(self._head_seconds),
            "-v",
        ]
        options += [] if self._mqtt is None else ["--mqtt", self._mqtt]
        tls = ["--tls"] if self._tls else []
        with self._lock, self.log.open("ab") as log:
            whole = [*command, *options, *tls]
            self._process = subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=log, text=True)
            assert self._process.stdout is not None
            said = self._process.stdout.readline()
        assert said, self.log.read_text(encoding="utf-8")[-_LOG_TAIL:]
        self.recovered += json.loads(said)["recovered"]

    def alive(self) -> bool:
        """Whether it runs."""
        with self._lock:
            return self._process is not None and self._process.poll() is None

    def died(self) -> bool:
        """Whether it has ended by itself since it was started."""
        with self._lock:
            return self._process is not None and self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        self._end(kill=True)
        self.kills += 1

    def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        return self._end(kill=False)

    def _end(self, *, kill: bool) -> int:
        with self._lock:
            process, self._process = self._process, None
        assert process is not None
        if kill:
            process.kill()
        else:
            process.terminate()
        code = process.wait(_END_SECONDS)
        assert process.stdout is not None
        process.stdout.close()
        return code
