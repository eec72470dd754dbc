"""Topics: who speaks to whom about what (PROTOCOL.md, section 9).

Rules of this module: text in, values out, or an error; no I/O. Ids are checked here, before anybody uses them.

    recorder/v1/<device>/up/presence                    retained; the last will says offline
    recorder/v1/<device>/up/<worker>/ask/<question>
    recorder/v1/<device>/up/<worker>/file/<id>/init
    recorder/v1/<device>/up/<worker>/file/<id>/<offset>
    recorder/v1/<device>/up/<worker>/file/<id>/fin
    recorder/v1/<device>/down/<box>
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sync.errors import WireError
from sync.wire import FILE_BYTES_MAX, device_id_of, file_id_of

ROOT: Final = "recorder/v1"
ANY: Final = "any"
"""Any process of the store: they share what is said to it, and each hears a part."""
_WORKER: Final = re.compile(r"[a-z0-9]{1,32}")
_BOX: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_OFFSET: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_RESERVED: Final = "presence"


class Question(Enum):
    """What a unit may ask or tell beside its files; each has its path over HTTP."""

    INVENTORY = "inventory"
    HEAD = "head"
    ALERT = "alert"
    TIME = "time"
    LOG = "log"
    LOG_PLACE = "log-place"
    DOCUMENT = "document"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question."""

    device_id: str
    question: Question


@dataclass(frozen=True, slots=True)
class Offered:
    """`init`: a file, to be sent from where the store stands."""

    device_id: str
    file_id: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes of a file, from an offset."""

    device_id: str
    file_id: str
    offset_bytes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """`fin`: every byte was sent."""

    device_id: str
    file_id: str


@dataclass(frozen=True, slots=True)
class Present:
    """A unit says that it is there, or its broker that it is gone."""

    device_id: str


Upward = Asked | Offered | Sent | Ended | Present


def presence_topic(device_id: str) -> str:
    """Where a unit's presence is retained."""
    return f"{ROOT}/{device_id}/up/{_RESERVED}"


def question_topic(device_id: str, question: Question) -> str:
    """Where a unit asks; whichever process of the store hears it answers."""
    return f"{ROOT}/{device_id}/up/{ANY}/ask/{question.value}"


def init_topic(device_id: str, worker: str, file_id: str) -> str:
    """Where a unit offers a file: to `ANY` first, then to the worker that has a part of it."""
    return f"{_file(device_id, worker, file_id)}/init"


def chunk_topic(device_id: str, worker: str, file_id: str, offset_bytes: int) -> str:
    """Where bytes go: to the worker that the answer to `init` named."""
    return f"{_file(device_id, worker, file_id)}/{offset_bytes}"


def fin_topic(device_id: str, worker: str, file_id: str) -> str:
    """Where a unit says that every byte was sent."""
    return f"{_file(device_id, worker, file_id)}/fin"


def box_topic(device_id: str, box: str) -> str:
    """Where a connection of a unit hears its answers."""
    return f"{ROOT}/{device_id}/down/{box}"


def store_filters(worker: str, group: str) -> tuple[str, ...]:
    """What a process of the store subscribes to: its share, its own, and everybody's presence.

    Args:
        worker: Its name.
        group: In which the store's processes share; nobody else may know it, for access rules do not reach it.
    """
    return (
        f"$share/{group}/{ROOT}/+/up/{ANY}/#",
        f"{ROOT}/+/up/{worker}/#",
        f"{ROOT}/+/up/{_RESERVED}",
    )


def worker_of(text: str) -> str:
    """Check a worker's name as it comes from a store. Raises WireError."""
    if _WORKER.fullmatch(text) is None or text == _RESERVED:
        raise WireError(f"worker {text[:40]!r} is not 1 to 32 small letters and digits")
    return text


def read_upward(topic: str) -> Upward:
    """Read the topic of a message to the store (SY-3, SY-44).

    Raises:
        WireError: It is none of the grammar.
    """
    match topic.split("/"):
        case ["recorder", "v1", device, "up", "presence"]:
            return Present(device_id_of(device))
        case ["recorder", "v1", device, "up", worker, "ask", word]:
            worker_of(worker)
            return Asked(device_id_of(device), _question(word))
        case ["recorder", "v1", device, "up", worker, "file", file_id, what]:
            worker_of(worker)
            return _about_file(device_id_of(device), file_id_of(file_id), what)
        case _:
            raise WireError(f"topic {topic[:120]!r} is none of the protocol's")


def check_box(device_id: str, topic: str) -> str:
    """Check where an answer is wanted: below `down` of the unit that asks, and nowhere else (SY-45).

    Raises:
        WireError: It is another place.
    """
    prefix = f"{ROOT}/{device_id}/down/"
    if not topic.startswith(prefix) or _BOX.fullmatch(topic[len(prefix) :]) is None:
        raise WireError(f"response topic {topic[:120]!r} is not {prefix}<box>")
    return topic


def _file(device_id: str, worker: str, file_id: str) -> str:
    return f"{ROOT}/{device_id}/up/{worker}/file/{file_id}"


def _question(word: str) -> Question:
    try:
        return Question(word)
    except ValueError as error:
        raise WireError(f"{word[:40]!r} is no question") from error


def _about_file(device_id: str, file_id: str, what: str) -> Upward:
    if what == "init":
        return Offered(device_id, file_id)
    if what == "fin":
        return Ended(device_id, file_id)
    if _OFFSET.fullmatch(what) is None or int(what) >= FILE_BYTES_MAX:
        raise WireError(f"{what[:40]!r} is neither init, fin nor an offset below {FILE_BYTES_MAX}")
    return Sent(device_id, file_id, int(what))
