"""What `recorder-sync` reads of the unit's configuration: the tables `unit` and `sync` of the agent's file.

Rules of this module: pydantic at the edge; relative paths count from the directory of the main file. Table `unit` is
the agent's and checked there as a whole; here only what sync needs of it is read. Drop-ins are merged
here for both.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sync.errors import ConfigurationError
from sync.rules import RULES_NAME
from sync.wire import DeviceId

DEFAULT_PATH: Final = Path("/etc/recorder/agent.toml")
PROGRESS_NAME: Final = "sync.json"
STATUS_NAME: Final = "status.json"
"""The agent's word about the unit."""
_CONFIG_BYTES_MAX: Final = 256 * 1024
_DROP_IN_SUFFIX: Final = ".d"


TransportKind = Literal["http", "mqtt"]


class UnitTable(BaseModel):
    """Table `unit`: which unit this is and where it keeps its things."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    device_id: DeviceId
    state_directory: Path = Path("/var/lib/recorder")
    run_directory: Path = Path("/run/recorder")


class SyncTable(BaseModel):
    """Table `sync`: the agency's store."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store_url: Annotated[str, Field(pattern=r"^https?://", max_length=512)] | None = None
    mqtt_url: Annotated[str, Field(pattern=r"^mqtts?://", max_length=512)] | None = None
    """A broker between unit and store."""
    transports: Annotated[tuple[TransportKind, ...], Field(min_length=1, max_length=2)] = ("http", "mqtt")
    """The order in which they are tried; one without an address is left out."""
    mqtt_files: bool = True
    """Files go through the broker, too, where its turn comes; else questions, alerts and presence alone."""
    rate_bytes_per_second: Annotated[int, Field(ge=1024)] | None = None
    """Pace of uploads, kept by the kernel; absent: as fast as the line goes."""

    def lines(self) -> tuple[TransportKind, ...]:
        """The transports that have an address, in the order in which they are tried."""
        addresses = {"http": self.store_url, "mqtt": self.mqtt_url}
        return tuple(one for one in dict.fromkeys(self.transports) if addresses[one] is not None)

    @model_validator(mode="after")
    def _carries_files(self) -> Self:
        if self.lines() == ("mqtt",) and not self.mqtt_files:
            raise ValueError("mqtt_files = false leaves no line for files; name store_url, too, or allow it")
        return self


class UnitConfig(BaseModel):
    """The two tables."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    unit: UnitTable
    sync: SyncTable = SyncTable()

    @property
    def paths(self) -> SyncPaths:
        """Where sync finds and puts its files."""
        return SyncPaths(self.unit.state_directory, self.unit.run_directory)


class SyncPaths:
    """Where sync finds and puts its files.

    Args:
        state: The unit's state directory.
        run: Its run directory.
    """

    def __init__(self, state: Path, run: Path) -> None:
        self.spool = state / "spool"
        self.inbox = state / "inbox"
        self.rejected = state / "rejected"
        self.receipts = state / "receipts"
        self.link_key = state / "keys" / "link.key"
        self.link_certificate = state / "certificates" / "link.pem"
        self.agency_ca = state / "certificates" / "agency-ca.pem"
        self.receipt_certificate = state / "certificates" / "store-receipt.pem"
        self.documents = {
            "policy": state / "certificates" / "policy.cose",
            "profile": state / "delivered.profile",
        }
        """The agency's documents that the agent has accepted, by kind."""
        self.link_state = run / "link.json"
        self.rules = run / RULES_NAME
        self.status = run / STATUS_NAME
        self.progress = run / PROGRESS_NAME


def load_config(path: Path) -> UnitConfig:
    """Read the configuration and its drop-ins (`agent.d/*.toml` beside `agent.toml`).

    Raises:
        ConfigurationError: A file is missing or malformed, or a value breaks a rule.
    """
    table = read_tables(path)
    try:
        config = UnitConfig.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {where}: {first['msg']}; correct that key") from error
    base = path.absolute().parent
    directories = ("state_directory", "run_directory")
    absolute = {name: base / getattr(config.unit, name) for name in directories}
    return config.model_copy(update={"unit": config.unit.model_copy(update=absolute)})


def read_tables(path: Path) -> dict[str, object]:
    """Read the file and its drop-ins, merged but not checked: the one rule that the agent follows, too.

    Raises:
        ConfigurationError: A file is missing, too large or no TOML.
    """
    table = _read_table(path)
    folder = path.with_suffix(_DROP_IN_SUFFIX)
    for drop_in in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        table = _merged(table, _read_table(drop_in))
    return table


def _read_table(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            data = file.read(_CONFIG_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; name the file with --config") from error
    if len(data) > _CONFIG_BYTES_MAX:
        raise ConfigurationError(
            f"{path}: larger than {_CONFIG_BYTES_MAX} bytes; this is no configuration of the agent"
        )
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: not a TOML file in UTF-8: {error}; correct that place") from error


def _merged(below: dict[str, object], above: dict[str, object]) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
