"""`recorder-store policy`: what the agency asks of its units and whom it believes no longer; `recorder-store trust`.

Rules of this module: the command line alone; results on stdout, messages on stderr.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sealing.policy import UnitPolicy
from sync.errors import StoreError
from sync.store.authority import CA_CERTIFICATE, Authority
from sync.store.ledger import Ledger
from sync.store.policy_changes import Change, Promises, certificate_of, change_policy, revocations_of
from sync.store.publishing import Publishing
from sync.store.rotation import present_policy
from sync.store.settings import load_settings
from sync.store.tables import NS, Directory, JsonOption, Row, now, now_utc_ns, show, time_text, with_ledger
from sync.store.trust_export import export_trust

_OVERLAP_DAYS: Final = 90
_TIMES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
Store = click.argument("directory", type=Directory)
_Seconds = click.IntRange(min=1)


@click.group("policy")
def policy_group() -> None:
    """Show or sign the device policy: suites, recipients, promises, revocations."""


@policy_group.command("show")
@Store
@JsonOption
def show_policy(directory: Path, as_json: bool) -> None:
    """Show the device policy of the store in DIRECTORY, rule by rule, then whom it does not believe."""
    load_settings(directory)
    policy = present_policy(Authority(directory))
    click.echo(f"device policy number {policy.number}, signed {time_text(policy.issued_utc_ns)}", err=True)
    show("policy", [*_rules(policy), *_revocations(policy)], as_json)


@policy_group.command("sign")
@Store
@click.option(
    "--revoke", "revoked", multiple=True, metavar="DEVICE_ID", help="Believe this unit's certificate no more."
)
@click.option(
    "--certificate",
    "certificates",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Believe this device certificate (PEM) no more: one that the unit had before, or that another store enrolled.",
)
@click.option(
    "--since",
    type=click.DateTime(_TIMES),
    help="From when on, UTC; when it may have been stolen. [now]",
)
@click.option("--tick-seconds", type=_Seconds, help="Longest time between two TICKs while a unit records.")
@click.option("--alive-seconds", type=_Seconds, help="Longest silence of a unit.")
@click.option("--anchor-seconds", type=_Seconds, help="Longest time that footage may wait for an ANCHOR.")
@click.option("--overlap-days", default=_OVERLAP_DAYS, show_default=True, help="How long the rules before still hold.")
def sign(  # noqa: PLR0913, PLR0917 - one parameter for each option
    directory: Path,
    revoked: tuple[str, ...],
    certificates: tuple[Path, ...],
    since: datetime | None,
    tick_seconds: int | None,
    alive_seconds: int | None,
    anchor_seconds: int | None,
    overlap_days: int,
) -> None:
    """Sign the next device policy of the store in DIRECTORY and hand it down; needs the CA's key.

    What no option names stays as it is; a revocation is never taken back.
    """

    def use(ledger: Ledger) -> UnitPolicy:
        named = [certificate_of(ledger, each) for each in revoked] + [_certificate(path) for path in certificates]
        since_ns = now_utc_ns() if since is None else _utc_ns(since)
        promises = Promises(tick_seconds, alive_seconds, anchor_seconds)
        change = Change(revocations_of(named, since_ns), promises, timedelta(days=overlap_days))
        return sign_and_publish(directory, ledger, change)

    policy = with_ledger(directory, use)
    click.echo(f"device policy number {policy.number} goes to every unit at its next docking", err=True)


def sign_and_publish(directory: Path, ledger: Ledger, change: Change) -> UnitPolicy:
    """Sign the next policy and hand it down to the units. Raises StoreError, SealingError."""
    authority = Authority(directory)
    policy = change_policy(authority, change, now())
    data, ca = authority.policy(), authority.certificate(CA_CERTIFICATE).public_bytes(Encoding.DER)
    if data is not None:
        Publishing(ledger).publish(data, [ca], now_utc_ns())
    return policy


def tell_verifiers(directory: Path, device_id: str) -> None:
    """Sign a policy that believes a unit's certificate no more from now on; say so where the CA's key is elsewhere."""

    def use(ledger: Ledger) -> UnitPolicy:
        change = Change(revocations_of([certificate_of(ledger, device_id)], now_utc_ns()))
        return sign_and_publish(directory, ledger, change)

    try:
        policy = with_ledger(directory, use)
    except StoreError as error:
        told = f"sign one where the CA's key is: recorder-store policy sign --revoke {device_id}"
        click.echo(f"no device policy says so to verifiers yet ({error}); {told}", err=True)
        return
    click.echo(f"device policy number {policy.number} says so to verifiers and units", err=True)


@click.group("trust")
def trust_group() -> None:
    """What a verifier on another desk needs."""


@trust_group.command("export")
@Store
@click.argument("target", type=Directory)
@click.option("--unit", "device_ids", multiple=True, metavar="DEVICE_ID", help="Only this unit's. [all units']")
def export(directory: Path, target: Path, device_ids: tuple[str, ...]) -> None:
    """Write certificates, policy, receipts and heads of the store in DIRECTORY into the folder TARGET.

    `recorder verify --trust TARGET` then says, too, what is missing of a chain or differs from what the store has seen.
    """
    load_settings(directory)
    count = with_ledger(directory, lambda ledger: export_trust(Authority(directory), ledger, device_ids, target))
    click.echo(f"{count.receipts} receipts and {count.heads} heads in {target}", err=True)


def _rules(policy: UnitPolicy) -> list[Row]:
    return [
        {
            "from": time_text(each.from_utc_ns),
            "until": time_text(each.until_utc_ns),
            "suites": ", ".join(map(str, sorted(each.suites))),
            "recipients": ", ".join(sorted(name.hex() for name in each.recipients)),
            "tick_seconds": each.tick_seconds,
            "alive_seconds": each.alive_seconds,
            "anchor_seconds": each.anchor_seconds,
        }
        for each in policy.rules
    ]


def _revocations(policy: UnitPolicy) -> list[Row]:
    return [
        {"revoked": certificate.hex(), "from": time_text(since_ns)}
        for certificate, since_ns in sorted(policy.revocations.items())
    ]


def _certificate(path: Path) -> bytes:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)
    except ValueError as error:
        raise StoreError(f"{path} is no certificate in PEM: {error}") from error


def _utc_ns(when: datetime) -> int:
    return int((when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()) * NS
