"""The simulated unit of the demo: provisioned, configured, started, handed over, started again after a power cut.

Rules of this module: `recorder` and `recorder-agent` alone are used, as an administrator and systemd would; the agent's
state is read from the files that it writes for others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw_sim.demo.documents import Document, read
from hw_sim.demo.programs import Programs, Running, wait_until
from hw_sim.demo.rules import Language

DEVICE_ID = "DEMO-0001"
_START_SECONDS = 240.0
"""A first start renders every word that the unit will say; a busy machine takes its time."""
_UPLOAD_SECONDS = 600
"""After so long nothing more is tried."""
Option = str | int | float


@dataclass(frozen=True, slots=True)
class Officer:
    """A fictitious officer."""

    name: str
    certificate_number: str
    reading: str

    @property
    def told(self) -> str:
        """As `recorder checkout` wants it."""
        return f"{self.name}:{self.certificate_number}:{self.reading}"


class Unit:
    """One unit.

    Args:
        programs: Runs its commands.
        directory: Its folder; made by `request`.
        language: What it speaks.
    """

    def __init__(self, programs: Programs, directory: Path, language: Language) -> None:
        self._programs = programs
        self._language = language
        self._agent: Running | None = None
        self.directory = directory
        self.config = directory / "agent.toml"
        self.state = directory / "state"
        self.run = directory / "run"
        self.spool = self.state / "spool"
        self.world = directory / "world"

    def request(self) -> Path:
        """Make its keys and the request for enrolment."""
        self.state.mkdir(parents=True, exist_ok=True)
        self.run.mkdir()
        request = self.directory / "request.json"
        who = ("--state", self.state, "--device-id", DEVICE_ID, "--assurance", "simulated")
        self._programs.run("recorder", "provision", "request", *who, "-o", request)
        return request

    def install(self, bundle: Path, profile: str) -> None:
        """Install the agency's answer; writes the configuration."""
        where = ("--state", self.state, "--run", self.run)
        how = ("--profile", profile, "--driver-set", "sim")
        self._programs.run("recorder", "--config", self.config, "provision", "install", bundle, *where, *how)

    def configure(self, options: Mapping[str, Option]) -> None:
        """Add what is the demo's own: the world's options, the language, receipted footage freed at once."""
        folder = self.config.with_suffix(".d")
        folder.mkdir(exist_ok=True)
        lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in options.items()]
        parts = [
            "# Written by recorder-sim: what is particular to a simulated unit.",
            f'[unit]\nlanguage = "{self._language}"',
            '[spool]\nfree = "when-receipted"',
            "\n".join(("[hal.options]", *lines)),
        ]
        (folder / "50-simulated.toml").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        self._programs.run("recorder", "--config", self.config, "config", "check")

    def start(self) -> None:
        """Start the agent, as systemd would after power-up."""
        self._agent = self._programs.start("recorder-agent", "recorder-agent", "--config", self.config)

    def await_start(self) -> None:
        """Wait until the agent answers.

        Raises:
            CommandFailedError: It ended.
            LateError: It does not answer in time.
        """

        def answers() -> bool:
            self.require_alive()
            return (self.run / "control.sock").exists()

        wait_until(answers, _START_SECONDS, "the start of recorder-agent")

    @property
    def agent(self) -> Running:
        """The agent's process."""
        if self._agent is None:
            raise RuntimeError("the agent was not started")
        return self._agent

    def require_alive(self) -> None:
        """Raise CommandFailedError when the agent has ended."""
        if self.agent.exit_code is not None:
            raise self.agent.failed(f"ended with exit code {self.agent.exit_code}")

    def stop(self) -> int:
        """Stop the agent in order; gives its exit code, 0 when it never ran."""
        return 0 if self._agent is None else self._agent.stop()

    def checkout(self, officers: Sequence[Officer], activity: str) -> None:
        """Hand it over."""
        told = [part for officer in officers for part in ("--officer", officer.told)]
        self._programs.run("recorder", "--config", self.config, "checkout", *told, "--activity", activity)

    def status(self) -> Document:
        """What `recorder status --json` says."""
        done = self._programs.run("recorder", "--config", self.config, "status", "--json")
        return read(done.output, "recorder status --json")

    def at_rest(self) -> bool:
        """Whether the unit sits in its dock with everything sealed that was going on."""
        try:
            link = read((self.run / "link.json").read_text(encoding="utf-8"), "link.json")
        except FileNotFoundError:
            return False
        return link["docked"].flag() and not link["session_open"].flag()

    def upload(self, store_url: str, each: Callable[[Document], None]) -> None:
        """Run `recorder-sync --once`; `each` gets its reports.

        Raises:
            CommandFailedError: Something was left, or refused by the store.
        """
        command = (
            "recorder-sync",
            "--config",
            self.config,
            "--store",
            store_url,
            "--once",
            "--give-up-after",
            str(_UPLOAD_SECONDS),
        )
        running = self._programs.start("recorder-sync", *command, line_wise=True)
        try:
            for line in running.lines():
                each(read(line, "a report of recorder-sync"))
        finally:
            code = running.stop()
        if code != 0:
            raise running.failed(f"ended with exit code {code}")
