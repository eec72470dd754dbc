"""Other people's tus clients, servers and proxies, fetched once into `build/interop`.

A test that cannot have one is skipped, with the reason.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "build" / "interop"
NODE_PACKAGES = ("@tus/server@2.4.5", "@tus/file-store@2.1.1", "tus-js-client@4.3.1")
PYTHON_PACKAGE = "tuspy==1.1.0"
_SECONDS = 180


def node_folder() -> Path:
    """A folder from which node finds the tus packages."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on this machine")
    folder = FOLDER / "node"
    if not (folder / "node_modules" / "tus-js-client").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(
            "npm packages", ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *NODE_PACKAGES], folder
        )
    return folder


def tuspy_folder() -> Path:
    """A folder from which Python finds tuspy."""
    folder = FOLDER / "tuspy"
    if not (folder / "tusclient").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch("tuspy", [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), PYTHON_PACKAGE], folder)
    return folder


def nginx_program() -> str:
    """The path of an nginx: the machine's own, or Debian's, unpacked."""
    own = shutil.which("nginx")
    if own is not None:
        return own
    program = FOLDER / "nginx" / "usr" / "sbin" / "nginx"
    if not program.is_file():
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            pytest.skip("nginx is not on this machine, and it is no Debian")
        folder = FOLDER / "nginx"
        folder.mkdir(parents=True, exist_ok=True)
        _fetch("nginx", ["apt-get", "-q", "download", "nginx"], folder)
        for package in folder.glob("nginx_*.deb"):
            _fetch("nginx", ["dpkg-deb", "-x", str(package), str(folder)], folder)
    return str(program)


def _fetch(what: str, command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
        said = (done.stderr or done.stdout).strip()[-200:] if done.returncode else None
    except subprocess.TimeoutExpired:
        said = f"not in {_SECONDS} s"
    if said is not None:
        # What came by halves would be taken for the whole next time.
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"{what} cannot be had here: {said}")
