"""Pieces of a file over a connection."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.unit.pieces import PIECE_BYTES, FileEndedError, PieceSender

DATA = bytes(range(256)) * 4096


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    opened = os.open(path, os.O_RDONLY)
    yield opened
    os.close(opened)


def test_a_piece_arrives_whole_though_the_line_takes_little_at_a_time(descriptor: int) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        near.settimeout(60)
        sender = PieceSender(near, descriptor, memoryview(bytearray(PIECE_BYTES)))
        sending = threading.Thread(target=sender.send, args=(77, PIECE_BYTES))
        sending.start()
        found = b""
        while len(found) < PIECE_BYTES:
            found += far.recv(5000)
        sending.join()
    assert found == DATA[77 : 77 + PIECE_BYTES]


def test_a_file_that_is_shorter_than_it_was_said_to_be_is_no_endless_loop(descriptor: int) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(60)
        sender = PieceSender(near, descriptor, memoryview(bytearray(PIECE_BYTES)))
        with pytest.raises(FileEndedError, match=f"byte {len(DATA)}"):
            sender.send(len(DATA) - 10, 100)
        assert far.recv(1000) == DATA[-10:]


def test_a_line_that_stands_still_is_given_up_after_its_timeout(descriptor: int) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        near.settimeout(0.05)
        sender = PieceSender(near, descriptor, memoryview(bytearray(PIECE_BYTES)))
        with pytest.raises(TimeoutError, match="stood still"):
            sender.send(0, PIECE_BYTES)


def test_a_line_that_is_gone_is_an_error(descriptor: int) -> None:
    near, far = socket.socketpair()
    with near:
        near.settimeout(60)
        far.close()
        with pytest.raises(BrokenPipeError):
            PieceSender(near, descriptor, memoryview(bytearray(PIECE_BYTES))).send(0, PIECE_BYTES)
