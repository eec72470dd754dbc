"""PEM (RFC 7468) around keys that `cryptography` does not know.

Rules of this module: one block, strict base64; what is inside is the caller's matter.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from sealing.errors import KeyFileError

PRIVATE_KEY: Final = "PRIVATE KEY"
PUBLIC_KEY: Final = "PUBLIC KEY"
_LINE: Final = 64


def wrap(der: bytes, label: str) -> bytes:
    """Encode one block."""
    text = base64.b64encode(der).decode()
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def take(data: bytes, label: str) -> bytes:
    """Return what the one block of a file holds.

    Raises:
        KeyFileError: There is none with this label, or it is not base64.
    """
    found = re.search(
        rf"-----BEGIN {label}-----([A-Za-z0-9+/=\s]+)-----END {label}-----", data.decode("ascii", "replace")
    )
    if found is None:
        raise KeyFileError(f"no «{label}» in PEM; give the key as the ceremony made it")
    try:
        return base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise KeyFileError(f"«{label}» in PEM is damaged: {error}") from error
