"""Two verifiers that share no code, over files whose verdict somebody wrote down beforehand."""

import ast
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from sealing.codec import encode_body
from sealing.encoding import encode
from sealing.findings import Severity
from sealing.limits import HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX
from sealing.records import Checkout
from sealing.report import Report
from sealing.verifier import examine_chain
from tests.support.chains import agency, snapshot, start_writer
from tests.support.clocks import ManualClock
from tests.support.recordings import Scene, trust
from tests.vectors import second_decoder, second_verifier
from tests.vectors.cases import CASES
from tests.vectors.generate import VECTORS, folder_of, generate
from tests.vectors.judging import by_the_first, by_the_second, expected, said
from tests.vectors.second_decoder import Decoder
from tests.vectors.second_records import Fault

SECOND = tuple(sorted(path.stem for path in Path(__file__).parent.glob("second_*.py")))
BYTES_MAX = 3_000_000
FOLDERS = sorted(path for path in VECTORS.iterdir() if path.is_dir())
SECOND_SUITES = {1, 2}
"""Suites that the second verifier reads; suite 3 is judged by the first alone."""


@cache
def judged_by_the_first(folder: Path) -> Report:
    return by_the_first(folder)


@cache
def judged(folder: Path) -> tuple[Report, list[Fault]]:
    return judged_by_the_first(folder), by_the_second(folder)


BY_BOTH = [folder for folder in FOLDERS if int(said(folder, "suite")) in SECOND_SUITES]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_first_verifier_says_what_the_header_says(folder: Path) -> None:
    assert set(judged_by_the_first(folder).verdicts) == expected(folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_checking_each_signature_finds_neither_more_nor_less(folder: Path) -> None:
    """SF-61."""
    assert by_the_first(folder, every_signature=True).findings == judged_by_the_first(folder).findings


@pytest.mark.parametrize("folder", BY_BOTH, ids=lambda folder: folder.name)
def test_both_verifiers_say_what_the_header_says(folder: Path) -> None:
    report, faults = judged(folder)
    assert set(report.verdicts) == expected(folder)
    assert {fault.code for fault in faults} == expected(folder)


@pytest.mark.parametrize("folder", BY_BOTH, ids=lambda folder: folder.name)
def test_both_verifiers_name_the_same_place(folder: Path) -> None:
    report, faults = judged(folder)
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    ours = {(str(each.code), each.place.file, each.place.offset_bytes) for each in errors}
    codes = {str(each.code) for each in errors}
    theirs = [(each.code, each.file, each.offset) for each in faults if each.code in codes]
    assert bool(ours) == bool(theirs)
    for code, file, offset in theirs[:1]:
        assert (code, file, offset) in ours


def test_every_case_of_the_generator_lies_in_the_folder() -> None:
    assert [folder_of(case) for case in sorted(CASES, key=folder_of)] == [folder.name for folder in FOLDERS]
    for case in CASES:
        assert expected(VECTORS / folder_of(case)) == case.expect


def test_vectors_made_today_get_the_same_verdicts(tmp_path: Path) -> None:
    """The generator still makes what its headers say."""
    assert generate(tmp_path / "made") == len(FOLDERS)
    for folder in FOLDERS:
        made = tmp_path / "made" / folder.name
        assert set(by_the_first(made).verdicts) == expected(folder)


def test_both_verifiers_read_which_labels_were_given_sf_62(tmp_path: Path) -> None:
    """SF-62: fields that came later than the files in the folder, which lack them and stay valid."""
    scene = Scene(start_writer(tmp_path, clock := ManualClock()), clock)
    given = Checkout(("PF-0001",), None, None, None, False, labels_given=("case-number", "party"), department="稽查科")
    scene.writer.seal(given, {"officers": ["甲某"], "label.case-number": "2026-18", "label.party": "乙某"})
    state = replace(snapshot(clock.now.boot_id), labels_given=given.labels_given, department=given.department)
    scene.writer.set_state(state)
    scene.writer.roll_ledger("daily")
    scene.writer.halt("stop")
    assert examine_chain([tmp_path], trust()).verdicts == ()
    assert second_verifier.verify(tmp_path, agency().certificate()) == []
    encoded = Decoder.whole(encode(encode_body(given)))
    read = second_decoder.body("CHECKOUT", encoded)
    assert (read["labels_given"], read["department"]) == (["case-number", "party"], "稽查科")
    with pytest.raises(second_decoder.BadBytesError):
        second_decoder.body("CHECKOUT", {**encoded, 8: "case-number"})


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in VECTORS.rglob("*") if path.is_file()) < BYTES_MAX


def test_the_second_verifier_shares_no_code_with_the_first() -> None:
    for name in SECOND:
        tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text("utf-8"))
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not {each for each in modules if each.split(".")[0] in {"sealing", "hal", "agent"}}
        assert not {each for each in modules if each.startswith("tests.") and "vectors.second_" not in each}


def test_the_second_verifier_holds_the_limits_of_the_document() -> None:
    assert (second_decoder.HEADER_MAX, second_decoder.PAYLOAD_MAX) == (HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX)
