"""The spool as a directory: `hal.drivers.files`."""

import errno
import os
import stat
from pathlib import Path

import pytest

from hal.drivers.files import DirectoryFile, DirectoryStorage
from hal.errors import PermanentHardwareError, StorageFullError


def test_a_file_is_appended_to_and_read_back(tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path / "spool")
    file = storage.create("00000001.evs")
    file.append(b"abc")
    file.append(b"def")
    file.sync()
    assert file.name == "00000001.evs"
    assert storage.names() == ["00000001.evs"]
    assert storage.read("00000001.evs", 2, 3) == b"cde"
    assert storage.read("00000001.evs", 4, 100) == b"ef"
    assert storage.read("00000001.evs", 100, 1) == b""
    file.close()
    file.close()
    with pytest.raises(OSError, match="closed"):
        file.append(b"x")


def test_names_are_taken_once_and_renamed_or_unlinked(tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path)
    storage.create("b").close()
    storage.create("a").close()
    with pytest.raises(FileExistsError):
        storage.create("a")
    storage.replace("a", "c")
    storage.replace("b", None)
    assert storage.names() == ["c"]


def test_only_the_owner_writes_and_the_group_reads(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        storage = DirectoryStorage(tmp_path / "spool")
        storage.create("a").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "spool" / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".", ".."])
def test_no_name_leads_out_of_the_spool(tmp_path: Path, name: str) -> None:
    storage = DirectoryStorage(tmp_path)
    with pytest.raises(OSError, match="without a path"):
        storage.create(name)


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    storage = DirectoryStorage(tmp_path / "spool")
    (tmp_path / "spool" / "link").symlink_to(tmp_path / "outside")
    assert storage.names() == []
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        storage.read("link", 0, 1)


def test_usage_is_that_of_the_file_system(tmp_path: Path) -> None:
    reading = DirectoryStorage(tmp_path).usage()
    assert 0 < reading.free_bytes <= reading.total_bytes
    assert reading.writable


def test_a_directory_that_cannot_be_made_or_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentHardwareError, match="missing"):
        DirectoryStorage(tmp_path / "missing" / "spool")
    storage = DirectoryStorage(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    with pytest.raises(PermanentHardwareError, match="gone"):
        storage.usage()


def test_a_full_medium_says_so(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this machine has no /dev/full")
    file = DirectoryFile("full", os.open(full, os.O_WRONLY))
    with pytest.raises(StorageFullError) as raised:
        file.append(b"x")
    assert raised.value.errno == errno.ENOSPC
    file.close()


def test_memory_is_forgotten_once_and_again_after_the_medium_refused_something_dr_38(tmp_path: Path) -> None:
    """DR-38: what another process wrote, and what this one could not put on the medium, is read from there."""
    (tmp_path / "older").write_bytes(b"abc")
    forgotten: list[str] = []
    storage = DirectoryStorage(
        tmp_path, lambda descriptor: forgotten.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    assert [storage.read("older", 0, 3) for _ in range(2)] == [b"abc", b"abc"]
    file = storage.create("newer")
    file.append(b"def")
    file.sync()
    assert storage.read("newer", 0, 3) == b"def"
    assert forgotten == [str(tmp_path / "older")]
    assert file._descriptor is not None
    os.close(file._descriptor)
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        file.sync()
    assert [storage.read("newer", 0, 3) for _ in range(2)] == [b"def", b"def"]
    assert forgotten == [str(tmp_path / "older"), str(tmp_path / "newer")]


def bytes_from_the_medium() -> int:
    """What this process has made the kernel fetch from a disk so far."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines())
    return int(fields["read_bytes"])


def is_counted(path: Path) -> bool:
    """Whether what is fetched of a file can be seen at all; pages of programs are always fetched besides."""
    with path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        before = bytes_from_the_medium()
        return len(file.readall()) <= bytes_from_the_medium() - before


def test_the_first_read_comes_from_the_medium_itself_dr_38(tmp_path: Path) -> None:
    """DR-38: the kernel has every byte in memory, and fetches them all the same."""
    data = os.urandom(1 << 20)
    file = DirectoryStorage(tmp_path).create("a")
    file.append(data)
    file.sync()
    file.close()
    if not is_counted(tmp_path / "a"):
        pytest.skip("the file system of this folder lies in memory, or does not count what it fetches")
    storage = DirectoryStorage(tmp_path)
    before = bytes_from_the_medium()
    assert storage.read("a", 0, len(data)) == data
    assert bytes_from_the_medium() - before >= len(data)
    between = bytes_from_the_medium()
    assert storage.read("a", 0, len(data)) == data
    assert bytes_from_the_medium() - between < len(data)
