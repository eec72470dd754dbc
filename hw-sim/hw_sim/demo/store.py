"""The agency's side of the demo: a store with a CA of its own, served over TLS on a free port of this machine.

Rules of this module: `recorder-store` alone is used, as an agency would.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hw_sim.demo.errors import CommandFailedError
from hw_sim.demo.programs import Programs, Running, wait_until

_START_SECONDS = 120.0


class Store:
    """One store.

    Args:
        programs: Runs its commands.
        directory: Its folder; made by `make`.
    """

    def __init__(self, programs: Programs, directory: Path) -> None:
        self._programs = programs
        self.directory = directory
        self.url = ""

    def make(self) -> None:
        """Make the agency's CA, the receipt key and two recipients."""
        self._programs.run("recorder-store", "init", self.directory, "--store-id", "demo-store")

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve it; `url` is known from here on."""
        command = ("recorder-store", "serve", self.directory, "--port", "0", "--tls")
        with self._programs.started("recorder-store", *command) as running:
            self.url = _address(running)
            yield

    def enrol(self, request: Path, bundle: Path) -> None:
        """Take a unit in."""
        self._programs.run("recorder-store", "enrol", request, "-o", bundle, "--dir", self.directory, "--url", self.url)

    def export_receipts(self, folder: Path) -> None:
        """Write what it has signed for into a folder, as witness of how far the chain went."""
        self._programs.run("recorder-store", "receipts", self.directory, "--export", folder)


def _address(running: Running) -> str:
    """Where the store says that it listens."""

    def listens() -> bool:
        if running.exit_code is not None:
            raise running.failed(f"ended with exit code {running.exit_code} instead of serving")
        return running.out.read_text(encoding="utf-8").endswith("\n")

    wait_until(listens, _START_SECONDS, "the start of the store")
    said = json.loads(running.out.read_text(encoding="utf-8").splitlines()[0])
    if not isinstance(said, dict) or not isinstance(said.get("listening"), str):
        raise CommandFailedError(f"recorder-store serve said {said!r}, not where it listens")
    port = str(said["listening"]).rsplit(":", 1)[-1].strip("/")
    return f"https://localhost:{port}"
