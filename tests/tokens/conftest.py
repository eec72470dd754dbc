"""Real back ends, started by the tests that use them: SoftHSM2 in this process, swtpm as a process of its own."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import pytest

from sealing.tokens.pkcs11_token import Pkcs11Place

SOFTHSM_LIBRARY = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "123456"


def needed(name: str) -> None:
    """Continuous integration has these programs (`.ci/system-packages tokens`); elsewhere a test may do without."""
    if shutil.which(name) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing; .ci/system-packages tokens installs it")
        pytest.skip(f"{name} is not installed; `make setup` as root installs it")


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Pkcs11Place:
    """A fresh token; the library reads its configuration once in a process."""
    needed("softhsm2-util")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    initialise = ["--init-token", "--free", "--label", "unit", "--so-pin", PIN, "--pin", PIN]
    subprocess.run(["softhsm2-util", *initialise], check=True, capture_output=True)
    return Pkcs11Place(SOFTHSM_LIBRARY, "unit", "device-key", PIN)


@dataclass
class SimulatedTpm:
    """A TPM 2.0 that can be switched off and on; what it remembers stays in its folder."""

    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix="swtpm-")))
    pid: int | None = None

    @property
    def tcti(self) -> str:
        return f"swtpm:path={self.folder}/socket"

    def start(self) -> None:
        """Come up; returns when it listens."""
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        socket, pid = self.folder / "socket", self.folder / "pid"
        ends = [f"--server=type=unixio,path={socket}", f"--ctrl=type=unixio,path={socket}.ctrl"]
        flags = ["--flags=not-need-init,startup-clear", f"--pid=file={pid}", "--daemon"]
        pid.unlink(missing_ok=True)
        subprocess.run(
            ["swtpm", "socket", "--tpm2", f"--tpmstate=dir={state}", *ends, *flags], check=True, capture_output=True
        )
        # It says which process it is when its parent has ended, not before.
        _wait_until(lambda: pid.exists() and pid.read_text() != "")
        self.pid = int(pid.read_text())

    def stop(self) -> None:
        """Lose the power; returns when nothing of it is left to write, or to hold its folder."""
        pid, self.pid = self.pid, None
        if pid is not None and _lives(pid):
            os.kill(pid, signal.SIGKILL)
            _wait_until(lambda: not _lives(pid))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def _wait_until(so: Callable[[], bool]) -> None:
    nothing = threading.Event()
    for _ in range(6_000):
        if so():
            return
        nothing.wait(0.01)
    raise AssertionError("swtpm neither comes nor goes")


@pytest.fixture
def swtpm() -> Iterator[SimulatedTpm]:
    needed("swtpm")
    chip = SimulatedTpm()
    chip.start()
    try:
        yield chip
    finally:
        chip.stop()
        shutil.rmtree(chip.folder)
