"""Manual pages of the unit's programs, made from the same declarations as their `--help`.

Rules of this module: `python -m agent.cli.manual DIRECTORY` writes them when the package is built; no unit runs it.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from agent.cli.main import commands
from agent.daemon_main import command as agent_command
from sync.unit_main import command as sync_command

_PROGRAMS: Final[Mapping[str, tuple[int, click.Command]]] = {
    "recorder": (1, commands),
    "recorder-agent": (8, agent_command),
    "recorder-sync": (8, sync_command),
}


def manual(name: str, section: int, program: click.Command) -> str:
    """Write one page in roff: synopsis, options, and every sub-command with its own."""
    context = click.Context(program, info_name=name)
    head = f'.TH {name.upper()} {section} "" "recorder-agent {version("recorder-agent")}"'
    lines = [head, ".SH NAME", f"{name} \\- {_plain(program.get_short_help_str(200))}"]
    lines += [".SH SYNOPSIS", f".B {name}", _plain(" ".join(program.collect_usage_pieces(context)))]
    lines += [".SH DESCRIPTION", _plain(program.help or ""), ".SH OPTIONS", *_options(program, context)]
    if isinstance(program, click.Group):
        lines += [".SH COMMANDS", *_sub_commands(program, context)]
    lines += [".SH FILES", ".I /etc/recorder/agent.toml", ".br", ".I /var/lib/recorder"]
    return "\n".join(lines) + "\n"


def write_manuals(directory: Path) -> tuple[Path, ...]:
    """Write every page, compressed, below a man directory; gives their paths."""
    written = []
    for name, (section, program) in _PROGRAMS.items():
        path = directory / f"man{section}" / f"{name}.{section}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(manual(name, section, program).encode(), mtime=0))
        written.append(path)
    return tuple(written)


def _sub_commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        below = click.Context(command, info_name=name, parent=context)
        yield f".SS {_plain(below.command_path)} {_plain(' '.join(command.collect_usage_pieces(below)))}"
        yield _plain(command.help or "")
        yield from _options(command, below)
        if isinstance(command, click.Group):
            yield from _sub_commands(command, below)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield f".B {_plain(record[0])}"
            yield _plain(record[1])


def _plain(text: str) -> str:
    """Text that roff takes for text: no control lines, no escapes."""
    joined = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{joined}" if joined.startswith((".", "'")) else joined


if __name__ == "__main__":
    write_manuals(Path(sys.argv[1]))
