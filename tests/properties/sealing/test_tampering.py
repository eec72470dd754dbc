"""Whatever is done to sealed files, verification refuses them and names file, record and kind."""

from bisect import bisect_right
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealing import records as r
from sealing.errors import NotSealedError
from sealing.findings import Code
from sealing.framing import file_name
from sealing.limits import MAGIC
from sealing.receipts import Receipt
from sealing.report import ChainError, Report
from sealing.trust import Trust
from sealing.verifier import verify_chain
from tests.support.chains import start_writer
from tests.support.clocks import ManualClock
from tests.support.forging import records_of
from tests.support.recordings import Scene, film, trust

Files = dict[str, bytes]


@cache
def small() -> Files:
    """A chain of three short files."""
    folder = Path(mkdtemp(prefix="small-"))
    clock = ManualClock()
    scene = Scene(start_writer(folder, clock), clock, fragment_bytes=48)
    scene.begin_run()
    scene.record(2)
    scene.close("stop")
    scene.writer.seal(r.DockChange(docked=True), {"text": "甲"})
    scene.writer.halt("stop")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@cache
def recording() -> Files:
    folder = Path(mkdtemp(prefix="recording-"))
    film(folder, 1, 200)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@cache
def witnessed() -> Trust:
    """Trust with the store's receipts for every file of the recording."""
    report = verify_chain([put(recording(), Path(mkdtemp()))], trust())
    receipts = tuple(
        Receipt(
            store_id="store",
            device_id="unit-0001",
            file_id=bytes.fromhex(facts.file_id or ""),
            size_bytes=facts.size_bytes,
            first_sequence=facts.first_sequence or 0,
            last_sequence=facts.last_sequence or 0,
            head_hash=bytes.fromhex(facts.head_hash or ""),
            received_utc_ns=0,
            receipt_number=facts.number,
            previous_receipt_hash=bytes(32),
            durability="fsync-1",
        )
        for facts in report.files
    )
    return Trust(trust().agency_cas, receipts=receipts)


def put(files: Files, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def refused(files: Files, folder: Path, trusted: Trust | None = None) -> Report:
    with pytest.raises(ChainError) as error:
        verify_chain([put(files, folder)], trusted or trust())
    return error.value.report


@cache
def borders(name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the records of a file of the small chain begin, and their sequence numbers."""
    folder = put(small(), Path(mkdtemp()))
    found = records_of(folder / name)
    ends = [len(MAGIC)]
    for record in found:
        ends.append(ends[-1] + len(record.data))
    return tuple(ends[:-1]), tuple(record.read.sequence for record in found)


@pytest.mark.parametrize("name", [file_name(1), file_name(2), file_name(3)])
@pytest.mark.requirement("R10", "all")
def test_every_flipped_byte_is_refused_and_named(tmp_path: Path, name: str) -> None:
    data = small()[name]
    starts, sequences = borders(name)
    folder = put(small(), tmp_path)
    for offset in range(len(data)):
        spoiled = bytearray(data)
        spoiled[offset] ^= 1 << (offset % 8)
        (folder / name).write_bytes(spoiled)
        with pytest.raises(ChainError) as error:
            verify_chain([folder], trust())
        fault = error.value.report.first_fault
        assert fault is not None
        assert fault.place.file == name, f"byte {offset}: {fault}"
        index = max(bisect_right(starts, offset) - 1, 0)
        assert fault.place.sequence == sequences[index], f"byte {offset}: {fault}"
        if offset >= len(MAGIC):
            assert fault.place.offset_bytes == starts[index], f"byte {offset}: {fault}"


@pytest.mark.parametrize("name", [file_name(1), file_name(2), file_name(3)])
def test_every_length_of_a_cut_is_refused(tmp_path: Path, name: str) -> None:
    """A cut of the last file at a record's border is a residual that the verdict names (TAIL_OPEN)."""
    data = small()[name]
    starts, _ = borders(name)
    last = name == file_name(3)
    folder = put(small(), tmp_path)
    for length in sorted({*range(0, len(data), 11), *starts}):
        (folder / name).write_bytes(data[:length])
        if last and length in starts[1:]:
            assert verify_chain([folder], trust()).verdicts == (Code.TAIL_OPEN,)
            continue
        with pytest.raises(ChainError) as error:
            verify_chain([folder], trust())
        assert error.value.report.first_fault is not None


def _names() -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(recording()))


@settings(max_examples=60)
@given(name=_names(), data=st.data())
@pytest.mark.requirement("R10", "all")
def test_any_range_cut_out_is_refused(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    files = dict(recording())
    size = len(files[name])
    begin = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(begin + 1, size))
    files[name] = files[name][:begin] + files[name][end:]
    report = refused(files, tmp_path_factory.getbasetemp() / "cut", witnessed())
    assert report.first_fault is not None
    assert report.first_fault.place.file


@settings(max_examples=60)
@given(name=_names(), inserted=st.binary(min_size=1, max_size=200), data=st.data())
@pytest.mark.requirement("R10", "all")
def test_any_bytes_inserted_are_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, inserted: bytes, data: st.DataObject
) -> None:
    files = dict(recording())
    at = data.draw(st.integers(0, len(files[name])))
    changed = files[name][:at] + inserted + files[name][at:]
    files[name] = changed
    fault = refused(files, tmp_path_factory.getbasetemp() / "inserted").first_fault
    assert fault is not None
    assert fault.place.file == name


@settings(max_examples=60)
@given(source=_names(), target=_names(), data=st.data())
def test_any_range_copied_elsewhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, source: str, target: str, data: st.DataObject
) -> None:
    files = dict(recording())
    begin = data.draw(st.integers(0, len(files[source]) - 1))
    piece = files[source][begin : data.draw(st.integers(begin + 1, len(files[source])))]
    at = data.draw(st.integers(0, len(files[target])))
    changed = files[target][:at] + piece + files[target][at + len(piece) :]
    if changed == files[target]:
        return
    files[target] = changed
    fault = refused(files, tmp_path_factory.getbasetemp() / "copied").first_fault
    assert fault is not None
    assert fault.place.file == target


@settings(max_examples=40)
@given(one=_names(), other=_names())
@pytest.mark.requirement("R10", "all")
def test_any_two_files_swapped_are_refused(tmp_path_factory: pytest.TempPathFactory, one: str, other: str) -> None:
    if one == other:
        return
    files = {**recording(), one: recording()[other], other: recording()[one]}
    fault = refused(files, tmp_path_factory.getbasetemp() / "swapped").first_fault
    assert fault is not None
    assert fault.place.file == min(one, other)


@pytest.mark.parametrize("name", sorted(recording()))
@pytest.mark.requirement("R10", "all")
def test_any_file_dropped_is_refused(tmp_path: Path, name: str) -> None:
    """The last one is missed by the store's receipts alone."""
    files = {each: data for each, data in recording().items() if each != name}
    report = refused(files, tmp_path, witnessed())
    fault = report.first_fault
    assert fault is not None
    last = name == max(recording())
    wanted = {min(recording()): Code.HEAD_MISSING, max(recording()): Code.TAIL_MISSING_VS_WITNESS}
    assert fault.code is wanted.get(name, Code.GAP)
    assert fault.place.sequence is not None
    if last:
        assert verify_chain([put(files, tmp_path)], trust()).verdicts == (Code.TAIL_OPEN,)


@settings(max_examples=60)
@given(junk=st.binary(max_size=400))
def test_junk_is_not_sealed_or_malformed(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "junk"
    with pytest.raises((ChainError, NotSealedError)):
        verify_chain([put({file_name(1): MAGIC + junk}, folder)], trust())
    with pytest.raises((ChainError, NotSealedError)):
        verify_chain([put({file_name(1): junk}, folder)], trust())
