"""The package for the boards, built on a PC: every program of it is theirs, and nothing else differs."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tiers.b_nspawn.unit import package

_ELF_MAGIC = b"\x7fELF"
_MACHINE = slice(18, 20)
_X86_64, _AARCH64 = (62).to_bytes(2, "little"), (183).to_bytes(2, "little")
_BUNDLED = re.compile(r"/[\w.]+\.libs/")
"""Libraries that a wheel brings: names hold a hash of the bytes, and compilers' own differ by machine."""
_CODE = {_X86_64: "x86-64", _AARCH64: "aarch64"}


@dataclass(frozen=True, slots=True)
class Package:
    """What a .deb says and holds."""

    control: dict[str, str]
    names: frozenset[str]
    """Files, with the machine's name taken out; bundled libraries left out."""
    programs: dict[str, str]
    """For which machine each ELF file is."""
    interpreters: frozenset[str]
    """First line of each program in Python."""


@pytest.fixture(name="native", scope="module")
def native_fixture() -> Package:
    return read(package())


@pytest.fixture(name="foreign", scope="module")
def foreign_fixture() -> Package:
    (path,) = (Path(os.environ["TIER_B_PACKAGES"]) / "foreign").glob("*_arm64.deb")
    return read(path)


def read(path: Path) -> Package:
    """Look into a package without installing it."""
    said = subprocess.run(["dpkg-deb", "--field", str(path)], capture_output=True, text=True, check=True).stdout
    control = dict(line.split(": ", 1) for line in said.splitlines() if re.match(r"[A-Z][\w-]*: ", line))
    names, programs, interpreters = set[str](), dict[str, str](), set[str]()
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(path)], stdout=subprocess.PIPE) as unpacked,
        tarfile.open(fileobj=unpacked.stdout, mode="r|") as tree,
    ):
        for member in tree:
            if not _BUNDLED.search(member.name):
                names.add(re.sub("x86_64|aarch64", "MACHINE", member.name))
            content = tree.extractfile(member) if member.isfile() else None
            head = b"" if content is None else content.read(64)
            if head.startswith(_ELF_MAGIC):
                programs[member.name] = _CODE.get(head[_MACHINE], head[_MACHINE].hex())
            if head.startswith(b"#!") and "/opt/venvs/recorder/bin/" in member.name:
                interpreters.add(head.splitlines()[0].decode())
    return Package(control, frozenset(names), programs, frozenset(interpreters))


def test_every_program_of_it_is_for_the_boards_processor(foreign: Package, native: Package) -> None:
    assert set(foreign.programs.values()) == {"aarch64"}
    assert set(native.programs.values()) == {"x86-64"}
    assert any("alsaaudio" in name for name in foreign.programs), "what the index has as sources alone was compiled"


def test_its_control_file_says_so_and_nothing_else_differs(foreign: Package, native: Package) -> None:
    assert (foreign.control["Architecture"], native.control["Architecture"]) == ("arm64", "amd64")
    own = {"Architecture", "Installed-Size"}
    assert {name: text for name, text in foreign.control.items() if name not in own} == {
        name: text for name, text in native.control.items() if name not in own
    }


def test_it_holds_the_same_files(foreign: Package, native: Package) -> None:
    """Manual pages, completion, units and bytecode included; without the libraries that wheels bring."""
    assert foreign.names ^ native.names == set()
    assert foreign.interpreters == native.interpreters == {"#!/opt/venvs/recorder/bin/python"}
