"""The counter of a unit without a counting chip: a file.

Rules of this module: the value is on the medium before a call returns, and it never goes down by itself. It finds a cut
tail; a restored image of the whole medium takes it back as well, and so it says «file» (`FORMAT.md`, SF-43).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sealing import ticks
from sealing.errors import TokenError
from sealing.keys import Signer
from sealing.limits import INTEGER_MAX
from sealing.records import CounterKind
from sealing.suites import Suite
from sealing.ticks import Attested

_MODE: Final = 0o600
_BYTES_MAX: Final = 32


class FileCounter:
    """A monotonic counter in a file, attested by the device key.

    Args:
        path: The file, best on another medium than the spool; made with the first `advance`.
        suite: The suite in force.
        signer: The device key.
    """

    kind: Final = CounterKind.FILE

    def __init__(self, path: Path, suite: Suite, signer: Signer) -> None:
        self._path = path
        self._suite = suite
        self._signer = signer

    def attest(self, binding: bytes) -> Attested:
        """Attest the value as it stands.

        Raises:
            TokenError: The file cannot be read or holds no count.
            SealingError: The device key did not sign.
        """
        key_id = self._suite.key_id(self._signer.public_key_der())
        return ticks.attest_by_key(self._read(), binding, self._signer.algorithm, key_id, self._signer.sign)

    def advance(self) -> None:
        """Raise the value by one, whole or not at all.

        Raises:
            TokenError: The file cannot be read or written.
        """
        value = self._read() + 1
        beside = self._path.with_name(f".{self._path.name}.new")
        try:
            _write_durably(beside, f"{value}\n".encode())
            beside.replace(self._path)
            _sync_directory(self._path.parent)
        except OSError as error:
            raise TokenError(f"counter {self._path} cannot be written: {error}; check its medium") from error

    def _read(self) -> int:
        try:
            with self._path.open("rb") as file:
                text = file.read(_BYTES_MAX + 1)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise TokenError(f"counter {self._path} cannot be read: {error}; check its medium") from error
        digits = text.removesuffix(b"\n")
        if not digits.isdigit() or len(text) > _BYTES_MAX or int(digits) >= INTEGER_MAX:
            raise TokenError(f"counter {self._path} holds no count; provision the unit again")
        return int(digits)


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
