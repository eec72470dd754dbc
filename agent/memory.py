"""Keeps the agent's memory out of swap: a page that was paged out would come back too late for a frame.

Rules of this module: locks what becomes resident, as it becomes so (MCL_ONFAULT), and nothing where a limit would make
a later allocation fail: losing a page for a moment is better than losing the recording.
"""

from __future__ import annotations

import ctypes
import os
import resource
from typing import Final

_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4


class MemoryLimitError(OSError):
    """What may be locked is limited: locking would end the agent when it reaches the limit."""


def lock_memory() -> None:
    """Lock every page of this process from its first use on.

    Raises:
        MemoryLimitError: RLIMIT_MEMLOCK is not infinite.
        OSError: The kernel refused.
    """
    limit_bytes, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit_bytes != resource.RLIM_INFINITY:
        raise MemoryLimitError(f"the limit of locked memory is {limit_bytes} bytes; LimitMEMLOCK=infinity lifts it")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mlockall: {os.strerror(number)}")
