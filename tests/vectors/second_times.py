"""Clocks and counters: steps 13 and 17 of FORMAT.md, section 8."""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectors.second_decoder import BadBytesError, Decoder, Envelope, encode

NS = 10**9
GRACE_SECONDS = 60
CLOCK, BOOT = 12, 1


class Clocks:
    """Civil time against monotonic time, boot by boot."""

    def __init__(self) -> None:
        self.boot = 0
        self.base = (0, 0)
        self.last_boottime = 0
        self.pending: int | None = None
        self.blamed: int | None = None
        """Record at which civil time moved first, while nothing explains it."""

    def found(self, head: dict[int, Any]) -> list[str]:
        offset, boottime, codes = head[7] - head[8], head[8], []
        if head[9] != self.boot:
            codes = ["CLOCK_WRONG"] if self.pending is not None else []
            self.boot, self.base, self.pending, self.last_boottime = head[9], (offset, boottime), None, boottime
            return codes
        if boottime < self.last_boottime:
            codes.append("CLOCK_INCONSISTENT")
        self.last_boottime = max(boottime, self.last_boottime)
        moved = offset - self.base[0]
        allowed = 2 * NS + max(boottime - self.base[1], 0) // 1000
        if head[2] == CLOCK and abs(moved - head[10][1]) <= allowed:
            self.base, self.pending, self.blamed = (offset, boottime), None, None
        elif abs(moved) > allowed and self.pending is None:
            self.pending, self.blamed = boottime, head[3]
        if self.pending is not None and boottime - self.pending > 60 * NS:
            codes.append("CLOCK_INCONSISTENT")
            self.base, self.pending = (offset, boottime), None
        return codes

    def end(self) -> list[str]:
        """The chain ends here."""
        return ["CLOCK_WRONG"] if self.pending is not None else []


class Ticks:
    """The unit's counter along the chain, and the promises of BOOT."""

    def __init__(self, device_key: ec.EllipticCurvePublicKey | None) -> None:
        self.key = device_key
        self.value: int | None = None
        self.floor: int | None = None
        """Value in front of missing records."""
        self.unclean = self.awaited = False
        self.gaps_alone = True
        """Nothing else stands behind the last TICK."""
        self.tick_ns = self.alive_ns = 0
        self.open_since: int | None = None
        self.last_boottime = 0
        self.before = ""
        self.sequence = 0

    def found(self, kind: str, head: dict[int, Any], body: dict[str, Any], *, gap: bool) -> list[str]:
        codes = []
        if head[3] != self.sequence + 1:
            self.gaps_alone = self.gaps_alone and gap
            self.floor, self.value = self.floor if self.value is None else self.value, None
        if kind != "TICK" and self.awaited and self.before == "BOOT":
            codes.append("STALE")
        if kind == "BOOT":
            self.tick_ns, self.alive_ns = (body["tick_seconds"] or 0) * NS, (body["alive_seconds"] or 0) * NS
            self.awaited, self.unclean, self.open_since = bool(self.tick_ns), not body["clean"], None
        elif self.alive_ns and head[8] - self.last_boottime > self.alive_ns + GRACE_SECONDS * NS:
            codes.append("STALE")
        codes += self.on_tick(head, body) if kind == "TICK" else []
        codes += self.on_footage(kind, head, body)
        if kind == "HALT" and self.tick_ns and self.before != "TICK":
            codes.append("STALE")
        self.last_boottime, self.before, self.sequence = head[8], kind, head[3]
        return codes

    def on_footage(self, kind: str, head: dict[int, Any], body: dict[str, Any]) -> list[str]:
        if kind == "OPEN" and body["kind"] == "footage":
            self.open_since = head[8] if self.open_since is None else self.open_since
        elif kind == "TICK" and self.open_since is not None:
            self.open_since = head[8]
        elif kind == "FRAGMENT" and self.tick_ns and self.open_since is not None:
            late = head[8] - self.open_since > 2 * self.tick_ns + GRACE_SECONDS * NS
            self.open_since = head[8] if late else self.open_since
            return ["STALE"] if late else []
        return []

    def on_tick(self, head: dict[int, Any], body: dict[str, Any]) -> list[str]:
        self.awaited = False
        value, before, unclean = body["value"], self.value, self.unclean
        self.value, self.unclean = value, False
        sure, self.gaps_alone = self.gaps_alone, True
        if body["counter"] == "file" and not self.bound(head, body):
            return ["COUNTER_MISBOUND"]
        if before is None:
            low = value if self.floor is None else self.floor
            return ["ROLLBACK"] if value < low or (sure and value > low + 1) else []
        if value == before + 1 or (unclean and value == before):
            return []
        return ["ROLLBACK"]

    def bound(self, head: dict[int, Any], body: dict[str, Any]) -> bool:
        if self.key is None or body["signature"] is not None:
            return False
        binding = hashlib.sha256(encode([1, head[5], head[3], head[4]])).digest()
        spki = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        try:
            envelope = Envelope.read(body["attestation"])
            stated = Decoder.whole(envelope.payload)
        except BadBytesError:
            return False
        return envelope.check(self.key, hashlib.sha256(spki).digest()[:16], "evs1 tick") and stated == {
            1: 1,
            2: body["value"],
            3: binding,
        }
