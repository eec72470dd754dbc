"""`recorder status | check | config`: how the unit is, by its own account.

Rules of this module: asks the running agent and prints; judges nothing.
"""

from __future__ import annotations

from typing import Final

import click
from pydantic import JsonValue

from agent.cli.labels import VERDICTS, figure_text, label_of, status_rows
from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json, print_pairs, print_table
from agent.control_client import ask
from agent.control_wire import CheckRequest, StatusRequest
from agent.exit_codes import NOT_INTACT
from agent.signed_profile import load_for_unit

_ANSWER_SECONDS: Final = 40.0
_CHECK_SECONDS: Final = 60.0
_READY: Final = ("pass", "degraded")


@click.command()
@json_option
@pass_surroundings
def status(surroundings: Surroundings, as_json: bool) -> None:
    """状态 / How the unit is now."""
    answer = ask(surroundings.paths().socket, StatusRequest(), _ANSWER_SECONDS)
    if as_json:
        print_json(answer)
    else:
        print_pairs(status_rows(answer, surroundings))


@click.command()
@json_option
@pass_surroundings
@click.pass_context
def check(context: click.Context, surroundings: Surroundings, as_json: bool) -> None:
    """自检：不录制，检查全部部件 / Run the checks now, without a recording. Exits 1 when one fails."""
    answer = ask(surroundings.paths().socket, CheckRequest(), _CHECK_SECONDS)
    if as_json:
        print_json(answer)
    else:
        _print_checks(answer, surroundings)
    if answer.get("verdict") not in _READY:
        context.exit(NOT_INTACT)


def _print_checks(answer: dict[str, JsonValue], surroundings: Surroundings) -> None:
    words = surroundings.words
    columns = (words("项目", "Check"), words("结果", "Verdict"), words("实测", "Figure"), words("限值", "Threshold"))
    checks = answer.get("checks")
    rows = [
        (
            label_of(str(each.get("check")), surroundings),
            words(*VERDICTS.get(str(each.get("verdict")), ("?", "?"))),
            figure_text(each, surroundings),
            "" if each.get("threshold") is None or each.get("unit") == "ok" else str(each.get("threshold")),
        )
        for each in (checks if isinstance(checks, list) else ())
        if isinstance(each, dict)
    ]
    print_table(columns, rows)
    print_pairs(((words("总评", "Overall"), words(*VERDICTS.get(str(answer.get("verdict")), ("?", "?")))),))


@click.group()
def config() -> None:
    """配置 / The unit's configuration."""


@config.command("check")
@pass_surroundings
def check_config(surroundings: Surroundings) -> None:
    """检查配置及其规则文件 / Check the configuration and the profile that it names."""
    loaded = surroundings.config()
    profile = load_for_unit(loaded.profile, surroundings.paths())
    print_pairs(
        (
            (surroundings.words("设备", "Unit"), loaded.unit.device_id),
            (surroundings.words("规则", "Profile"), f"{profile.profile.profile.id} ({profile.source})"),
            (surroundings.words("结果", "Result"), surroundings.words("正确", "good")),
        )
    )


@config.command("show")
@pass_surroundings
def show_config(surroundings: Surroundings) -> None:
    """显示生效的配置（JSON）/ Show the configuration in force, drop-ins merged, as JSON."""
    print_json(surroundings.config().model_dump(mode="json"))
