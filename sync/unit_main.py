"""`recorder-sync`: the unit's side.

Rules of this module: the command line and composition alone; progress on stdout, messages on stderr.

Exit codes: 0 everything that is ended is receipted (or a service was told to stop) · 64 wrong usage · 65 everything
else is receipted, but the store refused files or the agent rejected a receipt · 75 not now: not docked, a session is
open, told to stop, or `--give-up-after` is over · 78 the configuration, a key or a certificate is missing or malformed.
One that is not listed here means failure.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from cryptography import x509

from hal.drivers.system_clock import SystemClock
from hal.notify import Notifier
from hal.ports import Clock, Signal
from hal.worker import Worker
from sealing.cose import PublicKey
from sealing.receipts import ReceiptError, receipt_key
from sync.command_line import run
from sync.errors import ConfigurationError
from sync.unit.config import DEFAULT_PATH, SyncPaths, UnitConfig, load_config
from sync.unit.courier import Courier, Ending, Surroundings
from sync.unit.lines_to_store import lines_to_store
from sync.unit.progress_file import Both, ProgressFile, follow
from sync.unit.reports import JsonLines, Quiet, Reporter
from sync.unit.service import ServiceReporter, WatchedClock

_EXIT_CODES: Final = {
    Ending.ALL_RECEIPTED: os.EX_OK,
    Ending.SOME_REFUSED: os.EX_DATAERR,
    Ending.STOPPED: os.EX_TEMPFAIL,
    Ending.NOT_NOW: os.EX_TEMPFAIL,
    Ending.GAVE_UP: os.EX_TEMPFAIL,
}
_REMARKS: Final = {
    Ending.SOME_REFUSED: "the store refused files, or the agent a receipt; `recorder-store files` says which and why",
    Ending.STOPPED: "told to stop; what has its receipt counts, run it again for the rest",
    Ending.NOT_NOW: "not now: the unit is not in its dock, or a recording is open; `recorder status` shows which",
    Ending.GAVE_UP: "the time given is over; what has its receipt counts, run it again for the rest",
}
"""What a run by hand says about an ending that is not the good one."""
_FRACTION_BITS: Final = 53


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(path_type=Path), default=DEFAULT_PATH, show_default=True)
@click.option("--store", "store_url", help="Another line than the configuration's: https://HOST or mqtts://BROKER.")
@click.option("--once", is_flag=True, help="Send everything that is ended now, then exit.")
@click.option("--give-up-after", type=float, metavar="SECONDS", help="With --once: stop trying after this long.")
@click.option("--watch", is_flag=True, help="Show what the running service is doing, until interrupted.")
@click.option("--progress/--no-progress", default=True, help="A bar at a terminal, JSON lines elsewhere.")
def command(
    config: Path, store_url: str | None, once: bool, give_up_after: float | None, watch: bool, progress: bool
) -> None:
    """Carry sealed files to the agency's store and bring back its receipts."""
    if watch and once:
        raise click.UsageError("--watch only looks; it does not go with --once")
    if give_up_after is not None and not once:
        raise click.UsageError("--give-up-after goes with --once")
    loaded = load_config(config)
    if watch:
        watch_service(loaded.paths, bar=progress)
        return
    if store_url is None and not loaded.sync.lines():
        raise ConfigurationError(f"{config}: sync.store_url is absent; name the store there or with --store")
    with _reporter(progress) as reporter:
        ending = _run(loaded, store_url, reporter, once, give_up_after)
    if not once and ending is Ending.STOPPED:
        return
    if ending in _REMARKS:
        click.echo(f"recorder-sync: {_REMARKS[ending]}", err=True)
    sys.exit(_EXIT_CODES[ending])


def main() -> None:
    """Run the command line; turns errors into one line and an exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    run(command, "recorder-sync", {ConfigurationError: os.EX_CONFIG})


def _run(config: UnitConfig, url: str | None, reporter: Reporter, once: bool, give_up_after: float | None) -> Ending:
    paths = config.paths
    for folder in (paths.spool, paths.inbox):
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is missing; start recorder-agent once, or correct unit.state_directory")
    notifier = Notifier(os.environ)
    clock = WatchedClock(notifier)
    told = ProgressFile(paths.progress, lambda: clock.read().utc_ns)
    stop = clock.signal()
    end_at_signals(clock, stop)
    lines = lines_to_store(config, url, clock, _fraction)
    courier = Courier(
        Surroundings(
            paths=paths,
            device_id=config.unit.device_id,
            client=lines.client,
            store_key=_store_key(paths),
            clock=clock,
            stop=stop,
            draw=_fraction,
            reporter=Both(ServiceReporter(notifier), Both(reporter, told)),
            alerts_client=lines.alerts,
            undated_client=lines.undated,
            presence=lines.presence,
        )
    )
    notifier.ready()
    try:
        return courier.run_once(give_up_after) if once else courier.run()
    finally:
        notifier.stopping()
        lines.close()


def end_at_signals(clock: Clock, stop: Signal) -> None:
    """Have SIGTERM and SIGINT raise a flag.

    A handler runs in the middle of whatever the main thread does, a wait for this very flag included; there it would
    wait for ever for the lock that the wait has. So a thread of its own raises it.

    Args:
        clock: The flag's clock.
        stop: The flag.
    """

    def handle(*_: object) -> None:
        Worker("signal", clock, lambda _: stop.set()).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def watch_service(paths: SyncPaths, *, bar: bool) -> None:
    """Show what the running service is doing, until SIGTERM or SIGINT.

    Args:
        paths: Where the unit keeps its things.
        bar: A bar at a terminal, JSON lines elsewhere; False: JSON lines everywhere.
    """
    clock = SystemClock()
    stop = clock.signal()
    end_at_signals(clock, stop)
    with _reporter(bar) if bar else contextlib.nullcontext(JsonLines(sys.stdout)) as reporter:
        follow(paths.progress, reporter, clock, stop)


def _store_key(paths: SyncPaths) -> PublicKey:
    path = paths.receipt_certificate
    try:
        return receipt_key(x509.load_pem_x509_certificate(path.read_bytes()))
    except (OSError, ValueError, ReceiptError) as error:
        raise ConfigurationError(f"{path} cannot be used: {error}; enrol the unit") from error


def _fraction() -> float:
    """A random number from 0 to 1: units that lost the same store do not come back at the same instant."""
    return secrets.randbits(_FRACTION_BITS) / 2.0**_FRACTION_BITS


@contextlib.contextmanager
def _reporter(progress: bool) -> Iterator[Reporter]:
    if not progress:
        yield Quiet()
    elif sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - the service starts without what draws

        from sync.unit.progress_bar import ProgressBar  # noqa: PLC0415

        with ProgressBar(Console()) as bar:
            yield bar
    else:
        yield JsonLines(sys.stdout)
