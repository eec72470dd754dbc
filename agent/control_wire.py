"""What is said on the control socket: one JSON object in a line for each request, one for each answer.

Rules of this module: pydantic at the edge, unknown keys refused; no socket here. The recording cannot be started, ended
or silenced from here: that is the officer's button alone.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from agent.errors import ControlError

LINE_BYTES_MAX: Final = 64 * 1024
OFFICERS_MAX: Final = 8
FIELDS_MAX: Final = 16


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _without_unseen(text: str) -> str:
    if any(map(_is_unseen, text)):
        raise ValueError("an invisible character is in it")
    return text


def _in_one_piece(text: str) -> str:
    if any(sign.isspace() for sign in text):
        raise ValueError("a blank is in it")
    return _without_unseen(text)


CertificateNumber = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_in_one_piece)]
"""Stands in record headers in the clear: printable, without blanks; some begin with a Chinese character (皖D12345)."""
Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_without_unseen)]
Reading = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_without_unseen)]
"""Pinyin, a syllable with its tone digit for each character: `zhang1 san1`; the voice says which are none."""
Code = Annotated[str, Field(min_length=1, max_length=64)]
ActivityId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")]


LabelText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StatusRequest(_Message):
    """How the unit is."""

    command: Literal["status"] = "status"


class CheckRequest(_Message):
    """Run the checks now, without a recording."""

    command: Literal["check"] = "check"


class OfficerEntry(_Message):
    """One officer."""

    name: Name
    certificate_number: CertificateNumber
    reading: Reading | None = None


class CheckoutRequest(_Message):
    """Hand the unit to officers (R2)."""

    command: Literal["checkout"] = "checkout"
    officers: Annotated[tuple[OfficerEntry, ...], Field(max_length=OFFICERS_MAX)]
    activity_id: ActivityId | None = None
    category: Code | None = None
    label: Code | None = None
    fields: Annotated[dict[Code, LabelText], Field(max_length=FIELDS_MAX)] = {}
    """What the recordings are labelled with (R22), by the codes of the profile's fields; sealed as payload."""
    department: Name | None = None
    """Under which the footage is kept, where the text keeps it so (R22); stands in headers."""
    away: Code | None = None
    """Code of the reason for which the later transfer limit is claimed; None: the normal limit runs."""


class CheckinRequest(_Message):
    """Take the unit back (R2)."""

    command: Literal["checkin"] = "checkin"


class MarkRequest(_Message):
    """Mark this moment of the recording (R7)."""

    command: Literal["mark"] = "mark"
    category: Code | None = None


class ExemptionRequest(_Message):
    """Something is not recorded, on a ground of the profile (R11)."""

    command: Literal["exemption"] = "exemption"
    ground: Code


class NoticeRequest(_Message):
    """Say the notice once more: another party has joined (R4)."""

    command: Literal["notice"] = "notice"


class TrustStoreRequest(_Message):
    """A custodian has decided to trust a store again that contradicted itself (SY-43)."""

    command: Literal["trust-store"] = "trust-store"
    decided_by: Name
    why: Annotated[str, Field(min_length=1, max_length=1000)]


Request = (
    StatusRequest
    | CheckRequest
    | CheckoutRequest
    | CheckinRequest
    | MarkRequest
    | ExemptionRequest
    | NoticeRequest
    | TrustStoreRequest
)
_REQUEST: Final[TypeAdapter[Request]] = TypeAdapter(Annotated[Request, Field(discriminator="command")])


class Refusal(_Message):
    """Why a request was not done."""

    code: int
    """Exit code of the command that asked."""
    message: str


class Reply(_Message):
    """The answer: a result or a refusal."""

    result: dict[str, JsonValue] | None = None
    refusal: Refusal | None = None


def read_request(line: bytes) -> Request:
    """Read a request.

    Raises:
        ControlError: It is none; the message says what is wrong with it.
    """
    try:
        return _REQUEST.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "request"
        raise ControlError(
            f"not a request of this agent: {where}: {first['msg']}; use `recorder` of this version"
        ) from error


def read_reply(line: bytes) -> Reply:
    """Read an answer. Raises ControlError when it is none."""
    try:
        return Reply.model_validate_json(line)
    except ValidationError as error:
        raise ControlError(f"not an answer of an agent: {line[:80]!r}; is that its socket?") from error


def to_line(message: Request | Reply) -> bytes:
    """Write a message as one line."""
    return message.model_dump_json().encode() + b"\n"
