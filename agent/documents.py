"""What the agency hands down to the unit, judged and put where the next start finds it (SY-40).

Rules of this module: a document counts only when the unit's own agency signed it and it is not older than the one that
is here; nothing of it binds before the next start, so that no recording changes its rules.
"""

from __future__ import annotations

from pathlib import Path

from agent.config import UnitPaths
from agent.errors import ProfileError
from agent.provisioning import UnitFolders
from agent.sealing_rules import check_serves
from agent.signed_profile import accept_delivered, agency_cas
from sealing.agency_document import KIND_POLICY, KIND_PROFILE, verify_document
from sealing.policy import UnitPolicy
from sync.durable import write_file
from sync.unit.config import SyncPaths


def accept_document(kind: str, data: bytes, paths: UnitPaths) -> int:
    """Take a document that sync brought.

    Args:
        kind: `profile` or `policy`, as its name in the inbox says.
        data: The document.
        paths: Where the unit keeps what it has accepted.

    Returns:
        Its number.

    Raises:
        ProfileError: A profile that is not the agency's, breaks a rule, or is older than the one in force.
        SealingError: A policy that is not the agency's, is older than the one that is here, or has no rules for this
            unit's recipients.
        IdentityError: The unit's recipients cannot be read.
        AgentError: It cannot be kept.
    """
    if kind == KIND_PROFILE:
        document = accept_delivered(data, paths).document
        if document is None:
            raise ProfileError("delivered profile: it is not signed; take the file that the agency signed")
        return document.number
    return _accept_policy(data, SyncPaths(paths.state, paths.run).documents[kind], paths)


def _accept_policy(data: bytes, kept: Path, paths: UnitPaths) -> int:
    agency_ca_ders = agency_cas(paths.agency_ca)
    found = verify_document(data, KIND_POLICY, agency_ca_ders)
    check_serves(UnitPolicy.of(found), UnitFolders(paths.keys, paths.certificates))
    if kept.exists():
        found.check_replaces(verify_document(kept.read_bytes(), KIND_POLICY, agency_ca_ders))
    write_file(kept, data)
    return found.number
