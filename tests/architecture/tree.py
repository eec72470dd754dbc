"""The project's files, as the architecture tests see them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture import rules

ROOT = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[str, ...]:
    """Every file that is tracked or would be, as a path from the root."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(sorted(name for name in set(listing.split("\0")) if name and (ROOT / name).is_file()))


def in_folders(*folders: str) -> Iterator[str]:
    """The files anywhere below the folders."""
    prefixes = tuple(f"{folder}/" for folder in folders)
    return (name for name in files() if name.startswith(prefixes))


def python(*folders: str) -> Iterator[str]:
    """The Python files anywhere below the folders."""
    return (name for name in in_folders(*folders) if name.endswith(".py"))


@cache
def text(name: str) -> str:
    """A file's text; empty where it is not text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def parsed(name: str) -> ast.Module:
    """A Python file's syntax tree."""
    return ast.parse(text(name), name)


def module_file(module: str) -> str | None:
    """The file of a module, or None while there is none."""
    path = module.replace(".", "/")
    return next((name for name in (f"{path}.py", f"{path}/__init__.py") if name in files()), None)


def module_name(name: str) -> str:
    """The import name of a Python file."""
    path = name.removeprefix("hw-sim/").removesuffix(".py").removesuffix("/__init__")
    return path.replace("/", ".")


def pure_core_files() -> tuple[str, ...]:
    """The files of the pure core that are there; of a package, every one."""
    found = (module_file(module) for module in sorted(rules.PURE_CORE))
    return tuple(each for name in found if name is not None for each in _of_its_package(name))


def _of_its_package(name: str) -> Iterator[str]:
    folder, _, last = name.rpartition("/")
    return python(folder) if last == "__init__.py" else iter((name,))
