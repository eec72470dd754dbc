"""A card with another unit's chain: its files stay as they are, and this unit records (SF-41)."""

import errno
from pathlib import Path

import pytest

from sealing.errors import StorageFaultError
from sealing.framing import file_name, open_header
from sealing.identity import DeviceIdentity
from sealing.reader import SealedFile
from sealing.records import Event
from sealing.recovery import FIRST_START
from sealing.verifier import examine_chain, verify_chain
from sealing.writer import ChainWriter
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.memory_storage import MemoryStorage
from tests.support.recordings import trust


def other() -> DeviceIdentity:
    return chains.agency().identity("unit-0002")


def record(spool: Path | MemoryStorage, unit: DeviceIdentity | None = None, number: int = 0) -> ChainWriter:
    """One start with some footage and an orderly end."""
    writer = chains.start_writer(spool, ManualClock(boot_id=f"boot-{number + 1}"), unit=unit)
    writer.open_footage(chains.run_facts(number + 1, 30 * number, 48_000 * number))
    writer.append_fragment(chains.fragment(number), chains.media(number))
    writer.close_footage(chains.close_facts(number + 1))
    writer.halt("stop")
    return writer


def events_of(path: Path) -> list[str]:
    with SealedFile(path) as file:
        found = [open_header(each.header)[1].body for each in iter(file.next_record, None)]
    return [f"{each.code} {each.values}" for each in found if isinstance(each, Event)]


def test_another_units_files_stay_and_the_unit_records_beside_them(tmp_path: Path) -> None:
    record(tmp_path, other())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    writer = record(tmp_path)
    assert writer.recovery.reason == FIRST_START
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("*.foreign")}
    assert kept == {f"{name[:8]}.unit-0002.foreign": data for name, data in before.items()}
    assert verify_chain([tmp_path], trust()).device_id == "unit-0001"
    assert verify_chain(sorted(tmp_path.glob("*.foreign")), trust()).device_id == "unit-0002"


def test_a_chain_under_another_device_key_stays_too(tmp_path: Path) -> None:
    """The name is right, and the unit was provisioned anew."""
    record(tmp_path, chains.agency().identity())
    record(tmp_path)
    assert len(list(tmp_path.glob("*.unit-0001.foreign"))) == 3
    assert verify_chain([tmp_path], trust()).intact


def test_the_chain_says_so_at_each_start(tmp_path: Path) -> None:
    record(tmp_path, other())
    for number in range(2):
        assert record(tmp_path, number=number).recovery.beside == (("unit-0002", 3),)
    starts = [file_name(1), file_name(4)]
    assert [events_of(tmp_path / name) for name in starts] == [["foreign-files (('unit-0002', 3),)"]] * 2
    told = [entry for entry in verify_chain([tmp_path], trust()).timeline if entry.code == "EVENT"]
    assert ["其他设备" in entry.zh for entry in told] == [True, True]


def test_it_says_nothing_on_a_card_of_its_own(tmp_path: Path) -> None:
    assert record(tmp_path).recovery.beside == ()
    assert events_of(tmp_path / file_name(1)) == []


def test_a_chain_of_its_own_goes_on_where_another_units_files_came_behind_it(tmp_path: Path) -> None:
    record(tmp_path)
    foreign = tmp_path / "elsewhere"
    foreign.mkdir()
    record(foreign, other())
    for number in (1, 2, 3):
        (foreign / file_name(number)).rename(tmp_path / file_name(number + 7))
    foreign.rmdir()
    assert not record(tmp_path, number=1).recovery.torn_bytes
    report = verify_chain([tmp_path], trust())
    assert (report.device_id, report.last_sequence) == ("unit-0001", 19)


def test_files_that_nobody_can_read_go_with_them(tmp_path: Path) -> None:
    record(tmp_path, other())
    (tmp_path / file_name(4)).write_bytes(b"rubbish")
    (tmp_path / "00000005.torn").write_bytes(b"\x89")
    record(tmp_path)
    assert sorted(path.name[:8] for path in tmp_path.glob("*.foreign")) == [f"{each:08d}" for each in range(1, 6)]
    assert [each.code for each in examine_chain([tmp_path], trust()).findings] == []


def test_the_same_unit_twice_takes_no_name_away(tmp_path: Path) -> None:
    unit = other()
    record(tmp_path, unit)
    record(tmp_path)
    for path in tmp_path.glob("*.evs"):
        path.unlink()
    record(tmp_path, unit)
    record(tmp_path)
    names = {path.name for path in tmp_path.glob("*.foreign")}
    assert {"00000001.unit-0002.foreign", "00000001.unit-0002~2.foreign"} <= names
    assert len(names) == 6


class CutOff(MemoryStorage):
    """Fails at a renaming."""

    def __init__(self, renamings: int) -> None:
        super().__init__()
        self.left = renamings

    def replace(self, name: str, new_name: str | None) -> None:
        self.left -= 1
        if self.left == -1:
            raise OSError(errno.EIO, "the medium failed")
        super().replace(name, new_name)


@pytest.mark.parametrize("renamings", range(3))
def test_cut_off_while_setting_aside_it_goes_on_there(renamings: int) -> None:
    medium = CutOff(-2)
    record(medium, other())
    before = sorted(bytes(data) for data in medium.files.values())
    medium.left = renamings
    with pytest.raises(StorageFaultError):
        record(medium)
    record(medium)
    assert sorted(bytes(data) for name, data in medium.files.items() if name.endswith(".foreign")) == before
