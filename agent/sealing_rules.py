"""How this unit seals: to whom, and by which suite, as its agency's signed policy has it.

Rules of this module: chooses and refuses; nobody negotiates. A unit of an agency without a policy seals by the suite
that its key is for. Whether a set of rules is the one of the day is the verifier's to say: a unit in the street that
refused to record because its rules ran out last night would lose the evidence (`sealing/FORMAT.md`, SF-37, SF-52).
"""

from __future__ import annotations

from cryptography import x509

from agent.errors import IdentityError
from agent.provisioning import UnitFolders, load_policy, load_recipients
from sealing.certificates import allowed_suites
from sealing.errors import PolicyError, SealingError
from sealing.identity import DeviceIdentity, SealingPolicy
from sealing.policy import UnitPolicy
from sealing.suites import SUITES
from sealing.wraps import Recipient


def sealing_policy(folders: UnitFolders, identity: DeviceIdentity, footage_seconds: int) -> SealingPolicy:
    """Put together what the writer needs.

    Args:
        folders: Where recipients and policy lie.
        identity: Who seals.
        footage_seconds: Longest footage file.

    Raises:
        IdentityError: Recipients or policy are missing, forged, or allow nothing that this unit can do.
    """
    recipients, agency = load_recipients(folders), load_policy(folders)
    try:
        number = identity.family.number if agency is None else _suite_of(agency, identity, recipients)
        policy = SealingPolicy(recipients, suites=(number,), footage_seconds=footage_seconds)
        identity.check_suite(policy.check())
    except SealingError as error:
        raise IdentityError(f"{folders.certificates}: {error}; install the agency's bundle again") from error
    return policy


def check_serves(agency: UnitPolicy, folders: UnitFolders) -> None:
    """Check that a policy has rules for the recipients that this unit has, before it takes the place of another.

    Raises:
        PolicyError: It has none: the next start would be without rules.
        IdentityError: The unit's recipients cannot be read.
    """
    recipients = load_recipients(folders)
    if not any(_is_ruled(agency, number, recipients) for number in SUITES):
        raise PolicyError(
            f"device policy number {agency.number} has no rules for the unit's recipients; keep their rules in the "
            "policy until every unit has its new bundle"
        )


def _suite_of(agency: UnitPolicy, identity: DeviceIdentity, recipients: tuple[Recipient, ...]) -> int:
    """The strongest that policy, certificate and kind of key allow: their numbers rise with it."""
    certified = allowed_suites(x509.load_der_x509_certificate(identity.certificate_der))
    own = {n for n, used in SUITES.items() if used.device_algorithm is identity.signer.algorithm} & certified
    fitting = {number for number in own if _is_ruled(agency, number, recipients)}
    if not fitting:
        raise IdentityError(
            f"device policy number {agency.number} has no rules for the unit's recipients and the suites "
            f"{', '.join(map(str, sorted(own))) or 'none'} of its key and certificate; install the bundle again, "
            "or enrol the unit anew"
        )
    return max(fitting)


def _is_ruled(agency: UnitPolicy, number: int, recipients: tuple[Recipient, ...]) -> bool:
    keys = {SUITES[number].key_id(each.public_key_der) for each in recipients}
    return any(number in rules.suites and rules.recipients == keys for rules in agency.rules)
