"""`recorder`: results, errors and exit codes of what needs no running agent."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent import exit_codes
from agent.cli.main import run
from agent.errors import AgentError
from agent.exit_codes import exit_code_of
from capture.errors import AssignmentError, RecorderBusyError, VoiceNotRenderedError
from hal.errors import DriverSetError, TransientHardwareError
from sealing.errors import ForeignSpoolError, KeyFileError, NotSealedError, StorageFaultError, UndecryptableError
from sealing.trust import Trust
from sync.errors import EnrolmentError
from tests.architecture import tree
from tests.support.chains import agency, close_facts, fragment, media, run_facts, start_writer
from tests.support.clocks import ManualClock
from tests.support.docks import make_folder

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A folder of sealed files, with the trust folder beside it."""
    spool, trust = tmp_path / "sealed", tmp_path / "trust"
    spool.mkdir()
    trust.mkdir()
    writer = start_writer(spool, ManualClock())
    writer.open_footage(run_facts())
    for number in range(3):
        writer.append_fragment(fragment(number), media(number))
    writer.close_footage(close_facts(3))
    writer.halt("stop")
    (trust / "agency-ca.pem").write_bytes(agency().certificate().public_bytes(Encoding.PEM))
    Trust.load(trust)
    return spool


def verify(sealed: Path, *more: str) -> int:
    return run(["verify", str(sealed), "--trust", str(sealed.parent / "trust"), *more])


def test_intact_files_verify_with_a_timeline(sealed: Path, capsys: Captured) -> None:
    assert verify(sealed) == 0
    assert "核验结论    完整" in capsys.readouterr().out
    assert run(["--lang", "en", "verify", str(sealed), "--trust", str(sealed.parent / "trust")]) == 0
    assert "intact: as it was sealed" in capsys.readouterr().out


def test_json_is_one_document_and_files_are_written_where_asked(sealed: Path, tmp_path: Path, capsys: Captured) -> None:
    text, picture = tmp_path / "timeline.txt", tmp_path / "timeline.svg"
    assert verify(sealed, "--json", "--timeline", str(text), "--svg", str(picture)) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["intact"], report["grade"]) == (True, "simulated")
    assert "时间线" in text.read_text(encoding="utf-8")
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_a_part_of_a_chain_is_judged_as_one(sealed: Path, capsys: Captured) -> None:
    (sealed / "00000001.evs").unlink()
    assert verify(sealed) == 1
    assert "HEAD_MISSING" in capsys.readouterr().out
    assert verify(sealed, "--part") == 0
    told = capsys.readouterr().out
    assert "PARTIAL" in told
    assert "核验结论    部分" in told


def test_a_recipients_key_shows_what_is_inside(sealed: Path, tmp_path: Path, capsys: Captured) -> None:
    """A key file that is none says so; one that fits finds nothing to complain of here."""
    key = agency().escrow
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    path = tmp_path / "escrow.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert verify(sealed, "--key", str(path)) == 0
    path.write_text("no key")
    assert verify(sealed, "--key", str(path)) != 0
    assert "escrow.key" in capsys.readouterr().err


def test_one_flipped_bit_fails_with_file_and_record_and_still_prints_the_report(sealed: Path, capsys: Captured) -> None:
    path = sealed / "00000002.evs"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert verify(sealed, "--json") == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["intact"] is False
    assert re.fullmatch(r"recorder: error: .*00000002\.evs, record \d+.*\n", captured.err)


def test_simulated_files_are_refused_as_evidence_with_a_code_of_their_own(sealed: Path, capsys: Captured) -> None:
    assert verify(sealed, "--require", "evidence") == 3
    captured = capsys.readouterr()
    assert "完整" in captured.out
    assert "SIMULATED" in captured.err


def test_another_agencys_ca_makes_nothing_trusted(sealed: Path, tmp_path: Path, capsys: Captured) -> None:
    make_folder(tmp_path / "elsewhere")
    assert run(["verify", str(sealed), "--trust", str(tmp_path / "elsewhere" / "trust")]) == 1
    assert "UNTRUSTED_KEY" in capsys.readouterr().err


def not_sealed(folder: Path) -> list[str]:
    (folder / "film.evs").write_bytes(b"a film, perhaps")
    return ["verify", str(folder / "film.evs"), "--trust", str(folder / "trust")]


def empty_folder(folder: Path) -> list[str]:
    (folder / "empty").mkdir()
    return ["verify", str(folder / "empty"), "--trust", str(folder / "trust")]


def no_trust(folder: Path) -> list[str]:
    return ["--config", str(folder / "none.toml"), "verify", str(folder / "sealed")]


def trust_without_ca(folder: Path) -> list[str]:
    (folder / "trust" / "agency-ca.pem").unlink()
    return ["verify", str(folder / "sealed"), "--trust", str(folder / "trust")]


def trust_that_is_no_certificate(folder: Path) -> list[str]:
    (folder / "trust" / "agency-ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    return ["verify", str(folder / "sealed"), "--trust", str(folder / "trust")]


def no_such_path(folder: Path) -> list[str]:
    return ["verify", str(folder / "nowhere"), "--trust", str(folder / "trust")]


def key_that_is_none(folder: Path) -> list[str]:
    (folder / "key.pem").write_text("no key")
    where = ["--trust", str(folder / "trust"), "--out", str(folder / "out")]
    return ["open", str(folder / "sealed"), "--key", str(folder / "key.pem"), *where]


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (not_sealed, 65, ["film.evs", "not a sealed file"]),
        (empty_folder, 65, ["empty", "holds no sealed files"]),
        (no_trust, 78, ["no trust was given", "--trust"]),
        (trust_without_ca, 78, ["agency-ca.pem", "cannot be read"]),
        (trust_that_is_no_certificate, 78, ["agency-ca.pem", "no certificate"]),
        (no_such_path, 64, ["nowhere", "does not exist", "recorder verify --help"]),
        (key_that_is_none, 78, ["key.pem"]),
    ],
)
def test_bad_input_is_one_clear_error_and_changes_nothing(
    sealed: Path, capsys: Captured, spoil: Callable[[Path], list[str]], code: int, words: list[str]
) -> None:
    arguments = spoil(sealed.parent)
    before = {path: path.read_bytes() for path in sealed.parent.rglob("*") if path.is_file()}
    assert run(arguments) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("recorder: error: ")
    assert said.err.count("\n") == 1
    assert all(word in said.err for word in words), said.err
    assert {path: path.read_bytes() for path in sealed.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["sing"],
        ["verify"],
        ["--lang", "fr", "profile", "list"],
        ["checkout"],
        ["checkout", "--officer", "张某"],
        ["checkout", "--officer", "张某:A 1"],
        ["checkout", "--officer", "张某:A1:ZHANG"],
        ["profile", "holidays", "1999"],
        ["provision", "request", "--state", "s", "--device-id", "../x", "-o", "r.json"],
    ],
)
def test_wrong_usage_ends_with_64_and_touches_nothing(
    arguments: list[str], tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == os.EX_USAGE
    assert capsys.readouterr().err.startswith("recorder: error: ")
    assert list(tmp_path.iterdir()) == []


def test_without_an_agent_status_says_so(tmp_path: Path, capsys: Captured) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(
        '[unit]\ndevice_id = "u"\nstate_directory = "s"\nrun_directory = "r"\n'
        '[hal]\ndriver_set = "sim"\n[profile]\nname = "huainan"\n'
    )
    for command in (["status"], ["check"], ["checkin"], ["checkout", "--officer", "张某:A1"]):
        assert run(["--config", str(config), *command]) == os.EX_UNAVAILABLE
        assert "is recorder-agent running" in capsys.readouterr().err


def test_profiles_are_read_in_the_readers_language(capsys: Captured) -> None:
    assert run(["profile", "check", "wuhan"]) == 0
    checked = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in checked) < 120
    assert any(line.startswith("机关自定") for line in checked)
    assert run(["profile", "show", "wuhan"]) == 0
    assert "agency setting" not in capsys.readouterr().out
    assert run(["--lang", "en", "profile", "show", "wuhan"]) == 0
    assert "agency setting" in capsys.readouterr().out
    assert run(["profile", "diff", "wuhan", "wuhan"]) == 0
    assert capsys.readouterr().out == "0 处不同\n"


def test_profiles_are_listed_shown_and_checked(capsys: Captured) -> None:
    assert run(["profile", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in listed] == ["dalian-jinpu", "huainan", "inner-mongolia", "wuhan", "wuhu"]
    assert run(["profile", "show", "huainan", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["citations"]["capture.notice.wording"] == "HN 8"
    assert shown["values"]["profile"]["document_number"] == "淮医保发〔2020〕86号"
    assert run(["profile", "show", "wuhu"]) == 0
    assert "WU A2-14" in capsys.readouterr().out
    assert run(["profile", "check", "wuhan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["uncited"] == []
    assert run(["profile", "check", "atlantis"]) == os.EX_CONFIG


def test_the_calendar_is_printed_ready_for_a_profile(capsys: Captured) -> None:
    assert run(["profile", "holidays", "2026"]) == 0
    assert "2026-02-14" in capsys.readouterr().out
    assert run(["profile", "holidays", "2099"]) == os.EX_CONFIG


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotSealedError("x"), 65),
        (ForeignSpoolError("x"), 65),
        (UndecryptableError("x"), 65),
        (EnrolmentError("x"), 65),
        (KeyFileError("x"), 78),
        (StorageFaultError("x"), 74),
        (DriverSetError("x"), 78),
        (TransientHardwareError("x"), 69),
        (AssignmentError("x"), 64),
        (RecorderBusyError("x"), 75),
        (VoiceNotRenderedError("x"), 69),
        (PermissionError(13, "x"), 77),
        (OSError(5, "x"), 74),
        (AgentError("x"), 70),
        (ZeroDivisionError("x"), 70),
    ],
)
def test_every_error_has_its_code(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code


def test_every_code_that_can_come_is_documented() -> None:
    kinds: list[type[AgentError]] = [AgentError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    used = {kind.exit_code for kind in kinds} | set(exit_codes._CODES.values())
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", tree.text("agent/README.md"), re.MULTILINE)}
    assert used | {0, os.EX_USAGE, os.EX_SOFTWARE} <= documented


@pytest.mark.parametrize("arguments", [[], ["profile"]])
def test_a_command_line_without_a_command_shows_what_there_is(arguments: list[str], capsys: Captured) -> None:
    assert run(arguments) == 64
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: recorder")
    assert "recorder: error" not in said.err
