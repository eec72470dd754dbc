"""`recorder clock`: the clock by the store's signed time, as `recorder-time.service` does when a token arrives.

Rules of this module: asks, moves once, notes it; the judgement is `agent.store_time`'s.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import click

from agent.cli.surroundings import Surroundings, pass_surroundings, print_pairs
from agent.config import UnitPaths
from agent.journal import set_up_logging
from agent.store_time import Situation, bounds_of, last_applied_ns, note_applied, read_arrival, step_ns
from hal.drivers.common.clock_kernel import KernelTime, read_kernel_time
from hal.drivers.common.clock_setting import move_civil_time
from hal.drivers.system_clock import SystemClock

log = logging.getLogger(__name__)

DEFAULT_NOTES = Path("/var/lib/recorder/time")
_SECOND_NS = 1_000_000_000


@click.command()
@click.option(
    "--notes",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_NOTES,
    show_default=True,
    help="已采用时间的记录目录 / Where it is noted which time was applied last.",
)
@pass_surroundings
def clock(surroundings: Surroundings, notes: Path) -> None:
    """按存储服务签名的时间校时 / Set the clock by the store's signed time, where no network time vouches for it."""
    set_up_logging(os.environ, logging.INFO)
    device_id = surroundings.config().unit.device_id
    moved_ns = apply_store_time(surroundings.paths(), device_id, notes, move_civil_time, read_kernel_time)
    words = surroundings.words
    result = words("无需校时", "not needed") if moved_ns is None else f"{moved_ns / _SECOND_NS:+.3f} s"
    print_pairs(((words("校时", "Clock moved"), result),))


def apply_store_time(
    paths: UnitPaths, device_id: str, notes: Path, move: Callable[[int], None], ask_kernel: Callable[[], KernelTime]
) -> int | None:
    """Judge the token in the inbox and move the clock where it has to be moved.

    Args:
        paths: The unit's.
        device_id: The unit's id.
        notes: Where it is noted which time was applied last.
        move: Moves the civil time by so many ns.
        ask_kernel: Asks whether anybody vouches for the clock.

    Returns:
        How far it was moved, in ns; None when it stands well enough.

    Raises:
        StoreTimeError: The token must not move the clock.
        OSError: It may not be set, or the note cannot be written.
    """
    arrival = read_arrival(paths, device_id)
    earliest_ns, latest_ns = bounds_of(paths)
    now = SystemClock().read()
    situation = Situation(now.utc_ns, now.boottime_ns, ask_kernel(), earliest_ns, latest_ns, last_applied_ns(notes))
    step = step_ns(arrival, situation)
    if step is None:
        return None
    # Noted first: a token that was noted and not applied is asked for anew, one that was applied twice is a rollback.
    note_applied(notes, arrival.token)
    move(step)
    log.warning("clock: moved by %+.3f s, to the time that store %s signed", step / _SECOND_NS, arrival.token.store_id)
    return step
