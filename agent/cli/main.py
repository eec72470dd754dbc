"""`recorder`: the command of administrators, custodians and inspectors.

Rules of this module: the group, and the one place where an error becomes a line and an exit code. A traceback is shown
only when `--debug` asks for it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from agent.cli.surroundings import Surroundings
from agent.config import Language
from agent.exit_codes import exit_code_of

_PROGRAM: Final = "recorder"
_COMMANDS: Final[Mapping[str, str]] = {
    "status": "agent.cli.unit_commands:status",
    "check": "agent.cli.unit_commands:check",
    "checkout": "agent.cli.handover_commands:checkout",
    "checkin": "agent.cli.handover_commands:checkin",
    "mark": "agent.cli.recording_commands:mark",
    "notice": "agent.cli.recording_commands:notice",
    "exemption": "agent.cli.recording_commands:exemption",
    "sync": "agent.cli.sync_command:sync",
    "trust-store": "agent.cli.trust_command:trust_store",
    "verify": "agent.cli.verify_command:verify",
    "verify-fork": "agent.cli.fork_command:verify_fork",
    "inspect": "agent.cli.inspect_command:inspect",
    "open": "agent.cli.open_command:open_files",
    "profile": "agent.cli.profile_commands:profile",
    "provision": "agent.cli.provision_commands:provision",
    "decommission": "agent.cli.decommission_command:decommission",
    "config": "agent.cli.unit_commands:config",
    "voice": "agent.cli.voice_command:voice",
    "clock": "agent.cli.time_command:clock",
    "doctor": "agent.cli.doctor_command:doctor",
}
"""Where each command is found; its module is imported when it is asked for, so that `status` waits for no decoder."""


class _Commands(click.Group):
    """The group, its commands imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order in which a unit meets them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for a name that there is not."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{_COMMANDS[cmd_name]} is no command")
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("recorder-agent"), prog_name=_PROGRAM)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="配置文件 / Configuration file. [/etc/recorder/agent.toml]",
)
@click.option(
    "--lang",
    type=click.Choice([language.value for language in Language]),
    default=Language.ZH.value,
    envvar="RECORDER_LANG",
    show_default=True,
    help="结果的语言 / Language of results.",
)
@click.option("--debug", is_flag=True, help="出错时显示调用栈 / Show the stack of an error.")
@click.pass_context
def commands(context: click.Context, config_path: Path | None, lang: str, debug: bool) -> None:
    """执法记录仪 / A law-enforcement recorder."""
    context.obj = Surroundings(config_path, Language(lang))
    context.meta["debug"] = debug


def main() -> None:
    """Run the command line."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line.

    Args:
        arguments: What stands behind the program's name.

    Returns:
        The exit code (`agent/README.md`, «Exit codes»).
    """
    try:
        code = commands.main(args=arguments, prog_name=_PROGRAM, standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return os.EX_USAGE
    except click.ClickException as error:
        return _usage(error)
    except click.Abort:
        return _failed("stopped before the end; nothing more was done", os.EX_TEMPFAIL)
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return os.EX_IOERR
    except Exception as error:  # noqa: BLE001 - the last resort: one line and a code for whatever it is
        return _error(error, debug="--debug" in arguments)
    return code if isinstance(code, int) else os.EX_OK


def _usage(error: click.ClickException) -> int:
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"; see `{error.ctx.command_path} --help`"
    return _failed(f"{error.format_message().rstrip('.')}{hint}", os.EX_USAGE)


def _error(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    code = exit_code_of(error)
    if code == os.EX_SOFTWARE:
        return _failed(f"{type(error).__name__}: {error}; this is a bug, run it again with --debug and report it", code)
    return _failed(_words(error), code)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _failed(message: str, code: int) -> int:
    for line in message.splitlines():
        click.echo(f"{_PROGRAM}: error: {line}", err=True)
    return code
