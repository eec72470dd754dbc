"""What sync obeys of an agency's profile, on the unit and in the store.

Rules of this module: values only. The store reads them out of the profile's own TOML file, whose hash the unit seals;
the unit's agent writes the same values as `sync-profile.json` into the run directory. Sections of other rooms are read
for the few values that matter here, and not judged: that is the agent's matter.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from datetime import date, timedelta, timezone
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sync import durable
from sync.deadlines import WorkingDayTable
from sync.errors import ConfigurationError
from sync.profile import Code, SyncProfile

RULES_NAME: Final = "sync-profile.json"
RULES_BYTES_MAX: Final = 64 * 1024
_MINUTE: Final = timedelta(minutes=1)


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class WorkingDays(_Read):
    """The official calendar of named years."""

    years: tuple[int, ...] = ()
    days_off: tuple[date, ...] = ()
    made_up: tuple[date, ...] = ()


class Exemption(_Read):
    """What the work record about a recording that was left out or broken off has to say (R11)."""

    grounds: tuple[Code, ...] = ()
    fields: tuple[str, ...] = ()
    addressee: str | None = None
    reviewed: bool = False
    filed: bool = False


class Radio(_Read):
    """Secrecy labels that bind a session to the wire, for each kind of thing that could leave (R16)."""

    files_forbidden: tuple[Code, ...] = ()
    headers_forbidden: tuple[Code, ...] = ()
    alerts_forbidden: tuple[Code, ...] = ()


class Rules(_Read):
    """One profile, as sync obeys it."""

    version: Literal[1] = 1
    profile_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    profile_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the profile's file, as it stands in every OPEN."""
    sync: SyncProfile
    working_days: WorkingDays = WorkingDays()
    radio: Radio = Radio()
    report_to: str | None = None
    """To whom a recording that cannot go on is reported at once (R9); None: to nobody."""
    written_explanation: bool = False
    """A recording that could not go on is explained in writing (R9)."""
    exemption: Exemption | None = None
    repair_hours: int | None = None
    """From the discovery of a fault to its repair (R18)."""
    categories: tuple[Code, ...] = ()
    """Activities that the profile knows (R19)."""
    causes: tuple[Code, ...] = ()
    """Causes of a break that the text allows (R8)."""
    secrecy_labels: tuple[Code, ...] = ()
    """Secrecy labels that a recording may bear (R16)."""
    secrecy_open_ended: bool = False
    """The text names further secrets «by law»: other labels may be given, too."""

    @property
    def zone(self) -> timezone:
        """The zone in which the agency's days end."""
        return timezone(self.sync.utc_offset_minutes * _MINUTE)

    def table(self) -> WorkingDayTable:
        """The calendar as the pure function of due times takes it."""
        days = self.working_days
        return WorkingDayTable(frozenset(days.years), frozenset(days.days_off), frozenset(days.made_up))


class _Coded(_Read):
    code: Code


class _ExemptionTable(_Read):
    grounds: tuple[_Coded, ...] = ()
    work_record_fields: tuple[str, ...] = ()
    addressee: str | None = None
    reviewed: bool = False
    filed: bool = False


class _Head(_Read):
    id: str


class _Interruptions(_Read):
    report_to: str | None = None
    causes: tuple[_Coded, ...] = ()


class _Capture(_Read):
    interruptions: _Interruptions = _Interruptions()


class _Secrecy(_Read):
    not_over_radio: tuple[Code, ...] = ()
    classes: tuple[_Coded, ...] = ()
    open_ended: bool = False


class _Activities(_Read):
    categories: tuple[_Coded, ...] = ()


class _CannotContinue(_Read):
    written_explanation: bool = False


class _Repair(_Read):
    hours: int


class _ProfileFile(_Read):
    profile: _Head
    sync: SyncProfile
    capture: _Capture = _Capture()
    working_days: WorkingDays = WorkingDays()
    secrecy: _Secrecy = _Secrecy()
    activities: _Activities = _Activities()
    cannot_continue: _CannotContinue = _CannotContinue()
    exemption: _ExemptionTable | None = None
    repair: _Repair | None = None


def rules_of_profile(data: bytes) -> Rules:
    """Read the rules out of a profile's TOML file.

    Raises:
        ConfigurationError: It is no profile.
    """
    try:
        table = tomllib.loads(data.decode())
        found = _ProfileFile.model_validate(table)
        return _composed(found, hashlib.sha256(data).hexdigest())
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"not a profile: {error}; check it with `recorder profile check`") from error


def _composed(found: _ProfileFile, profile_sha256: str) -> Rules:
    never = found.secrecy.not_over_radio
    return Rules(
        profile_id=found.profile.id,
        profile_sha256=profile_sha256,
        sync=found.sync,
        working_days=found.working_days,
        radio=Radio(files_forbidden=never, headers_forbidden=never, alerts_forbidden=never),
        report_to=found.capture.interruptions.report_to,
        written_explanation=found.cannot_continue.written_explanation,
        exemption=None if found.exemption is None else _exemption(found.exemption),
        repair_hours=None if found.repair is None else found.repair.hours,
        categories=_codes(found.activities.categories),
        causes=_codes(found.capture.interruptions.causes),
        secrecy_labels=_codes(found.secrecy.classes),
        secrecy_open_ended=found.secrecy.open_ended,
    )


def _codes(listed: Iterable[_Coded]) -> tuple[str, ...]:
    return tuple(one.code for one in listed)


def _exemption(table: _ExemptionTable) -> Exemption:
    return Exemption(
        grounds=_codes(table.grounds),
        fields=table.work_record_fields,
        addressee=table.addressee,
        reviewed=table.reviewed,
        filed=table.filed,
    )


def write_rules(run_directory: Path, profile: bytes) -> None:
    """Put a profile's rules where `recorder-sync` finds them; the agent's side. Raises ConfigurationError, OSError."""
    durable.write_file(run_directory / RULES_NAME, rules_of_profile(profile).model_dump_json().encode())


def read_rules(path: Path) -> Rules | None:
    """Read what the agent wrote; None while there is nothing.

    Raises:
        ConfigurationError: It cannot be used.
    """
    try:
        with path.open("rb") as file:
            data = file.read(RULES_BYTES_MAX + 1)
        return Rules.model_validate_json(data)
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigurationError(f"{path} cannot be used: {error}; start recorder-agent again") from error
