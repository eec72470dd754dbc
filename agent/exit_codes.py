"""What a command or the daemon ends with, for every error that can end it (`agent/README.md`, «Exit codes»).

Rules of this module: one function and its table; sysexits numbers, and one of our own for «intact, and no evidence».
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from agent.errors import AgentError
from capture.errors import AssignmentError, CaptureError, RecorderBusyError
from hal.errors import DriverSetError, HardwareError
from sealing.errors import (
    ForeignSpoolError,
    KeyFileError,
    NotSealedError,
    PolicyError,
    SealingError,
    SealingTimeoutError,
    StorageFaultError,
)
from sealing.report import ChainError, NotEvidenceError
from sealing.trust import TrustError
from sync.errors import EnrolmentError, SyncError

NOT_INTACT: Final = 1
"""`verify` found a fault, or a check did not pass."""
NOT_EVIDENCE: Final = 3
"""`verify --require evidence`: the chain is intact, and its grade is SIMULATED or unknown."""

_CODES: Final[Mapping[type[Exception], int]] = {
    ChainError: NOT_INTACT,
    NotEvidenceError: NOT_EVIDENCE,
    NotSealedError: os.EX_DATAERR,
    ForeignSpoolError: os.EX_DATAERR,
    EnrolmentError: os.EX_DATAERR,
    TrustError: os.EX_CONFIG,
    KeyFileError: os.EX_CONFIG,
    PolicyError: os.EX_CONFIG,
    StorageFaultError: os.EX_IOERR,
    SealingTimeoutError: os.EX_TEMPFAIL,
    SealingError: os.EX_DATAERR,
    DriverSetError: os.EX_CONFIG,
    HardwareError: os.EX_UNAVAILABLE,
    SyncError: os.EX_DATAERR,
    AssignmentError: os.EX_USAGE,
    RecorderBusyError: os.EX_TEMPFAIL,
    CaptureError: os.EX_UNAVAILABLE,
    PermissionError: os.EX_NOPERM,
    FileExistsError: os.EX_CANTCREAT,
    OSError: os.EX_IOERR,
}
"""The first class that fits counts; what fits none is a bug."""


def exit_code_of(error: BaseException) -> int:
    """The code that an error ends a process with; `EX_SOFTWARE` for one that nobody expected."""
    if isinstance(error, AgentError):
        return error.exit_code
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), os.EX_SOFTWARE)
