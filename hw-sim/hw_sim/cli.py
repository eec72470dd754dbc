"""The command `recorder-sim`.

Rules of this module: reads arguments, prints results on stdout and messages on stderr; what is done stands elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hw_sim.demo.command import demo, run
from hw_sim.errors import SimulationError
from hw_sim.scenario import parse
from hw_sim.simulation import write_simulation


class _Refused(click.ClickException):
    """A clear message and the exit code for bad data."""

    exit_code = os.EX_DATAERR


class _WrongUsage(click.UsageError):
    exit_code = os.EX_USAGE


@contextmanager
def _usage() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise _WrongUsage(error.format_message(), error.ctx) from error


class _Commands(click.Group):
    """The group; a wrong command line ends with the code that every program of the project has for it."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Read the options of the group itself."""
        with _usage():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Read and run a command."""
        with _usage():
            return super().invoke(ctx)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Simulated worlds for the recorder."""


main.add_command(demo)
main.add_command(run)


@main.command()
@click.argument("scenario", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(scenario: Path) -> None:
    """Read SCENARIO and list its steps, or say which line is wrong and what to write instead."""
    try:
        read = parse(scenario.read_text(encoding="utf-8"), scenario.name)
    except (SimulationError, UnicodeDecodeError) as error:
        raise _Refused(str(error)) from error
    for step in read.steps:
        click.echo(f"{step.line:4}  {type(step.deed).__name__.lower():<12} {step.text}")


@main.command()
@click.argument("world", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; in WORLD by default.")
def truth(world: Path, out: Path | None) -> None:
    """Write simulation.json: what the cameras and microphones of WORLD really gave, also when it was killed."""
    if not (world / "memory.page").is_file():
        raise _Refused(f"{world}: not a world's directory; it is the option world_directory of the driver set sim")
    try:
        click.echo(write_simulation(world, out))
    except SimulationError as error:
        raise _Refused(str(error)) from error
