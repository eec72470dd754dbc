"""`recorder voice`: the unit's words, rendered before the first start needs them.

Rules of this module: says how it went; `agent.voices` does it.
"""

from __future__ import annotations

import logging
import os

import click

from agent.cli.surroundings import Surroundings, pass_surroundings, print_pairs
from agent.exit_codes import NOT_INTACT
from agent.journal import set_up_logging
from agent.voices import render_words


@click.command()
@pass_surroundings
@click.pass_context
def voice(context: click.Context, surroundings: Surroundings) -> None:
    """预先生成语音 / Render the words that the unit will say; exits 1 when they cannot be."""
    set_up_logging(os.environ, logging.INFO)
    done = render_words(surroundings.config())
    words = surroundings.words
    print_pairs(((words("语音", "Words"), words("齐备", "complete") if done else words("无法生成", "not rendered")),))
    if not done:
        context.exit(NOT_INTACT)
