"""What the main thread lives by: heartbeats, the service manager, the log, the self-test, the lock."""

import contextlib
import io
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent import selftest
from agent.errors import RefusedError, SpoolError
from agent.journal import JournalFormatter, JournalHandler, MessageId, as_event, set_up_logging
from agent.last_end import LAST_END, take_watchdog_end
from agent.lock import only_agent
from agent.selftest import SelfTestError, check_cryptography
from agent.supervision import health_of
from hal.notify import Notifier

SECOND = 10**9


@dataclass
class Thread:
    name: str
    last_beat_ns: int
    alive: bool = True
    allowance_seconds: float = 5.0


def test_a_thread_within_its_allowance_is_well() -> None:
    health = health_of([Thread("writer", 0, allowance_seconds=20), Thread("camera", 16 * SECOND)], 20 * SECOND)
    assert health.good


def test_a_silent_thread_and_one_that_ended_are_named() -> None:
    threads = [Thread("writer", 0), Thread("camera", 10 * SECOND, alive=False), Thread("voice", 20 * SECOND)]
    health = health_of(threads, 20 * SECOND)
    assert (health.stalled, health.ended) == (("writer",), ("camera",))
    assert not health.good


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(1)
        yield listening


def said(manager: socket.socket, count: int) -> list[str]:
    return [manager.recv(1000).decode() for _ in range(count)]


def waiting_for(manager: socket.socket) -> list[bytes]:
    """All that it was told and has not heard yet."""
    found: list[bytes] = []
    manager.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(manager.recv(1000))
    return found


def test_the_service_manager_is_told(manager: socket.socket, tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"})
    assert notifier.watchdog_seconds == 30
    notifier.ready()
    notifier.status("idle")
    notifier.status("idle")
    notifier.alive()
    notifier.stopping()
    assert said(manager, 4) == ["READY=1", "STATUS=idle", "WATCHDOG=1", "STOPPING=1"]


def test_a_status_that_nobody_took_is_said_again(manager: socket.socket, tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"})
    fill = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    for number in range(5_000):
        fill.status(str(number))
    notifier.status("idle")
    assert b"STATUS=idle" not in waiting_for(manager)
    notifier.status("idle")
    notifier.status("idle")
    assert waiting_for(manager) == [b"STATUS=idle"]


def test_an_abstract_address_is_understood() -> None:
    name = f"recorder-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(1)
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert said(listening, 1) == ["READY=1"]


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}],
)
def test_a_watchdog_that_is_not_for_this_process_is_not_fed(environment: dict[str, str]) -> None:
    notifier = Notifier(environment)
    assert notifier.watchdog_seconds is None
    notifier.alive()


def test_a_manager_that_does_not_listen_holds_nobody_up(tmp_path: Path, manager: socket.socket) -> None:
    full = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    for number in range(5_000):
        full.status(str(number))
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
    assert manager.recv(100) == b"STATUS=0"


def logged(environment: dict[str, str]) -> str:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        set_up_logging(environment, logging.INFO, stream)
        logging.getLogger("writer").warning("the medium\nfails")
        logging.getLogger("writer").debug("unheard")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    return stream.getvalue()


def test_every_line_carries_its_priority_where_the_journal_reads() -> None:
    assert logged({"JOURNAL_STREAM": "8:1"}) == "<4>writer: the medium\n<4>fails\n"


def test_an_event_goes_to_the_journal_with_its_message_id(tmp_path: Path) -> None:
    stream = io.StringIO()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        journal.settimeout(1)
        handler = JournalHandler(stream, tmp_path / "journal")
        handler.handle(event("ready:\nunit-7"))
        sent = journal.recv(1000)
    text = b"recorder: ready:\nunit-7"
    assert b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\n" in sent
    assert b"MESSAGE_ID\n" + (32).to_bytes(8, "little") + MessageId.READY.encode() + b"\n" in sent
    assert b"PRIORITY\n" + (1).to_bytes(8, "little") + b"6\n" in sent
    assert stream.getvalue() == ""


def test_an_event_is_a_line_where_the_journal_cannot_be_reached(tmp_path: Path) -> None:
    stream = io.StringIO()
    handler = JournalHandler(stream, tmp_path / "nobody")
    handler.setFormatter(JournalFormatter("%(message)s"))
    handler.handle(event("ready"))
    assert stream.getvalue() == "<6>recorder: ready\n"


def event(text: str) -> logging.LogRecord:
    return logging.getLogger().makeRecord(
        "recorder", logging.INFO, __file__, 1, text, (), None, extra=as_event(MessageId.READY)
    )


def test_lines_are_plain_elsewhere() -> None:
    assert logged({}) == "WARNING writer: the medium\nfails\n"


def test_the_cryptography_of_this_machine_gives_the_published_answers() -> None:
    check_cryptography()


def test_a_wrong_answer_or_an_error_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "_ed25519", lambda: False)
    with pytest.raises(SelfTestError, match=r"Ed25519.*wrong answer"):
        check_cryptography()

    def broken() -> bool:
        AESGCM(bytes(32)).decrypt(bytes(12), bytes(32), None)
        return True

    monkeypatch.setattr(selftest, "_aes_gcm", broken)
    with pytest.raises(SelfTestError, match=r"AES-256-GCM.*failed"):
        check_cryptography()


def test_one_agent_for_one_unit(tmp_path: Path) -> None:
    with only_agent(tmp_path), pytest.raises(RefusedError, match="an agent runs on it"), only_agent(tmp_path):
        pass
    with only_agent(tmp_path):
        pass


def test_a_state_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="nowhere"), only_agent(tmp_path / "nowhere"):
        pass


@pytest.mark.parametrize(
    ("word", "is_watchdog"), [("watchdog", True), ("watchdog\n", True), ("signal", False), ("", False)]
)
def test_how_the_service_manager_saw_the_last_end_is_taken_once(tmp_path: Path, word: str, is_watchdog: bool) -> None:
    assert not take_watchdog_end(tmp_path)
    (tmp_path / LAST_END).write_text(word, encoding="utf-8")
    assert take_watchdog_end(tmp_path) is is_watchdog
    assert not take_watchdog_end(tmp_path)


def test_a_word_that_cannot_be_read_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / LAST_END).mkdir()
    assert not take_watchdog_end(tmp_path)


LOCK = """
import resource
from agent.memory import lock_memory
{before}
lock_memory()
print([line for line in open("/proc/self/status") if line.startswith("VmLck")])
"""


def locked(before: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LOCK.format(before=before)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may lock beyond the limit")
def test_memory_is_locked_as_it_comes_to_be_used() -> None:
    done = locked("resource.getrlimit = lambda _: (resource.RLIM_INFINITY,) * 2")
    assert done.returncode == 0, done.stderr
    assert "VmLck" in done.stdout
    assert int(done.stdout.split()[1]) > 0


def test_memory_is_not_locked_up_to_a_limit_that_would_end_the_recording() -> None:
    done = locked("resource.setrlimit(resource.RLIMIT_MEMLOCK, (4096, 4096))")
    assert done.returncode != 0
    assert "4096 bytes; LimitMEMLOCK=infinity" in done.stderr
