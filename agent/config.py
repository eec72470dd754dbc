"""The agent's configuration: one TOML file and drop-ins beside it.

Rules of this module: pydantic at the edge, unknown keys refused; relative paths count from the directory of the main
file; nothing here opens a device or makes a directory. `recorder-sync` reads the same file (its tables `unit` and
`sync`), so those two tables are shared: change them in both places.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.errors import ConfigError
from agent.profile import SIGNED_SUFFIX, describe
from sync.errors import ConfigurationError
from sync.unit.config import read_tables

DEFAULT_PATH = Path("/etc/recorder/agent.toml")

_PATHS = (".toml", SIGNED_SUFFIX)
"""How the name of a profile ends that is a path."""

Option = str | int | float | bool


class Language(StrEnum):
    """What officers and administrators see and hear."""

    ZH = "zh"
    EN = "en"


class FreePolicy(StrEnum):
    """When footage that the store has receipted gives its space back."""

    WHEN_NEEDED = "when-needed"
    """Oldest first, as soon as less than `free_below_percent` of the medium is free."""
    WHEN_RECEIPTED = "when-receipted"
    """As soon as the receipt is checked and sealed."""


class SignerKind(StrEnum):
    """Where the device key lives."""

    FILE = "file"
    PKCS11 = "pkcs11"
    TPM = "tpm"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UnitTable(_Table):
    """Which unit this is and where it keeps its things."""

    device_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    state_directory: Path = Path("/var/lib/recorder")
    run_directory: Path = Path("/run/recorder")
    language: Language = Language.ZH


class KeysTable(_Table):
    """How the device key is kept."""

    signer: SignerKind = SignerKind.FILE
    module: Path | None = None
    """PKCS#11: the maker's library."""
    token: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    """PKCS#11: label of the token."""
    key: Annotated[str, Field(min_length=1, max_length=64)] = "device-key"
    """PKCS#11: label of the key in it."""
    pin_file: Path | None = None
    """PKCS#11: holds the token's PIN. Absent: the service's credential `token-pin`."""
    tcti: Annotated[str, Field(min_length=1, max_length=256)] = "device:/dev/tpmrm0"
    """TPM: how it is reached."""

    @model_validator(mode="after")
    def _names_its_token(self) -> Self:
        if self.signer is SignerKind.PKCS11 and (self.module is None or self.token is None):
            raise ValueError('signer = "pkcs11" needs `module` and `token`')
        return self


class HalTable(_Table):
    """How the hardware is reached."""

    driver_set: Annotated[str, Field(min_length=1, max_length=64)]
    options: dict[str, Option] = Field(default_factory=dict)
    """Passed to the driver set, which checks them; a text that begins with `./` or `../` is a path from this file."""


class ProfileTable(_Table):
    """Whose rules bind the unit."""

    name: Annotated[str, Field(min_length=1, max_length=4096)]
    """Id of a shipped profile, or path of a `.toml` or a signed `.profile` file."""
    signed: bool = False
    """The unit takes only a profile that its agency signed."""

    @property
    def takes_signed_only(self) -> bool:
        """Whether an unsigned profile is refused (PR-11)."""
        return self.signed or self.name.endswith(SIGNED_SUFFIX)


class CustodyTable(_Table):
    """Who keeps the unit, whoever wears it (R2)."""

    keeper_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\p{C}]+$")]
    """Certificate or staff number; stands in record headers in the clear."""
    keeper_name: Annotated[str, Field(min_length=1, max_length=64)]


class SpoolTable(_Table):
    """The evidence medium."""

    free: FreePolicy = FreePolicy.WHEN_NEEDED
    free_below_percent: Annotated[int, Field(ge=1, le=90)] = 20
    footage_seconds: Annotated[int, Field(ge=2, le=60)] = 60
    """Longest footage file in seconds of recording."""


class SyncTable(_Table):
    """The agency's store."""

    store_url: Annotated[str, Field(pattern=r"^https?://", max_length=512)] | None = None
    """Absent, and `mqtt_url` too: the unit records and uploads nothing."""
    mqtt_url: Annotated[str, Field(pattern=r"^mqtts?://", max_length=512)] | None = None
    transports: Annotated[tuple[Literal["http", "mqtt"], ...], Field(min_length=1, max_length=2)] = ("http", "mqtt")
    mqtt_files: bool = True
    rate_bytes_per_second: Annotated[int, Field(ge=1024)] | None = None


class AgentConfig(_Table):
    """The whole file."""

    unit: UnitTable
    hal: HalTable
    profile: ProfileTable
    keys: KeysTable = KeysTable()
    custody: CustodyTable | None = None
    """Absent: hand-overs are sealed without a keeper, and the check-out says so."""
    spool: SpoolTable = SpoolTable()
    sync: SyncTable = SyncTable()


class UnitPaths:
    """Where everything of one unit lies under its state and run directories.

    Args:
        config: The configuration, its paths already absolute.
    """

    def __init__(self, config: AgentConfig) -> None:
        state, run = config.unit.state_directory, config.unit.run_directory
        self.state = state
        self.spool = state / "spool"
        """Sealed files; the only directory that evidence is written to."""
        self.inbox = state / "inbox"
        """What sync hands down: receipts, for one."""
        self.rejected = state / "rejected"
        self.receipts = state / "receipts"
        """The store's receipts, byte for byte, `NNNNNNNN.receipt`."""
        self.voice = state / "voice"
        self.agency_voice = state / "agency-voice"
        """The agency's own clips and engine, described by `voice.toml`; absent, the built-in voice speaks alone."""
        self.drain = state / "drain"
        """What an hour of recording took of the pack when it was measured last, in percent."""
        self.keys = state / "keys"
        """`device.key`, `link.key` (PEM, 0600)."""
        self.certificates = state / "certificates"
        """`device.pem`, `link.pem`, `agency-ca.pem`, `store-receipt.pem`, `recipients/*.pem`."""
        self.agency_ca = self.certificates / "agency-ca.pem"
        self.delivered_profile = state / "delivered.profile"
        """The newest signed profile that came over sync; counts from the next start on."""
        self.profile_mark = self.keys / "profile-number"
        """The newest signed profile that was in force; kept for the unit's whole life."""
        self.run = run
        self.socket = run / "control.sock"
        self.status = run / "status.json"
        self.link = run / "link.json"
        """{"docked": bool, "session_open": bool}, for sync."""


def load_config(path: Path | None = None) -> AgentConfig:
    """Read the configuration and its drop-ins (`agent.d/*.toml` beside `agent.toml`, in the order of their names).

    Args:
        path: The main file; None for `/etc/recorder/agent.toml`.

    Returns:
        The checked configuration with absolute paths.

    Raises:
        ConfigError: A file is missing or malformed, a key unknown, or a value breaks a rule; the message names file,
            key, value and rule.
    """
    main = path or DEFAULT_PATH
    try:
        config = AgentConfig.model_validate(read_tables(main))
    except ConfigurationError as error:
        raise ConfigError(str(error)) from error
    except ValidationError as error:
        raise ConfigError(describe(error, str(main))) from error
    return _absolute(config, main.absolute().parent)


def _absolute(config: AgentConfig, base: Path) -> AgentConfig:
    unit = config.unit.model_copy(
        update={
            "state_directory": base / config.unit.state_directory,
            "run_directory": base / config.unit.run_directory,
        }
    )
    name = config.profile.name
    profile = config.profile.model_copy(update={"name": str(base / name) if name.endswith(_PATHS) else name})
    options = {key: _absolute_option(base, value) for key, value in config.hal.options.items()}
    hal = config.hal.model_copy(update={"options": options})
    pin_file = config.keys.pin_file
    keys = config.keys.model_copy(update={"pin_file": None if pin_file is None else base / pin_file})
    return config.model_copy(update={"unit": unit, "profile": profile, "hal": hal, "keys": keys})


def _absolute_option(base: Path, value: Option) -> Option:
    """A driver set runs in whatever directory the service has; what is meant from the file is made so."""
    if isinstance(value, str) and value.startswith(("./", "../")):
        return str(base / value)
    return value
