"""A policy profile as a whole: one agency's rules, composed from the sections of the rooms that obey them.

Rules of this module: no agency's name, no value of any regulation. The file is TOML; its hash, which the unit seals, is
the SHA-256 of the file's bytes. Clause ids below are those of `PROFILE.md`.
"""

from __future__ import annotations

import hashlib
import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from importlib.resources import files
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from agent.duties import (
    AccessSection,
    ActivitiesSection,
    CannotContinueSection,
    CaseFileSection,
    CustodySection,
    Duty,
    EvidenceCopySection,
    ExemptionSection,
    InspectionSection,
    LongTermSection,
    RepairSection,
    RetentionSection,
    SecrecySection,
    WorkingDaysSection,
    check_codes_once,
)
from agent.errors import ProfileError
from capture.profile import CaptureProfile, ExemptionGround
from capture.section import Section, Words
from sealing.agency_document import AgencyDocument
from sync.profile import SyncProfile

PROFILE_BYTES_MAX = 60 * 1024
"""PR-2: a larger file is refused before it is parsed; a signed one has 4 KiB more for its envelope."""
SIGNED_SUFFIX = ".profile"
"""How the name of a signed profile ends (`agent.signed_profile`)."""
SCHEMA_VERSION = 1
DUTIES_MAX = 64
_SHOWN_MAX = 80
"""Characters of a wrong value that an error repeats."""
_REPR = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 2 * _SHOWN_MAX

ProfileId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class ProfileHead(Section):
    """Whose rules these are."""

    schema_version: Annotated[int, Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    id: ProfileId
    agency: Words
    agency_en: Words
    regulation: Words
    document_number: Words | None = None


class Profile(Section):
    """One agency's profile; an absent section means that its text has no such rule (PR-3)."""

    profile: ProfileHead
    capture: CaptureProfile
    sync: SyncProfile
    activities: ActivitiesSection = ActivitiesSection()
    cannot_continue: CannotContinueSection | None = None
    exemption: ExemptionSection | None = None
    secrecy: SecrecySection | None = None
    retention: RetentionSection | None = None
    long_term: LongTermSection | None = None
    evidence_copy: EvidenceCopySection | None = None
    access: AccessSection | None = None
    inspection: InspectionSection | None = None
    case_file: CaseFileSection | None = None
    repair: RepairSection | None = None
    custody: CustodySection | None = None
    working_days: WorkingDaysSection | None = None
    duties: Annotated[tuple[Duty, ...], Field(max_length=DUTIES_MAX)] = ()

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        """PR-6, for the lists of a section that cannot say so itself."""
        exception, labels = self.sync.transfer.exception, self.sync.labels
        check_codes_once("sync.transfer.exception.reasons", exception.reasons if exception else ())
        check_codes_once("sync.labels.fields", labels.fields if labels else ())
        check_codes_once(
            "capture.interruptions.causes and exemption.grounds", (*self.capture.interruptions.causes, *self.grounds)
        )
        return self

    @property
    def grounds(self) -> tuple[ExemptionGround, ...]:
        """On which the text lets officers not record; none where it has no such rule (R11)."""
        return () if self.exemption is None else self.exemption.grounds

    @model_validator(mode="after")
    def _working_days_there(self) -> Self:
        """PR-7: who counts working days carries the calendar."""
        transfer = self.sync.transfer
        limits = [transfer.normal.limit, *([transfer.exception.limit] if transfer.exception else [])]
        if self.working_days is None and any(limit.working_days is not None for limit in limits):
            raise ValueError(
                "a limit counts working days; add [working_days], made by `recorder profile holidays YEAR`"
            )
        return self


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """A profile with the hash of the bytes that it was read from."""

    profile: Profile
    hash: bytes
    """SHA-256 of the file's bytes, sealed in every file's OPEN (PR-1)."""
    source: str
    """File that it was read from, for messages."""
    content: bytes = field(repr=False)
    """The TOML file's bytes."""
    document: AgencyDocument | None = None
    """The signed document that it came in, None for a bare TOML file (PR-10)."""


def shipped_profiles() -> tuple[str, ...]:
    """Ids of the profiles that ship with the agent, sorted."""
    folder = files("agent") / "profiles"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_profile(name: str) -> LoadedProfile:
    """Load a profile by the id of a shipped one, or by the path of a file.

    Args:
        name: `huainan`, for example, or a path that ends in `.toml`.

    Returns:
        The profile, checked as a whole.

    Raises:
        ProfileError: There is no such profile, it is too large, no TOML, or a value breaks a rule; the message names
            file, key, value and rule.
    """
    data, source = _bytes_of(name)
    return parse_profile(data, source)


def parse_profile(data: bytes, source: str) -> LoadedProfile:
    """Check the bytes of a profile file. Arguments, result and errors as `load_profile`."""
    if len(data) > PROFILE_BYTES_MAX:
        raise ProfileError(f"{source}: {len(data)} bytes, a profile has at most {PROFILE_BYTES_MAX}; shorten it")
    table = _table_of(data, source)
    try:
        profile = Profile.model_validate(table)
    except ValidationError as error:
        raise ProfileError(describe(error, source)) from error
    mistyped = list(_mistyped(table, profile.model_dump(exclude_unset=True)))
    if mistyped:
        raise ProfileError("\n".join(f"{source}: {line}" for line in mistyped))
    return LoadedProfile(profile, hashlib.sha256(data).digest(), source, data)


def _table_of(data: bytes, source: str) -> dict[str, object]:
    """PR-2: what is in the file, whatever it is that somebody gives for one."""
    if data.startswith(BOM_UTF8):
        raise ProfileError(f"{source}: begins with a byte order mark; save it as UTF-8 without one (BOM)")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ProfileError(f"{source}: not in UTF-8 (line {line}: {error.reason}); save it as UTF-8") from error
    except RecursionError as error:
        raise ProfileError(f"{source}: not a TOML file of a profile: nested too deeply; correct it") from error
    except ValueError as error:
        raise ProfileError(f"{source}: not a TOML file: {error}; correct that place") from error


def _mistyped(written: object, read: object, at: str = "") -> Iterator[str]:
    """PR-4: a number that is written as text, or a yes as a number, is no value of its kind, though it can be read."""
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in written.items():
            yield from _mistyped(value, read[key], f"{at}.{key}" if at else key)
    elif isinstance(written, list) and isinstance(read, list | tuple):
        for place, (one, two) in enumerate(zip(written, read, strict=True)):
            yield from _mistyped(one, two, f"{at}.{place}")
    elif _kind(written) != _kind(read) and (_kind(written), _kind(read)) != ("a whole number", "a decimal number"):
        yield f"{at} = {written!r}: {_kind(read)} belongs there, not {_kind(written)}; correct the value"


def _kind(value: object) -> str:
    """What a value of a TOML file is, in words."""
    kinds = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a decimal number"),
        (str, "text"),
        (Enum, "text"),
        (date, "a date"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "a list or table")


def describe(error: ValidationError, source: str) -> str:
    """One line per broken rule: file, key, value, rule (PR-4)."""
    return "\n".join(f"{source}: {line}" for line in _broken_rules(error))


def describe_short(error: ValidationError) -> str:
    """The first broken rule alone: key, value, rule."""
    return next(_broken_rules(error))


def _broken_rules(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False):
        key = ".".join(str(part) for part in found["loc"]) or "(the whole table)"
        value = _REPR.repr(found["input"])
        shown = value if len(value) <= _SHOWN_MAX else value[: _SHOWN_MAX - 1] + "…"
        yield f"{key} = {shown}: {found['msg'].removeprefix('Value error, ')}; {_remedy(found['type'])}"


def _remedy(kind: str) -> str:
    if kind == "extra_forbidden":
        return "remove the key or correct its name"
    return "add it" if kind == "missing" else "correct the value"


def _bytes_of(name: str) -> tuple[bytes, str]:
    if name in shipped_profiles():
        shipped = files("agent") / "profiles" / f"{name}.toml"
        return shipped.read_bytes(), f"{name}.toml"
    path = Path(name)
    if path.suffix != ".toml":
        known = ", ".join(shipped_profiles())
        raise ProfileError(
            f"profile {name!r} is not one of those shipped ({known}); give one, or the path of a .toml file"
        )
    try:
        with path.open("rb") as file:
            return file.read(PROFILE_BYTES_MAX + 1), str(path)
    except OSError as error:
        raise ProfileError(f"profile {path}: cannot be read: {error.strerror}; check the path") from error
