"""What a session said, with its words: `events.json`.

Rules of this module: values in, plain values out. Words are what the payloads of events held; only a recipient's key
brings them here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Final

from sealing.codec import PrivateValue
from sealing.framing import RecordHeader
from sealing.records import Checkout, Fragment, RecordType
from sealing.report import Entry, JsonValue, SessionSummary, plain

EVENTS_VERSION: Final = 1
_SILENT: Final = frozenset(
    {RecordType.OPEN, RecordType.CLOSE, RecordType.EPOCH, RecordType.FRAGMENT, RecordType.RECEIPT, RecordType.DELETE}
)


@dataclass(frozen=True, slots=True)
class OpenedEvent:
    """One event and its decrypted words."""

    header: RecordHeader
    file: str
    words: Mapping[str, PrivateValue] | None


def is_told(header: RecordHeader) -> bool:
    """Whether a record is an event that `events.json` lists."""
    return header.type not in _SILENT and not isinstance(header.body, Fragment)


def belongs(event: OpenedEvent, session: SessionSummary, checkout_sequence: int | None) -> bool:
    """Whether an event is of a session: it names it, or is the CHECKOUT that was in force."""
    if isinstance(event.header.body, Checkout):
        return event.header.sequence == checkout_sequence
    named = getattr(event.header.body, "session_id", None)
    return isinstance(named, bytes) and named.hex() == session.session_id


def session_events(
    device_id: str, session: SessionSummary, events: list[OpenedEvent], timeline: Mapping[int, Entry]
) -> dict[str, JsonValue]:
    """Plain values of `events.json`.

    Args:
        device_id: The unit.
        session: Its session.
        events: The session's events in the order of the chain.
        timeline: Entries of the timeline by sequence number.
    """
    return {
        "version": EVENTS_VERSION,
        "device_id": device_id,
        "session": plain(session),
        "events": [_event(event, timeline.get(event.header.sequence)) for event in events],
    }


def _event(event: OpenedEvent, entry: Entry | None) -> dict[str, JsonValue]:
    header = event.header
    return {
        "sequence": header.sequence,
        "type": header.type.name,
        "file": event.file,
        "utc_ns": header.utc_ns if entry is None else entry.utc_ns,
        "uncertainty_ns": header.uncertainty_ns,
        "time_source": header.time_source,
        "media_time_ns": None if entry is None else entry.media_time_ns,
        "zh": "" if entry is None else entry.zh,
        "en": "" if entry is None else entry.en,
        "facts": _body(header.body),
        "words": None if event.words is None else _words(event.words),
    }


def _body(value: object) -> JsonValue:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return [_body(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _body(getattr(value, each.name)) for each in fields(value)}
    return plain(value)


def _words(words: Mapping[str, PrivateValue]) -> dict[str, JsonValue]:
    return {key: _word(value) for key, value in words.items()}


def _word(value: PrivateValue) -> JsonValue:
    return [_word(item) for item in value] if isinstance(value, list) else value
