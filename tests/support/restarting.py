"""Servers that die in the middle of something and are started again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Mortal(Protocol):
    """A server that may die and be started again."""

    def died(self) -> bool: ...
    def kill(self) -> None: ...
    def start(self) -> None: ...


@contextmanager
def started_again(server: Mortal) -> Iterator[None]:
    """Start a running server again whenever it has died."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            if server.died():
                server.kill()
                server.start()

    watcher = threading.Thread(target=watch, name="watcher")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(100)
