"""`recorder decommission`: the unit leaves its agency.

Rules of this module: asks, shows and tells what is left to do; `agent.decommission` decides and does.
"""

from __future__ import annotations

import click

from agent.cli.surroundings import MESSAGES, Surroundings, pass_surroundings, print_pairs, print_table
from agent.config import UnitPaths
from agent.decommission import Outstanding, destroy, outstanding
from agent.errors import RefusedError
from agent.lock import only_agent
from sealing.framing import file_name


@click.command()
@click.option("--yes", is_flag=True, help="不再询问 / Do not ask.")
@pass_surroundings
def decommission(surroundings: Surroundings, yes: bool) -> None:
    """退役：全部回执后销毁密钥 / Destroy the unit's keys, once the store has signed for everything that it sealed."""
    config = surroundings.config()
    paths, device_id = UnitPaths(config), config.unit.device_id
    words = surroundings.words
    with only_agent(paths.state):
        left = outstanding(paths, device_id)
        if left:
            _refuse(surroundings, left)
        if not yes:
            question = words(
                f"销毁 {device_id} 的全部密钥？无法恢复", f"Destroy every key of {device_id}? There is no way back"
            )
            click.confirm(question, abort=True, err=True)
        done = destroy(paths, device_id)
    print_pairs(
        (
            (words("设备", "Unit"), device_id),
            (words("已销毁", "Destroyed"), ", ".join(str(path) for path in done.keys)),
            (words("存储服务上", "At the store"), f"recorder-store revoke DIRECTORY {device_id} --reason retired"),
            (
                words("存储卡", "Card"),
                words(
                    f"{done.sealed_files} 个已回执的加密文件仍在 {paths.spool}；移交前请重写整张卡",
                    f"{done.sealed_files} receipted files stay in {paths.spool}; rewrite the card before it leaves",
                ),
            ),
        )
    )
    if done.token:
        MESSAGES.print(
            words(
                "设备密钥在安全芯片中，须用其自带工具清除",
                "the device key is in a token: empty that by the token's own tools",
            )
        )


def _refuse(surroundings: Surroundings, left: tuple[Outstanding, ...]) -> None:
    words = surroundings.words
    rows = [(file_name(each.number), each.reason) for each in left]
    print_table((words("文件", "File"), words("原因", "Why")), rows)
    raise RefusedError(
        f"{len(left)} sealed files are not proven to be at the store; nothing was destroyed. "
        "Dock the unit, let recorder-sync finish (`recorder-sync --once`), then try again"
    )
