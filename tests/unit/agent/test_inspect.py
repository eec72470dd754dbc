"""`recorder inspect`: every record as it stands, nothing believed."""

import json
import shutil
from pathlib import Path

import pytest

from agent.cli.main import run
from sealing.framing import file_name
from tests.vectors.generate import VECTORS

Captured = pytest.CaptureFixture[str]
GOOD = VECTORS / "00-good-chain"


def test_every_record_of_a_chain_is_shown(capsys: Captured) -> None:
    assert run(["inspect", str(GOOD), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [record["sequence"] for record in shown] == list(range(1, len(shown) + 1))
    assert [record["type"] for record in shown[:2]] == ["OPEN", "BOOT"]
    assert {"FRAGMENT", "CLOSE", "HALT", "BREAK", "RESUME", "MARK"} <= {record["type"] for record in shown}
    fragment = next(record for record in shown if record["type"] == "FRAGMENT")
    assert fragment["payload_bytes"] > 0
    assert len(bytes.fromhex(fragment["payload_hash"])) == 32
    assert fragment["body"]["index"] == 0


def test_one_record_alone_as_text(capsys: Captured) -> None:
    assert run(["--lang", "en", "inspect", str(GOOD), "--sequence", "2"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Nothing below was verified\n00000001.evs @")
    assert "2  BOOT" in text
    assert '"reason": "first-start"' in text


def test_what_cannot_be_read_is_shown_as_such_and_the_rest_too(capsys: Captured) -> None:
    assert run(["inspect", str(VECTORS / "36-bytes-behind-a-header"), "--json"]) == 65
    shown = json.loads(capsys.readouterr().out)
    broken = [record for record in shown if "error" in record]
    assert [record["file"] for record in broken] == [file_name(3)]
    assert shown[-1]["type"] == "CLOSE"


def test_a_file_that_is_cut_off_ends_with_an_error(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / file_name(1)
    shutil.copy(GOOD / path.name, path)
    path.write_bytes(path.read_bytes()[:-1])
    assert run(["inspect", str(path), "--json"]) == 65
    *whole, last = json.loads(capsys.readouterr().out)
    assert all("error" not in record for record in whole)
    assert "inside a record" in last["error"]
