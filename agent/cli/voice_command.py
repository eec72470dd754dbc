"""`recorder voice`: the unit's words, rendered before the first start needs them.

Rules of this module: says how it went; `agent.voices` does it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.progress import Progress

from agent.cli.surroundings import MESSAGES, Surroundings, pass_surroundings, print_pairs
from agent.exit_codes import NOT_INTACT
from agent.journal import set_up_logging
from agent.voices import render_words


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr at a terminal, nothing elsewhere."""
    if not MESSAGES.is_terminal:
        yield lambda _done, _total: None
        return
    with Progress(console=MESSAGES, transient=True) as bar:
        task = bar.add_task(title)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@click.command()
@pass_surroundings
@click.pass_context
def voice(context: click.Context, surroundings: Surroundings) -> None:
    """预先生成语音 / Render the words that the unit will say; exits 1 when they cannot be."""
    set_up_logging(os.environ, logging.INFO)
    words = surroundings.words
    with _bar(words("生成语音", "Rendering words")) as progress:
        done = render_words(surroundings.config(), progress)
    print_pairs(((words("语音", "Words"), words("齐备", "complete") if done else words("无法生成", "not rendered")),))
    if not done:
        context.exit(NOT_INTACT)
