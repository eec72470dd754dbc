"""Everything that a start needs, checked before anything is touched.

Rules of this module: `prepare` reads and judges, and changes nothing: a bad start leaves everything as it was. Only
`make_directories`, called when all is good, makes what is missing.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cryptography import x509

from agent.config import AgentConfig, UnitPaths
from agent.errors import SpoolError
from agent.profile import LoadedProfile
from agent.provisioning import UnitFolders, load_identity, load_receipt_certificate
from agent.sealing_rules import sealing_policy
from agent.signed_profile import load_for_unit
from hal.errors import DriverSetError
from hal.registry import installed_driver_sets
from sealing.identity import DeviceIdentity, SealingPolicy

_STATE_MODE: Final = 0o750
_INBOX_MODE: Final = 0o770
"""Sync, another user of the same group, puts receipts in."""
SOFTWARE_VERSION: Final = version("recorder-agent")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration with all that it names, found good."""

    config: AgentConfig
    paths: UnitPaths
    profile: LoadedProfile
    identity: DeviceIdentity
    policy: SealingPolicy
    receipt_certificate: x509.Certificate | None
    """None on a unit that has no store: nothing is ever freed there."""


def prepare(config: AgentConfig) -> Prepared:
    """Load and check what the configuration names.

    Raises:
        ProfileError: The profile cannot be used.
        IdentityError: Keys, certificates or recipients are missing or do not fit.
        DriverSetError: There is no such driver set here.
        SpoolError: The state or run directory is not one that can be written.
    """
    paths = UnitPaths(config)
    profile = load_for_unit(config.profile, paths)
    folders = UnitFolders(paths.keys, paths.certificates)
    identity = load_identity(folders, config.unit.device_id, config.keys)
    policy = sealing_policy(folders, identity, config.spool.footage_seconds)
    _check_driver_set(config.hal.driver_set)
    for directory in (paths.spool, paths.inbox, paths.receipts, paths.voice, paths.run):
        check_writable(directory)
    return Prepared(config, paths, profile, identity, policy, load_receipt_certificate(folders))


def make_directories(paths: UnitPaths) -> None:
    """Make the directories that a new unit lacks.

    Raises:
        SpoolError: One cannot be made.
    """
    modes = dict.fromkeys((paths.spool, paths.receipts, paths.voice, paths.run), _STATE_MODE)
    for directory, mode in {**modes, paths.inbox: _INBOX_MODE, paths.rejected: _STATE_MODE}.items():
        if directory.is_dir():
            continue
        try:
            directory.mkdir(parents=True)
            directory.chmod(mode)
        except OSError as error:
            raise SpoolError(f"{directory}: cannot be made: {error.strerror}; check owner and medium") from error


def check_writable(directory: Path) -> None:
    """See that a directory can be written, or could be made.

    Raises:
        SpoolError: It cannot; the message says why.
    """
    existing = directory
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"\0")
    except OSError as error:
        raise SpoolError(f"{directory}: cannot be written: {error.strerror}; check owner, mount and medium") from error


def _check_driver_set(name: str) -> None:
    installed = installed_driver_sets()
    if name not in installed:
        raise DriverSetError(
            f"hal.driver_set = {name!r}: no such driver set; installed: {', '.join(installed) or 'none'}"
        )
