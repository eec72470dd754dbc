"""Tables of the store's index.

Rules of this module: declarations alone. Integers are 64 bit; hashes and certificates are bytes.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from sync.store.database import Words

SCHEMA_VERSION: Final = 3
METADATA: Final = sa.MetaData()
# By bytes, as SQLite and Python sort: a database's own language would list units in another order.
DEVICE_ID: Final = sa.String(64).with_variant(sa.Text(collation="C"), "postgresql")

units: Final = sa.Table(
    "units",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
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
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("file_id", sa.LargeBinary(32), primary_key=True),
    sa.Column("file_number", sa.BigInteger, nullable=False),
    sa.Column("kind", Words, nullable=False),
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
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("epoch", sa.BigInteger, primary_key=True),
    sa.Column("boot_number", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
)
"""One key for one epoch, for ever."""

torn_ends: Final = sa.Table(
    "torn_ends",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("file_number", sa.BigInteger, primary_key=True),
    sa.Column("torn_bytes", sa.BigInteger, nullable=False),
    sa.Column("torn_hash", sa.LargeBinary(32), nullable=False),
)
"""What BOOT records say of files before them."""

parked: Final = sa.Table(
    "parked",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("file_id", sa.String(64), primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("code", Words, nullable=False),
    sa.Column("detail", Words, nullable=False),
    sa.Column("parked_utc_ns", sa.BigInteger, nullable=False),
)
"""What is held and refused."""

openings: Final = sa.Table(
    "openings",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("session_id", sa.LargeBinary(16), nullable=True),
    sa.Column("profile_id", Words, nullable=False),
    sa.Column("profile_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("officer_ids", sa.JSON, nullable=False),
    sa.Column("activity_id", Words, nullable=True),
    sa.Column("category", Words, nullable=True),
    sa.Column("label", Words, nullable=True),
    sa.Column("exception_reason", Words, nullable=True),
    sa.Column("labels_given", sa.JSON, nullable=True),
    sa.Column("department", Words, nullable=True),
)
"""What promised files say of the circumstances they were made in; the last two since version 3."""

noted: Final = sa.Table(
    "noted",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("type", sa.Integer, nullable=False),
    sa.Column("record_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("utc_ns", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
"""Records of promised files on which due times and tasks rest; rebuilt from the files by `fsck`."""

witnessed: Final = sa.Table(
    "witnessed",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("seen_as", sa.String(8), primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("record_hash", sa.LargeBinary(32), primary_key=True),
    sa.Column("kind", Words, nullable=True),
    sa.Column("proved", sa.Boolean, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=True),
    sa.Column("opening", sa.LargeBinary, nullable=True),
    sa.Column("received_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("statement", sa.LargeBinary, nullable=False),
)
"""Heads and alerts as units told them. Two proved hashes for one sequence number prove a fork; both stay."""

profiles: Final = sa.Table(
    "profiles",
    METADATA,
    sa.Column("profile_hash", sa.LargeBinary(32), primary_key=True),
    sa.Column("profile_id", Words, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("added_utc_ns", sa.BigInteger, nullable=False),
)
"""The profiles whose rules the store knows, byte for byte."""

contacts: Final = sa.Table(
    "contacts",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("last_utc_ns", sa.BigInteger, nullable=False),
)
"""When a unit was heard last, to the minute."""

presences: Final = sa.Table(
    "presences",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("online", sa.Boolean, nullable=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("told_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("changed_utc_ns", sa.BigInteger, nullable=True),
)
"""What each unit said of itself last; nothing rests on it."""

held: Final = sa.Table(
    "held",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("file_id", sa.LargeBinary(32), primary_key=True),
    sa.Column("file_number", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("session_id", sa.LargeBinary(16), nullable=True),
    sa.Column("due_utc_ns", sa.BigInteger, nullable=True),
    sa.Column("told_utc_ns", sa.BigInteger, nullable=False),
)
"""What a unit said that it holds, at its last docking."""

wanted: Final = sa.Table(
    "wanted",
    METADATA,
    sa.Column("device_id", DEVICE_ID, primary_key=True),
    sa.Column("session_id", sa.LargeBinary(16), primary_key=True),
    sa.Column("since_utc_ns", sa.BigInteger, nullable=False),
)
"""Recordings that somebody waits for."""

closings: Final = sa.Table(
    "closings",
    METADATA,
    sa.Column("task_id", sa.String(160), primary_key=True),
    sa.Column("closed_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("closed_by", Words, nullable=False),
    sa.Column("note", Words, nullable=False),
)
"""Tasks that are done."""

documents: Final = sa.Table(
    "documents",
    METADATA,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("published_utc_ns", sa.BigInteger, nullable=False),
)
"""The agency's signed documents, byte for byte; units get the one with the highest number of each kind."""

operators: Final = sa.Table(
    "operators",
    METADATA,
    sa.Column("certificate_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("office", sa.Text, nullable=False),
    sa.Column("certificate", sa.LargeBinary, nullable=False),
    sa.Column("since_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("ended_utc_ns", sa.BigInteger, nullable=True),
    sa.Column("ended_why", sa.Text, nullable=True),
)
"""Who may annotate, and until when."""

annotation_rows: Final = sa.Table(
    "annotations",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("device_id", DEVICE_ID, nullable=False),
    sa.Column("session_id", sa.LargeBinary(16), nullable=True),
    sa.Column("file_id", sa.LargeBinary(32), nullable=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Index("annotations_of_units", "device_id", "number"),
)
"""What the back office stated, byte for byte as it was signed; rows are only ever added."""

log_leaves: Final = sa.Table(
    "log_leaves",
    METADATA,
    sa.Column("leaf_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("device_id", DEVICE_ID, nullable=False),
    sa.Column("file_id", sa.LargeBinary(32), nullable=False),
    sa.Index("log_leaves_of_files", "device_id", "file_id"),
)
"""The receipts in the order of their commits: leaf n of the log is the receipt of this file."""

log_nodes: Final = sa.Table(
    "log_nodes",
    METADATA,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
)
"""Hashes of the log's whole subtrees."""

denials: Final = sa.Table(
    "denials",
    METADATA,
    sa.Column("certificate_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("device_id", DEVICE_ID, nullable=False),
    sa.Column("since_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("reason", Words, nullable=False),
)
"""Link certificates that open no connection any more."""

denied_certificates: Final = sa.Table(
    "denied_certificates",
    METADATA,
    sa.Column("certificate_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("certificate", sa.LargeBinary, nullable=False),
)
"""The same in full: a broker's list goes by serial numbers."""

facts: Final = sa.Table(
    "facts",
    METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""What a database that stands apart from the store's folder says of itself: its version, and whose it is."""

rounds: Final = sa.Table(
    "rounds",
    METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("ended_utc_ns", sa.BigInteger, nullable=False),
    sa.Column("faults", sa.BigInteger, nullable=False),
)
"""What is done from time to time by one of the store's processes, and when it was done last."""
