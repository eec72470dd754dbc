"""`recorder-store rotate`: a recipient gets a new key.

Rules of this module: the command line alone (`sync.store.rotation` does it).
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import click

from sync.store.authority import RECIPIENTS, Authority
from sync.store.rotation import rotate_recipient
from sync.store.settings import load_settings
from sync.store.tables import Directory, now

_OVERLAP_DAYS: Final = 90


@click.command()
@click.argument("directory", type=Directory)
@click.argument("recipient", type=click.Choice(RECIPIENTS))
@click.option("--overlap-days", default=_OVERLAP_DAYS, show_default=True, help="How long the old key may be sealed to.")
def rotate(directory: Path, recipient: str, overlap_days: int) -> None:
    """Give RECIPIENT of the store in DIRECTORY a new key; units take it with their next bundle."""
    load_settings(directory)
    done = rotate_recipient(Authority(directory), recipient, now(), timedelta(days=overlap_days))
    click.echo(
        f"device policy number {done.policy_number} signed; publish it, and enrol each unit again within "
        f"{overlap_days} days. Keep {done.old_key.name} as long as footage sealed to it is kept",
        err=True,
    )
