"""What a store knows of itself: its id, where it is reached, and which engines stand behind it.

Rules of this module: one small file, `store.json`, written once by `init`; no secret ever stands in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sync import durable
from sync.errors import StoreError

SETTINGS_NAME: Final = "store.json"


class ObjectsSettings(BaseModel):
    """A bucket for objects, instead of the store's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?$")]
    """`s3://bucket/prefix`"""
    endpoint: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """The server; None: Amazon's of the region."""
    region: str = "us-east-1"
    credentials: Path | None = None
    """A file with an access key, as the AWS tools write it; None: environment, or what the machine's role gives."""
    lock_days: Annotated[int, Field(gt=0)] | None = None
    """For how long an object can be neither deleted nor replaced; the bucket has to have Object Lock."""
    lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] = "COMPLIANCE"

    @property
    def bucket(self) -> str:
        """Name of the bucket."""
        return urlsplit(self.url).netloc

    @property
    def prefix(self) -> str:
        """Begins every key; empty, or ends with a slash."""
        inner = urlsplit(self.url).path.strip("/")
        return f"{inner}/" if inner else ""


class StoreSettings(BaseModel):
    """Contents of `store.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    store_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    url: Annotated[str, Field(max_length=256)]
    """Written into every bundle: where units find the store."""
    ledger: Annotated[str, Field(pattern=r"^postgresql://")] | None = None
    """A PostgreSQL database; None: `store.db` in the store's folder."""
    objects: ObjectsSettings | None = None
    """A bucket; None: the store's folder."""

    @field_validator("ledger")
    @classmethod
    def _without_password(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).password is not None:
            raise ValueError("a password has no place in the store's settings; use PGPASSFILE or PGPASSWORD")
        return url

    @model_validator(mode="after")
    def _both_or_none(self) -> StoreSettings:
        """What one gateway promises, all others have to have: rows and objects alike."""
        if (self.ledger is None) is not (self.objects is None):
            raise ValueError("a database and a bucket go together: name both or none")
        return self

    @property
    def scaled(self) -> bool:
        """Whether several processes may serve it."""
        return self.ledger is not None

    @property
    def host(self) -> str:
        """Host name or address in the URL."""
        return urlsplit(self.url).hostname or "localhost"


def save_settings(directory: Path, settings: StoreSettings) -> None:
    """Write `store.json`. Raises OSError."""
    durable.write_file(
        directory / SETTINGS_NAME, settings.model_dump_json(indent=2, exclude_none=True).encode() + b"\n"
    )


def load_settings(directory: Path) -> StoreSettings:
    """Read `store.json`.

    Raises:
        StoreError: The folder is not a store's.
    """
    path = directory / SETTINGS_NAME
    try:
        return StoreSettings.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise StoreError(
            f"{directory} is no store: {path.name} is missing; make one with `recorder-store init`"
        ) from error
    except (OSError, ValidationError) as error:
        raise StoreError(f"{path} cannot be used: {error}; restore it from the backup") from error
