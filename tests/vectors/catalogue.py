"""The attack catalogue: each row, what shows it, and the verdict. `python -m tests.vectors.catalogue` writes the page.

Vectors of a row are those that the generator registered for it; what no file set can show is shown by the tests named.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.vectors.cases import CASES, Case
from tests.vectors.generate import folder_of

PAGE = Path(__file__).with_name("CATALOGUE.md")
_FILE_ROWS = (*range(1, 41), *range(48, 51), 53, *range(56, 61))
ROWS_WITH_VECTORS = frozenset(map(str, _FILE_ROWS)) | {"R1"}
"""Rows about files: both verifiers judge a file set for each of them."""
_LETTERS = "abcdefg"


@dataclass(frozen=True)
class Row:
    """One row of the catalogue."""

    number: str
    attack: str
    verdict: str
    tests: tuple[str, ...] = ()
    """`path::function`, for what vectors do not show."""


_SYNC = "tests/unit/sync/test_receipts_on_the_unit.py"
_CRASH = "tests/crash/sealing/test_power_cut.py"
_RULES = "tests/unit/sealing_verify"

ROWS = (
    Row("1", "a bit of a ciphertext flipped; only that fragment is bad", "PAYLOAD_MODIFIED"),
    Row("2", "a bit of a signed header flipped", "BAD_SIGNATURE"),
    Row("3", "a bit of a signature flipped", "BAD_SIGNATURE"),
    Row("4", "payloads of two records swapped", "PAYLOAD_MODIFIED"),
    Row("5", "two whole records swapped", "REPLAY_OR_REORDER"),
    Row("6", "a record dropped", "GAP"),
    Row("7", "a record twice", "REPLAY_OR_REORDER"),
    Row("8", "a whole file dropped", "GAP, and ROLLBACK where a TICK went with it"),
    Row("9", "a whole recording dropped", "GAP"),
    Row("10", "the beginning dropped", "HEAD_MISSING"),
    Row("11", "files reordered or renamed", "REPLAY_OR_REORDER"),
    Row("12", "a record inserted or replaced with an outsider's key", "BAD_SIGNATURE"),
    Row("13", "a whole chain of a self-made unit", "UNTRUSTED_KEY"),
    Row("14", "a file of another genuine unit spliced in", "WRONG_DEVICE"),
    Row("15", "an older file of the same unit spliced in", "REPLAY_OR_REORDER"),
    Row("16", "tail cut at a record's border, no witness, no counter", "TAIL_OPEN"),
    Row("17", "the same, and a store has seen it", "TAIL_MISSING_VS_WITNESS"),
    Row("18", "the same, and the counter went on", "ROLLBACK"),
    Row("19", "cut inside a record", "TORN_TAIL"),
    Row("20", "last file removed, the unit goes on", "UNCLEAN_STOP, ROLLBACK"),
    Row("21", "the same, and a store has seen it", "FORK_VS_WITNESS"),
    Row("22", "an older image restored, then recorded on", "ROLLBACK, FORK_VS_WITNESS"),
    Row(
        "23",
        "power cut inside the last record and while a file is made, then a start",
        "UNCLEAN_STOP",
        (
            f"{_CRASH}::test_a_cut_at_every_byte_of_the_last_record_is_named_exactly",
            f"{_CRASH}::test_a_cut_at_every_byte_of_a_files_beginning_drops_the_file",
        ),
    ),
    Row("24", "clock set back while recording", "CLOCK_INCONSISTENT"),
    Row("25", "back-dated, anchored later", "CLOCK_WRONG"),
    Row("26", "time token taken from another record", "TIME_TOKEN_REPLAY"),
    Row("27", "stolen key of an old epoch signs in the present one", "EPOCH_ORDER"),
    Row("28", "stolen present key rewrites an earlier epoch under its number", "BAD_SIGNATURE"),
    Row("29", "the same under the new number", "EPOCH_ORDER"),
    Row("30", "live thief of the epoch key rewrites the tail consistently", "COUNTER_MISBOUND"),
    Row("31", "the same, without a counter; a store has seen the head", "FORK_VS_WITNESS"),
    Row("32", "epoch certificate used elsewhere", "EPOCH_MISBOUND"),
    Row("33", "counter attested for another place", "COUNTER_MISBOUND"),
    Row("34", "algorithm changed; a suite that is unknown or not allowed", "BAD_SIGNATURE or SUITE_FORBIDDEN"),
    Row("35", "something in the unprotected header", "MALFORMED"),
    Row("36", "bytes behind a header", "MALFORMED"),
    Row("37", "length fields changed", "MALFORMED"),
    Row("38", "rubbish behind the end", "TORN_TAIL"),
    Row("39", "a wrapped content key replaced", "BAD_SIGNATURE, UNDECRYPTABLE"),
    Row("40", "encrypted under another key than the wrapped one", "UNDECRYPTABLE"),
    Row("41", "receipt: good", "freed", (f"{_SYNC}::test_a_true_receipt_is_returned",)),
    Row(
        "42", "receipt: wrong signer", "nothing freed", (f"{_SYNC}::test_a_receipt_that_is_not_the_stores_is_refused",)
    ),
    Row(
        "43", "receipt: another unit", "nothing freed", (f"{_SYNC}::test_a_receipt_that_is_not_the_stores_is_refused",)
    ),
    Row("44", "receipt: another file", "nothing freed", (f"{_SYNC}::test_a_receipt_for_another_file_is_refused",)),
    Row(
        "45",
        "receipt: a shorter file",
        "nothing freed",
        (f"{_SYNC}::test_any_change_of_the_file_on_the_disk_is_found",),
    ),
    Row(
        "46",
        "receipt: an older file",
        "nothing freed",
        ("tests/unit/agent/test_receipts.py::test_a_receipt_under_another_files_name_frees_neither",),
    ),
    Row(
        "47",
        "receipt: a bit flipped",
        "nothing freed",
        (f"{_RULES}/test_receipts.py::test_every_flipped_bit_is_refused",),
    ),
    Row(
        "48",
        "CBOR: a key twice, 1 against true, longer integers, indefinite lengths, depth, 4 GiB",
        "MALFORMED",
        (
            f"{_RULES}/test_attacks.py::test_row_48_a_header_that_claims_gigabytes_takes_no_memory",
            f"{_RULES}/test_reader.py::test_four_gibibytes_that_are_only_claimed_take_no_memory",
        ),
    ),
    Row(
        "49",
        "card moved to another recorder",
        "WRONG_DEVICE; the recorder begins a chain of its own, keeps the files and says so",
        (
            "tests/unit/sealing/test_foreign.py::test_another_units_files_stay_and_the_unit_records_beside_them",
            "tests/unit/sealing/test_foreign.py::test_a_chain_under_another_device_key_stays_too",
        ),
    ),
    Row("50", "certificate ended since; revoked before; revoked after", "OK; UNTRUSTED_KEY; OK if vouched for before"),
    Row(
        "51",
        "a store shows two histories, or fewer receipts than before",
        "the unit says so and keeps its files",
        ("tests/unit/sync/test_rules_and_sessions.py::test_a_store_that_lost_receipts_is_named",),
    ),
    Row(
        "52",
        "receipt replayed on the way; upload cut, repeated, out of order",
        "nothing freed; nothing changed",
        (
            "tests/system/sync/test_attack_list.py::test_receipts_that_are_not_the_stores_for_this_file_do_no_harm",
            "tests/system/sync/test_every_byte.py::test_cut_at_bytes_of_a_small_exchange",
            "tests/system/sync/test_every_byte.py::test_a_request_that_arrives_twice_changes_nothing",
        ),
    ),
    Row("53", "DELETE without RECEIPT; file gone without DELETE (row 8)", "POLICY_VIOLATION; GAP"),
    Row(
        "54",
        "medium full, EIO, read-only, short write",
        "recording stops or queues, the chain stays valid, the fault is sealed",
        ("tests/crash/sealing/test_medium_faults.py::test_every_failing_operation_is_survived_and_nothing_is_lost",),
    ),
    Row(
        "55",
        "power cut between DELETE and unlink, during rotation, during a change of epoch",
        "consistent after the start",
        (
            f"{_CRASH}::test_power_cut_at_every_operation_loses_nothing_synced",
            f"{_CRASH}::test_power_cut_during_recovery_of_a_power_cut",
        ),
    ),
    Row("56", "sound muted or swapped, container times changed", "PAYLOAD_MODIFIED"),
    Row("57", "exported part of a chain", "PARTIAL a..b, HEAD_MISSING where it is given as a whole"),
    Row("58", "unit cloned with a soft key, both record", "FORK_VS_WITNESS"),
    Row("59", "ANCHOR, TICK or ALIVE missing beyond policy", "STALE"),
    Row("60", "recipient missing from policy, or unknown recipient added", "RECIPIENT_MISMATCH"),
    Row(
        "R1",
        "residual: tail since the last TICK removed, no witness, power cut pretended",
        "UNCLEAN_STOP, with its bound",
        (
            f"{_RULES}/test_holes_and_parts.py::test_an_unclean_stop_says_how_much_can_be_missing_there",
            f"{_RULES}/test_ticks_and_anchors.py::test_a_counter_that_was_restored_with_the_card_says_nothing",
        ),
    ),
    Row(
        "R2",
        "not detectable: lens covered, screen filmed, sensor replaced, root from then on, recording never started",
        "none; named in FORMAT.md, section 10",
        ("tests/vectors/test_catalogue.py::test_what_no_software_can_detect_is_named",),
    ),
)


def row_of(case: Case) -> str:
    """Row that a vector belongs to."""
    return case.row.rstrip(_LETTERS)


def vectors_of(row: Row) -> list[Case]:
    """Vectors of a row, as folders stand."""
    return sorted((case for case in CASES if row_of(case) == row.number), key=folder_of)


def page() -> str:
    """The catalogue as Markdown."""
    lines = [
        "# The attack catalogue",
        "",
        "Made by `python -m tests.vectors.catalogue`; a test holds it to the vectors and the tests that there are.",
        "Vectors lie in `sealing/vectors`; those of suites 1 and 2 are judged by two verifiers that share no code,",
        "those of suite 3 by the product's.",
        "",
        "| row | attack | verdict | shown by |",
        "| --- | --- | --- | --- |",
    ]
    for row in ROWS:
        found = [f"`{folder_of(case)}`: {_codes(case)}" for case in vectors_of(row)]
        found += [f"`{name}`" for name in row.tests]
        lines.append(f"| {row.number} | {row.attack} | {row.verdict} | {'<br>'.join(found)} |")
    return "\n".join([*lines, ""])


def _codes(case: Case) -> str:
    return ", ".join(sorted(case.expect)) or "OK"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
