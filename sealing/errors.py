"""Errors of sealing: what can be wrong with bytes, keys, policy, the medium or the order of calls.

Rules of this module: every error of the room derives from `SealingError`; names end in Error; a message names the
thing, the value and the remedy. Verification raises, it never returns a verdict that a caller could overlook.
"""

from __future__ import annotations


class SealingError(Exception):
    """Sealing, or reading what was sealed, did not work."""


class MalformedError(SealingError):
    """Bytes break a rule of the format."""


class NotSealedError(MalformedError):
    """The file does not begin as a sealed file does."""


class BadSignatureError(SealingError):
    """A signature does not belong to the message, or not to the key that should have made it."""


class SuiteError(SealingError):
    """A suite or an algorithm is unknown, or is not allowed here."""


class UndecryptableError(SealingError):
    """A content key or a payload cannot be opened with the key at hand."""


class KeyFileError(SealingError):
    """A key file is missing, unreadable or of a kind that the format does not use."""


class PolicyError(SealingError):
    """The sealing policy cannot be obeyed, or would break a rule of the format."""


class BodyError(SealingError):
    """A body that was to be sealed has a value outside the range of its field; nothing was sealed."""


class DocumentError(SealingError):
    """A document is malformed, not the agency's, or older than the one in force."""


class ForeignSpoolError(SealingError):
    """The spool holds the chain of another device."""


class WriterStateError(SealingError):
    """The writer was asked for something out of order, for example a fragment while no footage file is open."""


class ReserveReachedError(SealingError):
    """Footage was refused because only the reserve for ledger records is left."""


class DeletionRefusedError(SealingError):
    """A file may not be freed: it is open, the newest closed one, or has no sealed receipt."""


class StorageFaultError(SealingError):
    """The medium failed while records were put on it; the chain stands as it was before."""


class SealingBackpressureError(SealingError):
    """The queue in front of the writer is full; nothing was taken."""


class SealingStoppedError(SealingError):
    """The sealing service does not run (yet, or any more)."""


class SealingTimeoutError(SealingError):
    """The writer did not finish a request in the time that the caller gave it."""


class TokenError(SealingError):
    """A hardware token or a counter did not do what it was asked; what it said stands in the message."""


class TimeTokenError(SealingError):
    """A time token is malformed, is for another record, or its signature is nobody's whom the caller trusts."""


class LibcryptoError(SealingError):
    """The system's libcrypto is missing, or has no SM2: suite 3 cannot be used here."""
