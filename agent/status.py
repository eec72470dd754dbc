"""The unit's status as JSON: what `recorder status --json` prints and `status.json` holds.

Rules of this module: a snapshot of others' figures; judges nothing, waits for nothing. New keys may appear, none
changes its meaning (`agent/README.md`, «Status»). No names of officers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter

from agent.due import DueStanding
from agent.profile import LoadedProfile
from agent.supervision import Health
from agent.upload import UploadStanding
from capture.preflight import PreflightResult
from capture.settings import CHINA
from capture.status import RecorderStatus, check_statuses
from hal.errors import HardwareError
from hal.ports import Hardware
from hal.values import BatteryReading, StorageReading
from sealing.recovery import Recovery
from sealing.service import SealingService

_STATUS_VERSION = 1
_SECOND_NS = 1_000_000_000
_PLAIN: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class Facts:
    """Who is asked."""

    device_id: str
    version: str
    profile: LoadedProfile
    hardware: Hardware
    sealing: SealingService
    recovery: Recovery | None
    recorder: RecorderStatus | None
    docked: bool
    health: Health
    due: DueStanding
    upload: UploadStanding


def status_table(facts: Facts) -> Mapping[str, JsonValue]:
    """Put the status together. Under 50 ms; any thread."""
    recorder = facts.recorder
    reading = facts.hardware.clock.read()
    return _plain(
        {
            "status_version": _STATUS_VERSION,
            "device_id": facts.device_id,
            "version": facts.version,
            "driver_set": facts.hardware.driver_set,
            "profile": _profile(facts.profile),
            "session_open": recorder is not None and recorder.session_id is not None,
            "recorder": None if recorder is None else recorder.as_table(),
            "docked": facts.docked,
            "due": _due(facts.due, reading.utc_ns),
            "upload": _upload(facts.upload),
            "clock": {
                "utc_ns": reading.utc_ns,
                "boottime_ns": reading.boottime_ns,
                "source": reading.source.value,
                "uncertainty_ns": reading.uncertainty_ns,
                "boot_id": reading.boot_id,
            },
            "battery": _battery(facts.hardware),
            "spool": _spool(facts),
            "sealing": {
                "waiting_bytes": facts.sealing.waiting_bytes,
                "high_water_bytes": facts.sealing.high_water_bytes,
                "fault": None if facts.sealing.fault is None else str(facts.sealing.fault),
            },
            "boot": _boot(facts.recovery),
            "unhealthy": [*facts.health.stalled, *facts.health.ended],
        }
    )


def check_table(result: PreflightResult) -> Mapping[str, JsonValue]:
    """A result of the checks."""
    checks = [asdict(each) for each in check_statuses(result)]
    return _plain({"verdict": result.verdict.value, "checks": checks})


def _profile(loaded: LoadedProfile) -> dict[str, object]:
    return {
        "id": loaded.profile.profile.id,
        "sha256": loaded.hash.hex(),
        "source": loaded.source,
        "number": None if loaded.document is None else loaded.document.number,
    }


def _due(due: DueStanding, now_utc_ns: int) -> dict[str, object]:
    """What has to be handed over and labelled, the times in words for people as well (R20, R22)."""
    return {
        **asdict(due),
        "due_local": _local(due.due_utc_ns),
        "overdue": due.overdue_at(now_utc_ns),
        "labels_local": _local(due.labels_due_utc_ns),
    }


def _upload(upload: UploadStanding) -> dict[str, object]:
    """How the upload stands, the time of the last contact in words for people as well."""
    return {**asdict(upload), "contact_local": _local(upload.contact_utc_ns)}


def _local(utc_ns: int | None) -> str | None:
    return None if utc_ns is None else f"{datetime.fromtimestamp(utc_ns // _SECOND_NS, CHINA):%F %H:%M}"


def _spool(facts: Facts) -> dict[str, object]:
    files = facts.sealing.sealed_files()
    medium = _storage(facts.hardware)
    return {
        "files": len(files),
        "receipted": sum(file.receipt_hash is not None for file in files),
        "newest": max((file.number for file in files), default=None),
        "free_bytes": None if medium is None else medium.free_bytes,
        "total_bytes": None if medium is None else medium.total_bytes,
        "writable": medium is not None and medium.writable,
    }


def _boot(recovery: Recovery | None) -> dict[str, object] | None:
    if recovery is None:
        return None
    return {
        "number": recovery.boot_number,
        "reason": recovery.reason,
        "clean": recovery.clean,
        "torn_bytes": recovery.torn_bytes,
    }


def _storage(hardware: Hardware) -> StorageReading | None:
    try:
        return hardware.storage.usage()
    except HardwareError:
        return None


def _battery(hardware: Hardware) -> dict[str, object] | None:
    try:
        reading: BatteryReading = hardware.battery.read()
    except HardwareError:
        return None
    return {"charge_percent": reading.charge_percent, "charging": reading.charging, "voltage_mv": reading.voltage_mv}


def _plain(table: dict[str, object]) -> Mapping[str, JsonValue]:
    """Tuples become lists; anything that JSON cannot carry is a bug, found here."""
    return _PLAIN.validate_python(TypeAdapter(dict[str, object]).dump_python(table, mode="json"))
