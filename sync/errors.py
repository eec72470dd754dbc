"""Errors of the sync room.

Rules of this module: every error of the room derives from `SyncError`; a caller decides by class alone what to do next.
"""

from __future__ import annotations


class SyncError(Exception):
    """Something on the way from the spool to a checked receipt is wrong."""


class ConfigurationError(SyncError):
    """A configuration file, option or folder is missing or malformed; nothing was touched."""


class EnrolmentError(SyncError):
    """An enrolment request or bundle is malformed, forged or for somebody else; nothing was touched."""


class WireError(SyncError):
    """The other side said something that the protocol does not allow."""


class InboxError(SyncError):
    """An inbox item is too large, unreadable, forged, for another unit, or reuses a number."""


class ReceiptMismatchError(SyncError):
    """A receipt does not agree with the file on the unit's own disk; the file must not be freed."""


class SpoolError(SyncError):
    """A file of the spool cannot be read as what its name says."""


class StoreError(SyncError):
    """The store's folder is missing, damaged, or already there."""


class EngineUnavailableError(SyncError, OSError):
    """The database or the object store behind a store does not answer; asking again later may help (SY-83)."""


class ObjectDiffersError(SyncError, OSError):
    """Under the name of what is to be kept lies something else; a person has to look."""


class ContentError(SyncError):
    """What a unit sent is not what it claims, or does not verify.

    Args:
        code: Code of the reason, from PROTOCOL.md's table.
        detail: What was found, with values.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
