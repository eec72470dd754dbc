"""`recorder verify-fork`: check the proof that a unit's chain was forked, on any desk.

Rules of this module: reads the exported folder and the trust folder; writes nothing.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import click

from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json, print_pairs
from agent.cli.verify_command import own_trust
from capture.settings import CHINA
from sealing.fork_proof import Claim, prove_fork, read_record
from sealing.trust import Trust

_SIDES: Final = ("one", "other")
_SECOND_NS: Final = 1_000_000_000


@click.command("verify-fork")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--trust",
    "trust_directory",
    type=click.Path(path_type=Path),
    help="信任目录：agency-ca.pem / Folder with agency-ca.pem. [the unit's own]",
)
@json_option
@pass_surroundings
def verify_fork(surroundings: Surroundings, folder: Path, trust_directory: Path | None, as_json: bool) -> None:
    """核验分叉证据 / Check the proof of a forked chain that `recorder-store export-fork` wrote into FOLDER.

    Exits 0 when it proves that one unit signed two records with one number, 65 when it does not.
    """
    trust = Trust.load(trust_directory or own_trust(surroundings))
    one, other = (read_record(folder / side) for side in _SIDES)
    proof = prove_fork(one, other, trust)
    claims = dict(zip(_SIDES, (proof.first, proof.second), strict=True))
    if as_json:
        told = {side: {"hash": each.digest.hex(), "type": each.header.type.name} for side, each in claims.items()}
        print_json({"device_id": proof.device_id, "sequence": proof.sequence, "proved": True, **told})
        return
    words = surroundings.words
    rows = [
        (words("结论", "Result"), words("证明成立：链已分叉", "proved: the chain was forked")),
        (words("设备", "Unit"), proof.device_id),
        (words("序号", "Record"), str(proof.sequence)),
    ]
    print_pairs(rows + [(side, _told(each)) for side, each in claims.items()])


def _told(claim: Claim) -> str:
    header = claim.header
    when = datetime.fromtimestamp(header.utc_ns // _SECOND_NS, CHINA)
    return f"{header.type.name} · {when:%F %T} · {claim.digest.hex()}"
