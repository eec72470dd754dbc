"""The commands `recorder-sim demo` and `recorder-sim run`.

Rules of this module: reads arguments, turns errors into one line and an exit code.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import click

from hw_sim.demo.alone import RunWishes, run_scenario
from hw_sim.demo.day import Wishes, play
from hw_sim.demo.errors import FolderRefusedError
from hw_sim.demo.rules import Language
from hw_sim.demo.telling import Telling
from hw_sim.demo.unit import Option
from hw_sim.errors import ScenarioError, SimulationError
from hw_sim.media.errors import SimulatedMediaError

_Result = TypeVar("_Result")

_NOT_AS_IT_WAS = 1
_File = click.Path(exists=True, dir_okay=False, path_type=Path)
_Folder = click.Path(file_okay=False, path_type=Path)
_Language = click.Choice(["zh", "en"])


@click.command()
@click.option("--out", type=_Folder, required=True, help="Folder for results; one of an earlier demo is replaced.")
@click.option("--video", type=_File, help="Any video file as the camera's scene. [a drawn scene]")
@click.option("--profile", default="huainan", show_default=True, help="Id of a shipped profile, or path of a .toml.")
@click.option("--seconds", type=click.FloatRange(10, 3600), help="About so much picture in the first session.")
@click.option("--lang", type=_Language, default="zh", show_default=True, help="What the unit and this command speak.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the world, as in README.")
def demo(
    out: Path,
    video: Path | None,
    profile: str,
    seconds: float | None,
    lang: Literal["zh", "en"],
    options: tuple[str, ...],
) -> None:
    """Play the whole job on a simulated unit: provision, record, break, recover, upload, verify, open, compare.

    Exits 0 when everything that was sealed is what really happened, 1 when it is not, 69 when a command failed.
    """
    language: Language = lang
    telling = Telling(language)
    with _ended_in_order():
        wishes = Wishes(out, video, profile, seconds, language, dict(map(_option, options)))
        as_it_was = _tried(lambda: play(wishes, telling))
    if not as_it_was:
        sys.exit(_NOT_AS_IT_WAS)


@click.command("run")
@click.argument("scenario", type=_File)
@click.option("--out", type=_Folder, default=Path("build/run"), show_default=True, help="Folder for results.")
@click.option("--video", type=_File, help="Any video file as the camera's scene. [a drawn scene]")
@click.option("--profile", default="huainan", show_default=True, help="Id of a shipped profile, or path of a .toml.")
@click.option("--lang", type=_Language, default="zh", show_default=True, help="What the unit and this command speak.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the world, as in README.")
def run(
    scenario: Path,
    out: Path,
    video: Path | None,
    profile: str,
    lang: Literal["zh", "en"],
    options: tuple[str, ...],
) -> None:
    """Let a simulated unit live through SCENARIO; then verify what it sealed.

    Officers are checked out where the scenario waits outside for something. Exits 1 when the scenario fails.
    """
    language: Language = lang
    with _ended_in_order():
        wishes = RunWishes(scenario, out, video, profile, language, dict(map(_option, options)))
        _tried(lambda: run_scenario(wishes, Telling(language)))


class _Refused(click.ClickException):
    exit_code = os.EX_CANTCREAT


class _BadInput(click.ClickException):
    exit_code = os.EX_DATAERR


class _Failed(click.ClickException):
    exit_code = os.EX_UNAVAILABLE


def _tried(act: Callable[[], _Result]) -> _Result:
    """Do it; what goes wrong becomes a message and an exit code."""
    try:
        return act()
    except FolderRefusedError as error:
        raise _Refused(str(error)) from error
    except (ScenarioError, SimulatedMediaError) as error:
        raise _BadInput(str(error)) from error
    except SimulationError as error:
        raise _Failed(str(error)) from error


def _option(text: str) -> tuple[str, Option]:
    """Read `name=value`; a value that is a number becomes one."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE, for example width=640", param_hint="--option")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that nothing that was started is left running."""

    def end(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
