"""What a unit says of itself while its line is up: battery, storage, due time, state (PROTOCOL.md, SY-53).

Rules of this module: pure. From the agent's status and the line to what may be said on it; when it is time to say it;
what the back office makes of it. No names, no numbers of officers, no id of a recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sync.errors import WireError
from sync.rules import Radio
from sync.secrecy import Cargo, Line, may_leave

EVERY_NS: Final = 60 * 1_000_000_000
"""A unit whose state does not change says so again."""
LOST_NS: Final = 3 * EVERY_NS
"""A line that is said to be up, and on which nothing was said for so long, is not."""
PRESENCE_BYTES_MAX: Final = 4096

Code = Annotated[str, Field(pattern=r"^[a-z0-9]+([_.-][a-z0-9]+)*$", max_length=40)]
Count = Annotated[int, Field(ge=0, lt=1 << 62)]


class Presence(BaseModel):
    """One word of a unit about itself; what is not known, or may not be said on this line, is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    online: bool
    """False only in a last will: the broker says that the line is gone."""
    connection: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}$")] | None = None
    """Which connection: the last will of an earlier one, told late, says nothing of a newer one."""
    utc_ns: Count | None = None
    """By the unit's clock."""
    software: Annotated[str, Field(max_length=64)] | None = None
    profile: Code | None = None
    profile_number: Count | None = None
    docked: bool | None = None
    state: Code | None = None
    """Of the recording; left out where a label keeps headers off this line."""
    verdict: Code | None = None
    """What the standing checks come to."""
    battery_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    charging: bool | None = None
    free_bytes: Count | None = None
    total_bytes: Count | None = None
    writable: bool | None = None
    files: Count | None = None
    """In the spool."""
    receipted: Count | None = None
    due_utc_ns: Count | None = None
    """Earliest due time of what is not handed over; left out where labels bind recordings to the wire."""
    overdue: bool | None = None
    clock_source: Code | None = None
    unhealthy: Count | None = None
    """Threads that stand still or ended."""


_FROM_STATUS: Final[Mapping[str, tuple[str, ...]]] = {
    "utc_ns": ("clock", "utc_ns"),
    "software": ("version",),
    "profile": ("profile", "id"),
    "profile_number": ("profile", "number"),
    "docked": ("docked",),
    "state": ("recorder", "state"),
    "verdict": ("recorder", "standing_verdict"),
    "battery_percent": ("battery", "charge_percent"),
    "charging": ("battery", "charging"),
    "free_bytes": ("spool", "free_bytes"),
    "total_bytes": ("spool", "total_bytes"),
    "writable": ("spool", "writable"),
    "files": ("spool", "files"),
    "receipted": ("spool", "receipted"),
    "due_utc_ns": ("due", "due_utc_ns"),
    "overdue": ("due", "overdue"),
    "clock_source": ("clock", "source"),
}
"""Where each stands in `status.json` (`agent/README.md`, «Status»); nothing else of it is said."""


def presence_of(status: Mapping[str, object], line: Line, radio: Radio, connection: str | None = None) -> Presence:
    """Say of a unit what may be said on a line (SY-37, SY-53).

    Args:
        status: Contents of `status.json`; a part that is absent or not as it should be is left out.
        line: Over which it would leave.
        radio: The profile's rule for labels.
        connection: Over which it leaves, where it stands for something.
    """
    found = {key: _at(status, path) for key, path in _FROM_STATUS.items()}
    unhealthy = status.get("unhealthy")
    found["unhealthy"] = len(unhealthy) if isinstance(unhealthy, list) else None
    label = _at(status, ("recorder", "label"))
    if not may_leave(Cargo.HEADERS, label if isinstance(label, str) else None, line, radio):
        found["state"] = None
    if line is Line.RADIO and radio.headers_forbidden:
        # The due time is the earliest of all recordings held; which one it is of cannot be told from here.
        found["due_utc_ns"] = found["overdue"] = None
    told: dict[str, object] = {"online": True, "connection": connection}
    for key, value in found.items():
        try:
            Presence.model_validate({"online": True, key: value})
        except ValidationError:
            continue
        told[key] = value
    return Presence.model_validate(told)


def gone(connection: str) -> Presence:
    """The last will of a connection."""
    return Presence(online=False, connection=connection)


def is_due(now: Presence, now_ns: int, before: Presence | None, before_ns: int) -> bool:
    """Tell whether a presence is to be said: it is the first, its state changed, or a minute is over.

    Args:
        now: What would be said.
        now_ns: Monotonic time.
        before: What was said last on this connection; None: nothing.
        before_ns: When.
    """
    if before is None or now_ns - before_ns >= EVERY_NS:
        return True
    return _moving(now) != _moving(before)


def encode_presence(presence: Presence) -> bytes:
    """Write it as it crosses the line."""
    return presence.model_dump_json(exclude_none=True).encode()


def decode_presence(data: bytes) -> Presence:
    """Read what a unit said. Raises WireError."""
    if len(data) > PRESENCE_BYTES_MAX:
        raise WireError(f"a presence of {len(data)} bytes; at most {PRESENCE_BYTES_MAX} are taken")
    try:
        return Presence.model_validate_json(data)
    except ValidationError as error:
        raise WireError(f"not a presence: {error.errors()[0]}") from error


class Link(Enum):
    """How a unit stands with its store."""

    UP = "up"
    DOWN = "down"
    """Its line ended, or it has none that is kept open."""
    LOST = "lost"
    """Its line is said to be up, and nothing is said on it."""
    SILENT = "silent"
    """Nothing was heard of it for days, on any line."""


def link_of(online: bool | None, told_utc_ns: int | None, heard_utc_ns: int, now_utc_ns: int, silent_ns: int) -> Link:
    """Say how a unit stands.

    Args:
        online: What was said last of its line; None: it never had one that is kept open.
        told_utc_ns: When it said something of itself; None: never.
        heard_utc_ns: When it was heard on any line, or enrolled.
        now_utc_ns: The store's time.
        silent_ns: Without a word for longer than this it is silent.
    """
    if now_utc_ns - max(heard_utc_ns, told_utc_ns or 0) > silent_ns:
        return Link.SILENT
    if not online or told_utc_ns is None:
        return Link.DOWN
    return Link.UP if now_utc_ns - told_utc_ns <= LOST_NS else Link.LOST


def _moving(presence: Presence) -> tuple[object, ...]:
    """What is told at once when it changes; figures that creep wait for their minute."""
    return (
        presence.online,
        presence.connection,
        presence.docked,
        presence.state,
        presence.verdict,
        presence.charging,
        presence.writable,
        presence.overdue,
        presence.unhealthy,
    )


def _at(status: Mapping[str, object], path: tuple[str, ...]) -> object:
    found: object = status
    for key in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found
