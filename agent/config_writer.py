"""Writes a first configuration, with every setting that it makes explained.

Rules of this module: writes a file that was not there; never touches one that was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.config import CustodyTable, KeysTable
from agent.errors import ConfigError, SpoolError
from agent.profile import SIGNED_SUFFIX
from agent.signed_profile import load_any
from sync.durable import write_file

_TEMPLATE: Final = """\
# Configuration of the recorder. Relative paths count from this file; agent.d/*.toml beside it are merged over it.
# Check it with `recorder config check`.

[unit]
device_id = {device_id}
# Keys, certificates and the sealed files.
state_directory = {state_directory}
# Control socket and what the processes tell each other.
run_directory = {run_directory}
# What officers hear: "zh" or "en".
language = "zh"

[hal]
driver_set = {driver_set}

[keys]
# Where the device key lives: "file", "pkcs11" or "tpm".
{keys}

[profile]
# Path of the profile that the agency signed (*.profile): the unit then takes no other kind. For tests: the id of a
# shipped one (`recorder profile list`), or the path of a .toml file.
name = {profile}

{custody}[sync]
store_url = {store_url}
"""


@dataclass(frozen=True, slots=True)
class NewConfig:
    """What a first configuration says."""

    device_id: str
    state_directory: Path
    run_directory: Path
    driver_set: str
    profile: str | None
    store_url: str
    keys: KeysTable
    custody: CustodyTable | None = None


def write_config(path: Path, settings: NewConfig) -> None:
    """Write the file.

    Raises:
        ConfigError: No profile was named.
        ProfileError: The named one cannot be loaded.
        SpoolError: The file cannot be written.
    """
    if settings.profile is None:
        raise ConfigError(f"{path} is missing, and no --profile was named to write it with; `recorder profile list`")
    load_any(settings.profile, (settings.state_directory / "certificates" / "agency-ca.pem",))
    values = {
        "device_id": settings.device_id,
        "state_directory": str(settings.state_directory.absolute()),
        "run_directory": str(settings.run_directory.absolute()),
        "driver_set": settings.driver_set,
        "profile": _absolute_profile(settings.profile),
        "store_url": settings.store_url,
    }
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    text = _TEMPLATE.format(**texts, keys=_table(settings.keys), custody=_custody(settings.custody))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text.encode(), 0o644)
    except OSError as error:
        raise SpoolError(f"{path}: cannot be written: {error.strerror}; check owner and medium") from error


def _table(keys: KeysTable) -> str:
    """The settings that are not the usual ones, and the signer."""
    said = {"signer": keys.signer.value, **keys.model_dump(mode="json", exclude_defaults=True)}
    return "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in said.items())


def _custody(custody: CustodyTable | None) -> str:
    if custody is None:
        return ""
    said = {name: json.dumps(value, ensure_ascii=False) for name, value in custody.model_dump().items()}
    lines = ["[custody]", "# The unit's standing keeper, whoever wears it."]
    return "\n".join([*lines, *(f"{name} = {value}" for name, value in said.items()), "", ""])


def _absolute_profile(name: str) -> str:
    return str(Path(name).absolute()) if name.endswith((".toml", SIGNED_SUFFIX)) else name
