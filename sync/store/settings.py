"""What a store knows of itself: its id and where it is reached.

Rules of this module: one small file, `store.json`, written once by `init`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sync import durable
from sync.errors import StoreError

SETTINGS_NAME: Final = "store.json"


class StoreSettings(BaseModel):
    """Contents of `store.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    store_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    url: Annotated[str, Field(max_length=256)]
    """Written into every bundle: where units find the store."""

    @property
    def host(self) -> str:
        """Host name or address in the URL."""
        return urlsplit(self.url).hostname or "localhost"


def save_settings(directory: Path, settings: StoreSettings) -> None:
    """Write `store.json`. Raises OSError."""
    durable.write_file(directory / SETTINGS_NAME, settings.model_dump_json(indent=2).encode() + b"\n")


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
