"""`recorder-agent`: the daemon's command line and its main thread.

Rules of this module: the main thread starts the agent, waits for signals in real time, feeds the service manager's
watchdog while every thread is healthy, and ends the agent in order. A thread that ended by an error ends the process:
the restart recovers, and an open recording resumes by itself.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import click

from agent.assembly import SOFTWARE_VERSION, Prepared, make_directories, prepare
from agent.config import DEFAULT_PATH, AgentConfig, load_config
from agent.daemon import Agent
from agent.errors import AgentError
from agent.exit_codes import exit_code_of
from agent.journal import MessageId, as_event, set_up_logging
from agent.lock import only_agent
from agent.memory import lock_memory
from agent.processor import check_processor
from agent.selftest import check_cryptography
from hal.errors import HardwareError
from hal.notify import Notifier
from hal.ports import DriverSet, Hardware
from hal.registry import load_driver_set

log = logging.getLogger(__name__)

_PROGRAM: Final = "recorder-agent"
LOOK_SECONDS: Final = 1.0
"""How often the main thread looks at the others; at least twice in the watchdog's time."""
_NOT_LOCKED: Final = as_event(MessageId.MEMORY_NOT_LOCKED)
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class ThreadEndedError(AgentError):
    """A thread ended by an error; the process ends so that it can be started again."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(SOFTWARE_VERSION, prog_name=_PROGRAM)
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=DEFAULT_PATH, show_default=True)
@click.option("--check", is_flag=True, help="Check the configuration and all that it names, then exit.")
@click.option("-v", "--verbose", is_flag=True, help="Log debugging detail.")
def command(config_path: Path, check: bool, verbose: bool) -> None:
    """Record: buttons, camera and microphone into sealed evidence, until SIGTERM."""
    set_up_logging(os.environ, logging.DEBUG if verbose else logging.INFO)
    # The watchdog ends the process by SIGABRT: where every thread stood goes to the journal.
    faulthandler.enable()
    config = load_config(config_path)
    if check:
        prepare(config)
        return
    run(config)


def main() -> None:
    """Run the command line; turns errors into one line and an exit code."""
    try:
        command.main(standalone_mode=False, prog_name=_PROGRAM)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        _end(error.format_message(), os.EX_USAGE)
    except click.Abort:
        _end("stopped before it was up", os.EX_TEMPFAIL)
    except Exception as error:
        code = exit_code_of(error)
        if code == os.EX_SOFTWARE and not isinstance(error, AgentError):
            log.exception("a bug ended the agent")
        _end(str(error) or repr(error), code)


def run(config: AgentConfig) -> None:
    """Run the agent until SIGTERM or SIGINT.

    Raises:
        AgentError, SealingError, HardwareError, OSError: It cannot start, or a thread of it ended.
    """
    notifier = Notifier(os.environ)
    with ExitStack() as stack:
        arrivals = stack.enter_context(_signals())
        _lock_memory()
        check_cryptography()
        check_processor()
        prepared = prepare(config)
        make_directories(prepared.paths)
        stack.enter_context(only_agent(prepared.paths.state))
        hardware = stack.enter_context(_opened(load_driver_set(config.hal.driver_set), config, prepared.paths.spool))
        agent = Agent(prepared, hardware)
        stack.callback(agent.stop)
        agent.start()
        notifier.ready()
        _say_ready(agent, prepared)
        try:
            _watch(agent, notifier, arrivals)
        finally:
            notifier.stopping()
            log.info("ending in order")


def _watch(agent: Agent, notifier: Notifier, arrivals: int) -> None:
    """Look after the threads until a signal comes."""
    pause = LOOK_SECONDS if notifier.watchdog_seconds is None else min(LOOK_SECONDS, notifier.watchdog_seconds / 2)
    stalled: tuple[str, ...] = ()
    while not select.select([arrivals], [], [], pause)[0]:
        health = agent.health()
        if health.ended:
            names = ", ".join(health.ended)
            log.error("ended by an error: thread %s", names, extra=as_event(MessageId.THREAD_ENDED))
            raise ThreadEndedError(f"thread {names} ended; see the log above, then start again")
        if health.stalled != stalled:
            names = ", ".join(health.stalled) or "none any more"
            log.warning("stalled threads: %s", names, extra=as_event(MessageId.THREADS_STALLED))
            stalled = health.stalled
        if health.good:
            notifier.alive()
        notifier.status(agent.summary())


def _lock_memory() -> None:
    try:
        lock_memory()
    except OSError as error:
        log.warning("memory is not locked: %s; under pressure frames may be lost", error, extra=_NOT_LOCKED)


def _say_ready(agent: Agent, prepared: Prepared) -> None:
    names = (prepared.config.unit.device_id, prepared.profile.profile.profile.id)
    log.info("ready: unit %s, profile %s", *names, extra=as_event(MessageId.READY))
    recovery = agent.recovery
    if recovery is not None and not recovery.clean:
        log.warning("the run before had no orderly end: %s", recovery.reason, extra=as_event(MessageId.UNCLEAN_START))


@contextmanager
def _signals() -> Iterator[int]:
    """Let SIGTERM and SIGINT arrive as bytes in a pipe, read by the main thread alone; gives its reading end."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    try:
        yield reader
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        os.close(reader)
        os.close(writer)


@contextmanager
def _opened(driver_set: DriverSet, config: AgentConfig, spool: Path) -> Iterator[Hardware]:
    try:
        yield driver_set.open(dict(config.hal.options), str(spool))
    except HardwareError as error:
        log.debug("hardware: %r", error)
        raise
    finally:
        driver_set.close()


def _end(message: str, code: int) -> None:
    first, *more = message.splitlines()
    rest = f" (and {len(more)} more; `recorder config check` shows all)" if more else ""
    click.echo(f"{_PROGRAM}: error: {first}{rest}", err=True)
    sys.exit(code)
