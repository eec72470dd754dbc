"""How a program of this room ends: one line and an exit code for whatever went wrong.

Rules of this module: what an error means is the program's matter; it says which code each kind has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import click


def run(command: click.Command, program: str, exit_codes: Mapping[type[Exception], int]) -> None:
    """Run a command line; wrong usage is 64, an end by hand 75.

    Args:
        command: What `sys.argv` is given to.
        program: Its name, in front of an error.
        exit_codes: The code of each kind of error, the first that fits; any other error is raised.

    Raises:
        SystemExit: It ended with another code than 0.
    """
    try:
        command.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(os.EX_USAGE)
    except click.Abort:
        sys.exit(os.EX_TEMPFAIL)
    except tuple(exit_codes) as error:
        click.echo(f"{program}: {error}", err=True)
        sys.exit(next(code for kind, code in exit_codes.items() if isinstance(error, kind)))
