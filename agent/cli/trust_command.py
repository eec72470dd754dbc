"""`recorder trust-store`: a custodian has decided about a store that contradicted itself (SY-43).

Rules of this module: shows what is known, asks for the unit's name as confirmation, and has the agent do it.
"""

from __future__ import annotations

from typing import Final

import click
from pydantic import ValidationError

from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json, print_pairs
from agent.control_client import ask
from agent.control_wire import TrustStoreRequest
from agent.errors import AssignmentError, RefusedError
from agent.profile import describe_short
from agent.upload import contradiction_of

_ANSWER_SECONDS: Final = 40.0


@click.command("trust-store")
@click.option("--by", "decided_by", required=True, metavar="NAME", help="作出决定的保管人 / The custodian who decided.")
@click.option("--why", required=True, help="决定的理由 / The reason, sealed with the decision.")
@click.option("--confirm", metavar="UNIT", help="设备编号，代替询问 / The unit's id, instead of being asked for it.")
@json_option
@pass_surroundings
def trust_store(surroundings: Surroundings, decided_by: str, why: str, confirm: str | None, as_json: bool) -> None:
    """存储端前后矛盾后恢复信任 / Trust a store again that contradicted itself, by a custodian's decision; it is sealed.

    Until then the unit takes no receipt and frees nothing. What the store had said is kept in `rejected/`.
    """
    paths, device_id, words = surroundings.paths(), surroundings.config().unit.device_id, surroundings.words
    reason = contradiction_of(paths)
    if reason is None:
        raise RefusedError("the store has not contradicted itself; there is nothing to decide")
    try:
        request = TrustStoreRequest(decided_by=decided_by, why=why)
    except ValidationError as error:
        raise AssignmentError(f"trust-store: {describe_short(error)}") from error
    if confirm is None:
        click.echo(f"{words('存储端前后矛盾', 'The store contradicts itself')}: {reason}", err=True)
        question = words("输入设备编号以确认", "Type the unit's id to confirm")
        confirm = click.prompt(question, type=str, err=True)
    if confirm != device_id:
        raise RefusedError(f"{confirm!r} is not this unit's id; nothing was changed")
    answer = ask(paths.socket, request, _ANSWER_SECONDS)
    if as_json:
        print_json(answer)
        return
    kept = answer.get("kept")
    shown = ", ".join(str(one) for one in kept) if isinstance(kept, list) else ""
    print_pairs(((words("已恢复信任", "Trusted again"), reason), (words("旧记录", "What was said is kept in"), shown)))
