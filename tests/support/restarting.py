"""Servers that die in the middle of something and are started again."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

NEAR_BYTES = 3_000
FAR_BYTES = 4_000_000
LONGEST_LIFE = 500
_LOOK_SECONDS = 0.02


class Killable(Protocol):
    """A server that can be killed and started again."""

    def kill(self) -> None: ...
    def start(self) -> None: ...


class Mortal(Killable, Protocol):
    """One that may die by itself."""

    def died(self) -> bool: ...


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


@contextmanager
def killed_at_random(
    victim: Callable[[random.Random], Killable], seed: int, passed: Callable[[], int]
) -> Iterator[None]:
    """Kill running servers again and again, and start them again, until the block ends; they run behind it.

    Args:
        victim: Says whose turn it is.
        seed: Of who and when.
        passed: Bytes that they have exchanged: a death comes behind a random number of them, in the middle of
            something on a slow machine, too, and not so soon that nothing would ever be finished there.
    """
    rolled, over = random.Random(seed), threading.Event()

    def keep_killing() -> None:
        while not over.is_set():
            near = rolled.random() < 0.25
            until = passed() + rolled.randrange(NEAR_BYTES if near else FAR_BYTES)
            for _ in range(LONGEST_LIFE):
                if over.wait(_LOOK_SECONDS) or passed() > until:
                    break
            one = victim(rolled)
            one.kill()
            over.wait(rolled.uniform(0.0, 0.1))
            one.start()

    killer = threading.Thread(target=keep_killing, name="killer")
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join(100)


@contextmanager
def ended_after_all(server: Killable) -> Iterator[None]:
    """A server that does not outlive a test that failed."""
    try:
        yield
    except BaseException:
        server.kill()
        raise
