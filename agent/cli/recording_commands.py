"""`recorder mark`, `recorder notice` and `recorder exemption`: what a unit with one button cannot say by gestures.

Rules of this module: reads the command line, asks the agent, says what came of it. None of them starts, ends or
silences a recording.
"""

from __future__ import annotations

from typing import Final

import click
from pydantic import JsonValue, ValidationError

from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json
from agent.control_client import ask
from agent.control_wire import ExemptionRequest, MarkRequest, NoticeRequest
from agent.errors import AssignmentError
from agent.profile import describe_short

_ANSWER_SECONDS: Final = 40.0


@click.command()
@click.option("--category", metavar="CODE", help="标记类别 / Category of the profile.")
@json_option
@pass_surroundings
def mark(surroundings: Surroundings, category: str | None, as_json: bool) -> None:
    """标记当前画面 / Mark this moment of the recording."""
    try:
        request = MarkRequest(category=category)
    except ValidationError as error:
        raise AssignmentError(f"mark: {describe_short(error)}") from error
    answer = ask(surroundings.paths().socket, request, _ANSWER_SECONDS)
    _say(surroundings, answer, as_json=as_json, done=("已标记", "Marked"))


@click.command()
@json_option
@pass_surroundings
def notice(surroundings: Surroundings, as_json: bool) -> None:
    """再次告知 / Say the notice once more: another party has joined."""
    answer = ask(surroundings.paths().socket, NoticeRequest(), _ANSWER_SECONDS)
    _say(surroundings, answer, as_json=as_json, done=("再次告知", "The notice is said again"))


@click.command()
@click.option("--ground", required=True, metavar="CODE", help="不录制的情形 / Ground of the profile.")
@json_option
@pass_surroundings
def exemption(surroundings: Surroundings, ground: str, as_json: bool) -> None:
    """记录不录制的情形 / Seal that something is not recorded, and why; while recording, say the circumstances then."""
    try:
        request = ExemptionRequest(ground=ground)
    except ValidationError as error:
        raise AssignmentError(f"exemption: {describe_short(error)}") from error
    answer = ask(surroundings.paths().socket, request, _ANSWER_SECONDS)
    _say(surroundings, answer, as_json=as_json, done=("已记录", "On record"))


def _say(surroundings: Surroundings, answer: dict[str, JsonValue], *, as_json: bool, done: tuple[str, str]) -> None:
    if as_json:
        print_json(answer)
    else:
        click.echo(surroundings.words(*done))
