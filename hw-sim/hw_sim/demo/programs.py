"""The project's commands as programs: found, run, started, stopped.

Rules of this module: commands are those of the environment that the simulator runs in; what they say goes to files of
the work folder; nothing that was started is left running.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hw_sim.demo.errors import CommandFailedError, LateError
from hw_sim.pacer import real_ns

_NS = 1_000_000_000
_LOOK_SECONDS = 0.05
_STOP_SECONDS = 120.0
"""An agent on a busy machine ends in order, and writes down what really happened."""
_TOLD_LINES = 6


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ran to its end."""

    exit_code: int
    output: str
    errors: str


class Programs:
    """Runs the commands.

    Args:
        logs: Folder for what they say.
        environment: Variables that they get beside those of this process.
    """

    def __init__(self, logs: Path, environment: Mapping[str, str] | None = None) -> None:
        self._logs = logs
        self._environment = dict(os.environ) | dict(environment or {})

    def run(self, *command: str | Path, expected: tuple[int, ...] = (0,)) -> Finished:
        """Run a command to its end.

        Raises:
            CommandFailedError: It is not there, or ended with another exit code than expected.
        """
        line = [program(str(command[0])), *map(str, command[1:])]
        done = subprocess.run(
            line, capture_output=True, text=True, check=False, env=self._environment, encoding="utf-8"
        )
        with (self._logs / "commands.log").open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(line)}\n{done.stderr}[{done.returncode}]\n")
        if done.returncode not in expected:
            raise CommandFailedError(_told(command, done.returncode, done.stderr or done.stdout))
        return Finished(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, name: str, *command: str | Path) -> Iterator[Running]:
        """Start a command and stop it in the end."""
        running = self.start(name, *command)
        try:
            yield running
        finally:
            running.stop()

    def start(self, name: str, *command: str | Path, line_wise: bool = False) -> Running:
        """Start a command; its words go to `<name>.log`, results to `<name>.out` or, line-wise, to the caller."""
        line = [program(str(command[0])), *map(str, command[1:])]
        with (
            (self._logs / f"{name}.log").open("ab") as log,
            (self._logs / f"{name}.out").open("ab") as out,
        ):
            process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if line_wise else out,
                stderr=log,
                # A break at the keyboard is the demo's to handle: a unit that is struck down first cannot seal.
                start_new_session=True,
                env=self._environment,
            )
        return Running(name, process, self._logs / f"{name}.log", self._logs / f"{name}.out")


class Running:
    """A command that goes on.

    Args:
        name: What messages call it.
        process: Its process.
        log: Where its words go.
        out: Where its results go.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, out: Path) -> None:
        self.name = name
        self.out = out
        self._process = process
        self._log = log

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def lines(self) -> Iterator[str]:
        """Its results line by line until it ends; only of one that was started line-wise."""
        if self._process.stdout is not None:
            with self._process.stdout as results:
                for line in results:
                    yield line.decode(errors="replace")
        self._process.wait()

    def stop(self, patience_seconds: float = _STOP_SECONDS) -> int:
        """End it in order (SIGTERM), by force when it does not end; gives its exit code. Idempotent."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def failed(self, what: str) -> CommandFailedError:
        """An error that says what it said last."""
        words = self._log.read_text(encoding="utf-8", errors="replace")
        return CommandFailedError(f"{self.name}: {what}; all of its words are in {self._log}\n{_last(words)}")


def program(name: str) -> str:
    """Path of a command of this environment.

    Raises:
        CommandFailedError: It is not installed.
    """
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise CommandFailedError(f"the command {name} is not installed here; run `make demo`, which sets it up")
    return found


def wait_until(
    done: Callable[[], bool], limit_seconds: float, what: str, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Look again and again until something is so.

    Args:
        done: Whether it is so.
        limit_seconds: Longest wait, in real time.
        what: What is waited for, for the message.
        meanwhile: Called at every look.

    Raises:
        LateError: It did not happen in time.
    """
    begun_ns, pause = real_ns(), threading.Event()
    while not done():
        meanwhile()
        if real_ns() - begun_ns > limit_seconds * _NS:
            raise LateError(f"{what} did not happen within {limit_seconds:g} s")
        pause.wait(_LOOK_SECONDS)
    meanwhile()


def _told(command: tuple[str | Path, ...], code: int, words: str) -> str:
    shown = " ".join(str(part) for part in command)
    return f"`{shown}` ended with exit code {code}\n{_last(words)}"


def _last(words: str) -> str:
    return "\n".join(f"    {line}" for line in words.strip().splitlines()[-_TOLD_LINES:])
