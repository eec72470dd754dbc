"""What every command of `recorder` works with: configuration file, language, and how results are printed.

Rules of this module: results on stdout, messages on stderr; JSON is one document per command unless the command says
otherwise. People read Chinese unless they ask for English; keys, codes and errors are the same in both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import click
from rich.console import Console
from rich.table import Table

from agent.config import AgentConfig, Language, UnitPaths, load_config

Command = TypeVar("Command", bound=Callable[..., object])

MESSAGES: Final = Console(stderr=True, highlight=False)
"""Progress and remarks."""
_RESULT_WIDTH_MAX: Final = 160
_TEXT_WIDTH: Final = 120
"""Columns of a table that goes to a file or a pipe."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the options in front of a command say."""

    config_path: Path | None
    language: Language

    def words(self, zh: str, en: str) -> str:
        """The words for the reader's language."""
        return zh if self.language is Language.ZH else en

    def config(self) -> AgentConfig:
        """Load the configuration. Raises ConfigError."""
        return load_config(self.config_path)

    def paths(self) -> UnitPaths:
        """Where the unit's things lie. Raises ConfigError."""
        return UnitPaths(self.config())


pass_surroundings = click.make_pass_decorator(Surroundings)


def json_option(command: Command) -> Command:
    """The option `--json` of a command that reads."""
    return click.option("--json", "as_json", is_flag=True, help="结果为一个 JSON 文档 / One JSON document.")(command)


def print_json(value: Mapping[str, object] | Sequence[object]) -> None:
    """Print a result as one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a result as a table; without colour and with a fixed width where nobody watches."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_TEXT_WIDTH, no_color=True)
    console.width = min(console.width, _RESULT_WIDTH_MAX)
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values, one pair in a line."""
    listed = list(pairs)
    width = max((_columns(name) for name, _ in listed), default=0)
    for name, value in listed:
        click.echo(f"{name}{' ' * (width - _columns(name))}  {value}")


def _columns(text: str) -> int:
    """Columns of a terminal that a text takes: Chinese characters take two."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)  # noqa: PLR2004 - where CJK begins
