"""Tables of the store's index.

Rules of this module: declarations alone. Integers are 64 bit; hashes and certificates are bytes.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

SCHEMA_VERSION: Final = 1
METADATA: Final = sa.MetaData()

units: Final = sa.Table(
    "units",
    METADATA,
    sa.Column("device_id", sa.String(64), primary_key=True),
    sa.Column("assurance", sa.String(16), nullable=False),
    sa.Column("enrolled_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("device_certificate", sa.LargeBinary, nullable=False),
    sa.Column("link_certificate", sa.LargeBinary, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
)
"""Who may send."""

files: Final = sa.Table(
    "files",
    METADATA,
    sa.Column("device_id", sa.String(64), primary_key=True),
    sa.Column("file_id", sa.LargeBinary(32), primary_key=True),
    sa.Column("file_number", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("torn_bytes", sa.BigInteger, nullable=False),
    sa.Column("torn_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("first_sequence", sa.BigInteger, nullable=False),
    sa.Column("last_sequence", sa.BigInteger, nullable=False),
    sa.Column("hash_before", sa.LargeBinary(32), nullable=False),
    sa.Column("head_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("first_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("last_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("session_id", sa.LargeBinary(16), nullable=True),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("received_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("receipt_number", sa.BigInteger, nullable=False),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("device_id", "receipt_number"),
    sa.UniqueConstraint("device_id", "first_sequence"),
    sa.UniqueConstraint("device_id", "last_sequence"),
    sa.UniqueConstraint("device_id", "file_number"),
)
"""What was promised; rows are only ever added."""

epochs: Final = sa.Table(
    "epochs",
    METADATA,
    sa.Column("device_id", sa.String(64), primary_key=True),
    sa.Column("epoch", sa.BigInteger, primary_key=True),
    sa.Column("boot_number", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
)
"""One key for one epoch, for ever."""

torn_ends: Final = sa.Table(
    "torn_ends",
    METADATA,
    sa.Column("device_id", sa.String(64), primary_key=True),
    sa.Column("file_number", sa.Integer, primary_key=True),
    sa.Column("torn_bytes", sa.BigInteger, nullable=False),
    sa.Column("torn_hash", sa.LargeBinary(32), nullable=False),
)
"""What BOOT records say of files before them."""

parked: Final = sa.Table(
    "parked",
    METADATA,
    sa.Column("device_id", sa.String(64), primary_key=True),
    sa.Column("file_id", sa.String(64), primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("code", sa.String(40), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("parked_utc_ns", sa.BigInteger, nullable=False),
)
"""What is held and refused."""
