"""MQTT 5 properties as paho has them: written for both ends, and read.

Rules of this module: values in, values out; nothing is sent here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from sync.mqtt.bodies import MESSAGE_BYTES_MAX, REASON, RETRY_AFTER, STATUS, TOPIC_ROOM_BYTES

PACKET_BYTES_MAX: Final = 0x0FFF_FFFF
"""What MQTT itself allows."""
_RETRY_AFTER_SECONDS_MAX: Final = 300
_DIGITS_MAX: Final = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """What the broker allows (CONNACK)."""

    packet_bytes: int = PACKET_BYTES_MAX
    may_retain: bool = True

    @property
    def body_bytes(self) -> int:
        """Longest body that leaves room for topic and properties (SY-50)."""
        return self.packet_bytes - TOPIC_ROOM_BYTES


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What an answer says beside its body."""

    correlation: bytes
    status: int
    reason: str = ""
    retry_after_seconds: int = 0


def greeting() -> Properties:
    """CONNECT: nothing is to be kept for this connection when it is gone (SY-50)."""
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    properties.MaximumPacketSize = MESSAGE_BYTES_MAX + TOPIC_ROOM_BYTES
    return properties


def limits_of(properties: Properties | None) -> Limits:
    """What CONNACK says; what it does not say is unlimited."""
    return Limits(
        packet_bytes=int(getattr(properties, "MaximumPacketSize", PACKET_BYTES_MAX)),
        may_retain=bool(getattr(properties, "RetainAvailable", 1)),
    )


def asking(box: str, correlation: bytes) -> Properties:
    """Where the answer is wanted (SY-45)."""
    properties = _properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = box
    properties.CorrelationData = correlation
    return properties


def wanted_at(properties: Properties | None) -> tuple[str, bytes] | None:
    """Response Topic and Correlation Data of a question; None when it lacks one."""
    box, correlation = (getattr(properties, name, None) for name in ("ResponseTopic", "CorrelationData"))
    return None if not isinstance(box, str) or correlation is None else (box, bytes(correlation))


def answering(head: AnswerHead) -> Properties:
    """The head of an answer (SY-45)."""
    properties = _properties(PacketTypes.PUBLISH)
    properties.CorrelationData = head.correlation
    told = [(STATUS, str(head.status))]
    if head.reason:
        told.append((REASON, head.reason))
    if head.retry_after_seconds:
        told.append((RETRY_AFTER, str(head.retry_after_seconds)))
    properties.UserProperty = told
    return properties


def answer_head(properties: Properties | None) -> AnswerHead | None:
    """Read the head of an answer; None when it is none."""
    correlation = getattr(properties, "CorrelationData", None)
    told = dict(getattr(properties, "UserProperty", ()))
    status, wait = _count(told.get(STATUS, "")), _count(told.get(RETRY_AFTER, "0"))
    if correlation is None or status is None:
        return None
    seconds = min(wait or 0, _RETRY_AFTER_SECONDS_MAX)
    return AnswerHead(bytes(correlation), status, str(told.get(REASON, "")), seconds)


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call] # paho types it not
