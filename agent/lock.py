"""One agent for one unit: a lock on its state directory.

Rules of this module: the kernel holds the lock and gives it back when the process ends, however that happens.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.errors import RefusedError, SpoolError


@contextmanager
def only_agent(state: Path) -> Iterator[None]:
    """Hold the lock of a state directory while the context is open.

    Raises:
        RefusedError: Somebody else holds it.
        SpoolError: The directory cannot be opened.
    """
    try:
        descriptor = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SpoolError(f"{state}: the state directory cannot be opened: {error.strerror}; check the path") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(f"{state}: an agent runs on it; stop that one first") from error
        yield
    finally:
        os.close(descriptor)
