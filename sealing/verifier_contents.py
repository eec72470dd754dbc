"""Content keys and payloads, for a caller who has a recipient's key (step 15 of `FORMAT.md`, section 8).

Rules of this module: no I/O of its own; a payload is read when it is needed, one at a time, and nothing of it is kept.
A file that is not sealed to any of the keys says nothing: whose keys are wanted is the policy's matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from sealing.errors import KeyFileError, SuiteError, UndecryptableError
from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.records import Open
from sealing.suites import ContentCipher, RecipientPrivateKey
from sealing.wraps import content_cipher, is_recipient


class Contents:
    """Opens what it can.

    Args:
        keys: Private keys of recipients; none: nothing is opened, nothing is said.
        findings: Where faults go.
    """

    def __init__(self, keys: Sequence[RecipientPrivateKey], findings: Findings) -> None:
        self._keys = keys
        self._findings = findings
        self._cipher: ContentCipher | None = None

    @property
    def opens(self) -> bool:
        """Whether payloads of the file that is being read can be decrypted."""
        return self._cipher is not None

    def open_file(self, header: RecordHeader, body: Open, place: Place) -> None:
        """Unwrap a file's content key and hold it to the commitment (SF-22)."""
        self._cipher = None
        for key in self._keys:
            try:
                if is_recipient(body, key):
                    self._cipher = content_cipher(body, header.device_id, key)
            except UndecryptableError as error:
                self._findings.add(Code.UNDECRYPTABLE, place, str(error))
            except (SuiteError, KeyFileError):
                return  # a suite that is unknown here is named where its keys are taken

    def payload(self, header: RecordHeader, data: bytes, place: Place) -> None:
        """Decrypt a payload whose hash is the one that was sealed."""
        if self._cipher is None:
            return
        try:
            self._cipher.decrypt(header.sequence, int(header.type), data)
        except UndecryptableError as error:
            self._findings.add(Code.UNDECRYPTABLE, place, str(error))
