"""The control socket: requests in, answers or refusals out, and nothing that could stop a recording."""

import os
import socket
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

from agent import control
from agent.control import CONNECTIONS_MAX, ControlSocket
from agent.control_client import AgentRefusedError, ask
from agent.control_wire import (
    LINE_BYTES_MAX,
    CheckoutRequest,
    OfficerEntry,
    Request,
    StatusRequest,
    read_reply,
    read_request,
    to_line,
)
from agent.errors import AssignmentError, ControlError, SpoolError
from capture.errors import RecorderBusyError

CHECKOUT = CheckoutRequest(officers=(OfficerEntry(name="张某", certificate_number="A001"),))


class Answers:
    """A handler that answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.error: Exception | None = None

    def __call__(self, request: Request) -> Mapping[str, JsonValue]:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        return {"command": request.command}


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def path(tmp_path: Path, answers: Answers) -> Iterator[Path]:
    opened = ControlSocket(tmp_path / "control.sock", answers, silence_seconds=600)
    opened.start()
    yield tmp_path / "control.sock"
    opened.stop()


def raw(path: Path, *lines: bytes) -> list[bytes]:
    """Send lines over one connection, and read an answer to each."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(60)
        link.connect(str(path))
        with link.makefile("rwb") as file:
            said = []
            for line in lines:
                file.write(line)
                file.flush()
                said.append(file.readline())
    return said


def test_a_request_is_answered_and_reaches_the_handler_whole(path: Path, answers: Answers) -> None:
    assert ask(path, CHECKOUT, 60) == {"command": "checkout"}
    assert answers.asked == [CHECKOUT]


def test_owner_and_group_alone_may_ask(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_several_requests_go_over_one_connection(path: Path) -> None:
    first, second = raw(path, to_line(StatusRequest()), to_line(CHECKOUT))
    assert read_reply(first).result == {"command": "status"}
    assert read_reply(second).result == {"command": "checkout"}


@pytest.mark.parametrize(
    ("error", "code"),
    [(AssignmentError("no officers"), 64), (RecorderBusyError("recording"), 75), (ControlError("no"), 69)],
)
def test_a_refusal_carries_words_and_exit_code(path: Path, answers: Answers, error: Exception, code: int) -> None:
    answers.error = error
    with pytest.raises(AgentRefusedError, match=str(error)) as caught:
        ask(path, StatusRequest(), 60)
    assert caught.value.exit_code == code


def test_a_bug_behind_one_request_leaves_the_socket_for_the_next(path: Path, answers: Answers) -> None:
    answers.error = ZeroDivisionError("of all things")
    with pytest.raises(AgentRefusedError) as caught:
        ask(path, StatusRequest(), 60)
    assert caught.value.exit_code == os.EX_SOFTWARE
    answers.error = None
    assert ask(path, StatusRequest(), 60) == {"command": "status"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"hello\n", "Invalid JSON"),
        (b"{}\n", "discriminator"),
        (b'{"command": "stop"}\n', "does not match"),
        (b'{"command": "mute"}\n', "does not match"),
        (b'{"command": "status", "now": true}\n', "status.now"),
        (b'{"command": "checkout", "officers": [{"name": "x"}]}\n', "certificate_number"),
        (b'{"command": "checkout", "officers": [{"name": "x", "certificate_number": "a b"}]}\n', "a blank is in it"),
        (b'{"command": "checkout", "officers": [{"name": "x\\u200b", "certificate_number": "a"}]}\n', "invisible"),
    ],
)
def test_what_is_no_request_is_refused_and_told_why(path: Path, answers: Answers, line: bytes, words: str) -> None:
    (said,) = raw(path, line)
    refusal = read_reply(said).refusal
    assert refusal is not None
    assert words in refusal.message
    assert refusal.code == os.EX_UNAVAILABLE
    assert answers.asked == []


def test_a_line_without_end_is_cut_off_and_refused(path: Path, answers: Answers) -> None:
    said = raw(path, b"x" * (LINE_BYTES_MAX + 1))
    assert read_reply(said[0]).refusal is not None
    assert answers.asked == []


def test_more_connections_than_allowed_are_closed_at_once(path: Path) -> None:
    held = [socket.socket(socket.AF_UNIX) for _ in range(CONNECTIONS_MAX)]
    try:
        for link in held:
            link.settimeout(60)
            link.connect(str(path))
            link.sendall(to_line(StatusRequest()))
            assert link.recv(LINE_BYTES_MAX)
        with pytest.raises(ControlError, match=r"broke off|no agent answers"):
            ask(path, StatusRequest(), 60)
    finally:
        for link in held:
            link.close()


def test_it_ends_while_connections_are_open(tmp_path: Path, answers: Answers) -> None:
    opened = ControlSocket(tmp_path / "c.sock", answers)
    opened.start()
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(60)
        link.connect(str(tmp_path / "c.sock"))
        link.sendall(to_line(StatusRequest()))
        assert link.recv(LINE_BYTES_MAX)
        opened.stop()
        assert link.recv(LINE_BYTES_MAX) == b""
    assert not (tmp_path / "c.sock").exists()
    for thread in threading.enumerate():
        if thread.name.startswith("control"):
            thread.join(60)
            assert not thread.is_alive()


def test_it_is_not_to_be_seen_before_it_answers(
    tmp_path: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind, seen = control._bind, list[bool]()

    def and_look(listener: socket.socket, path: Path) -> None:
        bind(listener, path)
        seen.append((tmp_path / "c.sock").exists())

    monkeypatch.setattr(control, "_bind", and_look)
    listening = ControlSocket(tmp_path / "c.sock", answers)
    listening.start()
    assert seen == [False]
    assert [path.name for path in tmp_path.iterdir()] == ["c.sock"]
    assert ask(tmp_path / "c.sock", StatusRequest(), 60)
    listening.stop()


def test_a_socket_that_a_crash_left_behind_is_replaced(tmp_path: Path, answers: Answers) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "c.sock"))
    left.close()
    opened = ControlSocket(tmp_path / "c.sock", answers)
    opened.start()
    assert ask(tmp_path / "c.sock", StatusRequest(), 60)
    opened.stop()


def test_a_path_longer_than_a_sockets_address_works(tmp_path: Path, answers: Answers) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    opened = ControlSocket(folder / "control.sock", answers)
    opened.start()
    assert ask(folder / "control.sock", StatusRequest(), 60)
    opened.stop()


def test_a_folder_that_is_not_there_is_an_error_with_its_path(tmp_path: Path, answers: Answers) -> None:
    with pytest.raises(SpoolError, match="nowhere"):
        ControlSocket(tmp_path / "nowhere" / "control.sock", answers).start()


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="is recorder-agent running"):
        ask(tmp_path / "control.sock", StatusRequest(), 1)
    with pytest.raises(ControlError, match="is recorder-agent running"):
        ask(tmp_path / "nowhere" / "control.sock", StatusRequest(), 1)


def test_an_agent_that_is_silent_is_given_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "c.sock"))
        listener.listen()
        with pytest.raises(ControlError, match=r"did not answer in 0\.2 s"):
            ask(tmp_path / "c.sock", StatusRequest(), 0.2)


def test_requests_survive_the_wire() -> None:
    for request in (StatusRequest(), CHECKOUT):
        assert read_request(to_line(request)) == request
