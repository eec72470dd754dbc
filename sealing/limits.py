"""Limits of the format: every length and count that a reader has to bound before it trusts anything.

Rules of this module: constants only; `FORMAT.md` lists the same names and values, and a test compares them.
"""

from __future__ import annotations

from typing import Final

FORMAT_VERSION: Final = 1
MAGIC: Final = b"\x89EVS1\r\n\x1a"
"""First 8 bytes of every sealed file; CR LF and SUB show a transfer that took it for text."""

HEADER_BYTES_MAX: Final = 65_536
"""Signed header of one record (COSE_Sign1 and all)."""
PAYLOAD_BYTES_MAX: Final = 67_108_864
"""Ciphertext of one record."""
PRIVATE_BYTES_MAX: Final = 65_536
"""Clear private map of one event record, before encryption."""
FILE_BYTES_MAX: Final = 268_435_456
"""One sealed file with its torn end."""
FILE_NUMBER_MAX: Final = 99_999_999
RECORDS_PER_FILE_MAX: Final = 65_536

CBOR_DEPTH_MAX: Final = 8
"""Nested arrays and maps."""
CBOR_ITEMS_MAX: Final = 4_096
"""Entries of one array or map."""

DEVICE_ID_CHARACTERS_MAX: Final = 64
TEXT_BYTES_MAX: Final = 256
"""One code or id in a body, as UTF-8."""
BYTES_MAX: Final = 8_192
"""One byte string in a body (certificates are the longest)."""
LIST_ITEMS_MAX: Final = 256
"""Entries of one list in a body."""
RECIPIENTS_MIN: Final = 2
RECIPIENTS_MAX: Final = 16

HASH_BYTES: Final = 32
"""Length of a hash in every suite of version 1."""
KEY_ID_BYTES: Final = 16
SALT_BYTES: Final = 16
CONTENT_KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
"""Authentication tag behind the ciphertext, in every suite of version 1."""
SESSION_ID_BYTES: Final = 16
EPOCH_CERTIFICATE_BYTES_MAX: Final = 1_024
SIGNATURE_BYTES_MAX: Final = 64
DOCUMENT_BYTES_MAX: Final = 65_536
"""A document of the agency, envelope and certificate with it."""

INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1
"""Range of every integer in the format, unless its field is narrower."""
SEQUENCE_FIRST: Final = 1
"""Sequence number of the first record of a chain; its previous hash is HASH_BYTES zeros."""
ANCHOR_REACH_RECORDS_MAX: Final = 4_096
"""How far back the record lies at most that an ANCHOR names."""
EPOCH_RECORDS_MAX: Final = 600
EPOCH_SECONDS_MAX: Final = 600
