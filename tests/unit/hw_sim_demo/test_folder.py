"""A demo writes into a folder of its own, and into no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from hw_sim.demo.errors import FolderRefusedError
from hw_sim.demo.folder import MARKER, OutFolder


def test_a_new_folder_is_made_and_marked(tmp_path: Path) -> None:
    out = OutFolder(tmp_path / "a" / "b")
    out.prepare()
    assert (out.root / MARKER).is_file()
    assert out.work.is_dir()


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    OutFolder(tmp_path).prepare()
    assert (tmp_path / MARKER).is_file()


def test_an_earlier_demo_is_replaced_but_for_the_voice(tmp_path: Path) -> None:
    out = OutFolder(tmp_path / "out")
    out.prepare()
    out.voice.mkdir()
    (out.voice / "clip.wav").write_bytes(b"words")
    out.sealed.mkdir()
    (out.sealed / "00000001.evs").write_bytes(b"old")
    out.verification.write_text("{}", encoding="utf-8")
    (out.root / "link").symlink_to(tmp_path / "elsewhere")
    out.prepare()
    assert sorted(path.name for path in out.root.iterdir()) == [MARKER, "work"]
    assert (out.voice / "clip.wav").read_bytes() == b"words"


def test_a_demo_that_was_stopped_while_clearing_can_be_started_again(tmp_path: Path) -> None:
    out = OutFolder(tmp_path / "out")
    out.prepare()
    out.voice.mkdir()
    (out.voice / "clip.wav").write_bytes(b"words")
    out.voice.rename(out.root / ".voice")
    out.prepare()
    assert (out.voice / "clip.wav").read_bytes() == b"words"


def test_what_is_not_a_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FolderRefusedError, match=r"is not empty and was not made by a demo .* nothing was touched"):
        OutFolder(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(FolderRefusedError, match="is a file; name a folder"):
        OutFolder(tmp_path / "out").prepare()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(FolderRefusedError, match=r"file/out.*--out"):
        OutFolder(tmp_path / "file" / "out").prepare()


def test_only_sealed_files_are_copied(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "00000001.evs").write_bytes(b"sealed")
    (spool / "00000002.evs.torn").write_bytes(b"torn")
    out = OutFolder(tmp_path / "out")
    out.prepare()
    assert out.take_sealed(spool) == 6
    assert [path.name for path in out.sealed.iterdir()] == ["00000001.evs"]
