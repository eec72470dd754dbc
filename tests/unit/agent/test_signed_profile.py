"""A profile as one signed file, and which one binds the unit (`agent/PROFILE.md`, PR-10 to PR-12)."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.cli.main import run
from agent.config import AgentConfig, ProfileTable, UnitPaths, load_config
from agent.errors import ProfileError
from agent.exit_codes import exit_code_of
from agent.profile import PROFILE_BYTES_MAX, LoadedProfile, load_profile, parse_profile
from agent.signed_profile import (
    SIGNED_BYTES_MAX,
    Mark,
    OlderProfileError,
    ProfileSignatureError,
    UnsignedProfileError,
    accept_delivered,
    load_for_unit,
    read_mark,
    read_signed,
    remember,
    sign_profile,
)
from sealing.agency_document import KIND_POLICY, sign_document
from sealing.keys import FileKeySigner
from tests.support.chains import Agency, agency, clerk
from tests.support.profiles import MINIMAL

ISSUED_NS = 1_790_000_000 * 1_000_000_000
Captured = pytest.CaptureFixture[str]


def ca_der(authority: Agency) -> bytes:
    return authority.certificate().public_bytes(Encoding.DER)


def signed(number: int = 1, text: str = MINIMAL, authority: Agency | None = None) -> bytes:
    """A profile that the clerk of an agency signed."""
    key, certificate = clerk(authority=authority or agency())
    return sign_profile(parse_profile(text.encode(), "own.toml"), number, ISSUED_NS, key, certificate)


def read(data: bytes) -> LoadedProfile:
    return read_signed(data, "own.profile", [ca_der(agency())])


class Unit:
    """A provisioned unit's folders, with its agency's CA."""

    def __init__(self, root: Path) -> None:
        (root / "state" / "certificates").mkdir(parents=True)
        (root / "state" / "keys").mkdir()
        ca = agency().certificate().public_bytes(Encoding.PEM)
        (root / "state" / "certificates" / "agency-ca.pem").write_bytes(ca)
        self.file = root / "own.profile"
        self.config_path = root / "agent.toml"
        self.configure("own.profile")

    def configure(self, name: str, more: str = "") -> None:
        self.config_path.write_text(
            f'[unit]\ndevice_id = "unit-1"\nstate_directory = "state"\nrun_directory = "run"\n'
            f'[hal]\ndriver_set = "sim"\n[profile]\nname = "{name}"\n{more}\n',
            encoding="utf-8",
        )

    @property
    def config(self) -> AgentConfig:
        return load_config(self.config_path)

    @property
    def paths(self) -> UnitPaths:
        return UnitPaths(self.config)

    def start(self) -> LoadedProfile:
        """What a start of the agent does with the profile."""
        loaded = load_for_unit(self.config.profile, self.paths)
        remember(loaded, self.paths)
        return loaded


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


def test_pr_10_the_payload_is_the_toml_file_and_the_hash_is_its(unit: Unit) -> None:
    """PR-10."""
    unit.file.write_bytes(signed(7))
    loaded = unit.start()
    assert loaded.content == MINIMAL.encode()
    assert loaded.hash == hashlib.sha256(MINIMAL.encode()).digest()
    assert loaded.document is not None
    assert (loaded.document.kind, loaded.document.number) == ("profile", 7)


def test_pr_10_the_working_days_are_signed_with_the_rest() -> None:
    """PR-10: WH 26 counts working days by the calendar inside the signed file."""
    text = load_profile("wuhan").content.decode()
    profile = read(signed(1, text)).profile
    assert profile.working_days is not None
    assert profile.working_days == load_profile("wuhan").profile.working_days


@pytest.mark.parametrize("name", ["dalian-jinpu", "huainan", "inner-mongolia", "wuhan", "wuhu"])
def test_pr_10_every_shipped_profile_fits_into_a_signed_file(name: str) -> None:
    """PR-10."""
    assert read(signed(1, load_profile(name).content.decode())).hash == load_profile(name).hash


def test_pr_10_the_largest_profile_can_be_signed_and_nothing_larger_is_read() -> None:
    """PR-10."""
    largest = MINIMAL + "#" * (PROFILE_BYTES_MAX - len(MINIMAL.encode()))
    data = signed(1, largest)
    assert len(data) <= SIGNED_BYTES_MAX
    assert read(data).profile.profile.id == "own"
    with pytest.raises(ProfileSignatureError, match=f"more than {SIGNED_BYTES_MAX} bytes"):
        read(bytes(SIGNED_BYTES_MAX + 1))


def of_another_kind() -> bytes:
    key, certificate = clerk()
    return sign_document(KIND_POLICY, 1, ISSUED_NS, MINIMAL.encode(), key, certificate)


def flipped() -> bytes:
    data = bytearray(signed())
    data[data.index(b"hours = 24") + 8] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (flipped, "signature"),
        (lambda: signed(authority=Agency()), "not issued by the agency's CA"),
        (of_another_kind, "kind «policy»"),
        (MINIMAL.encode, "not a document of the agency"),
        (lambda: b"", "not a document of the agency"),
        (lambda: signed()[:-1], "not a document of the agency"),
    ],
)
def test_pr_10_what_the_agency_did_not_sign_is_refused(make: Callable[[], bytes], words: str) -> None:
    """PR-10: wrong signature, foreign agency, wrong kind, no document at all."""
    with pytest.raises(ProfileSignatureError, match=r"own\.profile") as caught:
        read(make())
    assert words in str(caught.value)
    assert exit_code_of(caught.value) == os.EX_CONFIG


def test_pr_10_a_signed_profile_that_breaks_a_rule_is_refused_with_key_and_rule() -> None:
    """PR-10."""
    key, certificate = clerk()
    broken = MINIMAL.replace("hours = 24", "hours = 0").encode()
    data = sign_document("profile", 1, ISSUED_NS, broken, key, certificate)
    with pytest.raises(ProfileError, match=r"own\.profile: sync\.transfer\.normal\.limit\.hours = 0"):
        read(data)


def test_pr_11_a_unit_that_takes_signed_profiles_takes_no_other(unit: Unit) -> None:
    """PR-11."""
    unit.configure("huainan", "signed = true")
    with pytest.raises(UnsignedProfileError, match="'huainan'") as caught:
        unit.start()
    assert exit_code_of(caught.value) == os.EX_CONFIG
    unit.configure("huainan")
    assert unit.start().document is None
    unit.file.write_text(MINIMAL, encoding="utf-8")
    unit.configure("own.profile")
    with pytest.raises(ProfileSignatureError):
        unit.start()


def test_pr_11_a_path_that_ends_in_profile_wants_a_signature_without_being_told() -> None:
    """PR-11."""
    assert ProfileTable(name="own.profile").takes_signed_only
    assert ProfileTable(name="huainan", signed=True).takes_signed_only
    assert not ProfileTable(name="own.toml").takes_signed_only


def test_pr_11_without_the_agencys_ca_or_the_file_nothing_is_loaded(unit: Unit) -> None:
    """PR-11."""
    with pytest.raises(ProfileError, match=r"own\.profile: cannot be read"):
        unit.start()
    unit.file.write_bytes(signed())
    unit.paths.agency_ca.unlink()
    with pytest.raises(ProfileSignatureError, match=r"agency-ca\.pem: no CA certificate"):
        unit.start()


def test_pr_12_an_older_profile_in_the_configurations_place_is_refused(unit: Unit) -> None:
    """PR-12."""
    unit.file.write_bytes(signed(3))
    unit.start()
    unit.file.write_bytes(signed(2))
    with pytest.raises(OlderProfileError, match="number 2, and number 3 was in force") as caught:
        unit.start()
    assert exit_code_of(caught.value) == os.EX_CONFIG
    unit.file.write_bytes(signed(3, MINIMAL + "\n"))
    with pytest.raises(OlderProfileError, match="another profile with the number 3"):
        unit.start()
    unit.file.write_bytes(signed(4))
    assert unit.start().document is not None
    assert read_mark(unit.paths.profile_mark) == Mark(4, hashlib.sha256(unit.file.read_bytes()).hexdigest())


def test_pr_12_a_delivered_profile_is_in_force_from_the_next_start(unit: Unit) -> None:
    """PR-12."""
    unit.file.write_bytes(signed(1))
    unit.start()
    accept_delivered(signed(2, MINIMAL + "# new\n"), unit.paths)
    assert unit.start().content.endswith(b"# new\n")
    mark = read_mark(unit.paths.profile_mark)
    assert mark is not None
    assert mark.number == 2


def test_pr_12_a_delivered_profile_that_is_older_or_not_the_agencys_changes_nothing(unit: Unit) -> None:
    """PR-12."""
    unit.file.write_bytes(signed(5))
    unit.start()
    with pytest.raises(OlderProfileError):
        accept_delivered(signed(4), unit.paths)
    with pytest.raises(ProfileSignatureError):
        accept_delivered(signed(6, authority=Agency()), unit.paths)
    assert not unit.paths.delivered_profile.exists()


def test_pr_12_taking_the_delivered_file_away_brings_no_older_one_back(unit: Unit) -> None:
    """PR-12."""
    unit.file.write_bytes(signed(1))
    accept_delivered(signed(2, MINIMAL + "# new\n"), unit.paths)
    unit.start()
    unit.paths.delivered_profile.unlink()
    with pytest.raises(OlderProfileError):
        unit.start()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"number": "x", "sha256": ""}', "\xff"])
def test_pr_12_a_mark_that_cannot_be_read_is_an_error_and_not_a_first_start(unit: Unit, text: str) -> None:
    """PR-12."""
    unit.file.write_bytes(signed(1))
    unit.paths.profile_mark.write_text(text, encoding="latin-1")
    with pytest.raises(ProfileError, match="not the mark of a profile"):
        unit.start()


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The agency's desk: its CA, the key for documents and that key's certificate."""
    key, certificate = clerk()
    assert isinstance(key, FileKeySigner)
    pem = key._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "documents.key").write_bytes(pem)
    body = agency().certificate().public_bytes(Encoding.PEM)
    (tmp_path / "agency-ca.pem").write_bytes(body)
    (tmp_path / "documents.pem").write_bytes(pem_of(certificate))
    (tmp_path / "own.toml").write_text(MINIMAL, encoding="utf-8")
    return tmp_path


def pem_of(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def sign(desk: Path, name: str, number: int, output: str) -> int:
    keys = ["--key", str(desk / "documents.key"), "--certificate", str(desk / "documents.pem")]
    return run(["profile", "sign", name, "--number", str(number), *keys, "-o", str(desk / output)])


def test_the_command_signs_and_the_unit_loads_it(desk: Path, capsys: Captured) -> None:
    assert sign(desk, "wuhu", 3, "wuhu.profile") == 0
    assert "序号" in capsys.readouterr().out
    ca = ["--ca", str(desk / "agency-ca.pem")]
    assert run(["profile", "check", str(desk / "wuhu.profile"), *ca, "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert (checked["signed"], checked["number"], checked["id"]) == (True, 3, "wuhu")
    assert checked["sha256"] == load_profile("wuhu").hash.hex()
    assert run(["profile", "show", str(desk / "wuhu.profile"), *ca]) == 0
    assert "有效，序号 3" in capsys.readouterr().out


def test_the_command_refuses_what_it_cannot_check_and_what_breaks_a_rule(desk: Path, capsys: Captured) -> None:
    assert sign(desk, "wuhu", 3, "wuhu.profile") == 0
    assert run(["profile", "check", str(desk / "wuhu.profile")]) == os.EX_CONFIG
    assert "--ca" in capsys.readouterr().err
    assert sign(desk, "wuhu", 3, "wuhu.toml") == os.EX_USAGE
    (desk / "own.toml").write_text(MINIMAL.replace("hours = 24", "hours = -1"), encoding="utf-8")
    assert sign(desk, str(desk / "own.toml"), 3, "own.profile") == os.EX_CONFIG
    assert not (desk / "own.profile").exists()
    keys = ["--key", str(desk / "documents.key"), "--certificate", str(desk / "agency-ca.pem")]
    assert run(["profile", "sign", "wuhu", "--number", "1", *keys, "-o", str(desk / "x.profile")]) == os.EX_CONFIG
    assert "not for the key" in capsys.readouterr().err


def test_diff_names_every_value_that_differs_with_both_clauses(desk: Path, capsys: Captured) -> None:
    text = (
        MINIMAL.replace("hours = 24", "hours = 48")
        + '[repair]\nclauses = { hours = "X 1" }\nhours = 24\nstarts = "x"\n'
    )
    (desk / "new.toml").write_text(text, encoding="utf-8")
    assert run(["profile", "diff", str(desk / "own.toml"), str(desk / "new.toml"), "--json"]) == 0
    found = {each["value"]: each for each in json.loads(capsys.readouterr().out)["changes"]}
    assert set(found) == {"sync.transfer.normal.limit.hours", "repair.hours", "repair.starts"}
    assert found["sync.transfer.normal.limit.hours"] == {
        "value": "sync.transfer.normal.limit.hours",
        "before": 24,
        "clause_before": "agency setting",
        "after": 48,
        "clause_after": "agency setting",
    }
    assert found["repair.hours"]["before"] is None
    assert found["repair.hours"]["clause_after"] == "X 1"
    assert run(["profile", "diff", str(desk / "own.toml"), str(desk / "own.toml")]) == 0
    assert "0 处不同" in capsys.readouterr().out


def test_diff_goes_by_codes_so_that_a_row_put_in_between_moves_nothing(desk: Path, capsys: Captured) -> None:
    old = load_profile("huainan").content.decode()
    row = '[[capture.interruptions.causes]]\ncode = "power-cut"\nzh = "停电"\nen = "power cut"\n\n'
    first = old.index("[[capture.interruptions.causes]]")
    (desk / "new.toml").write_text(old[:first] + row + old[first:], encoding="utf-8")
    assert run(["profile", "diff", "huainan", str(desk / "new.toml"), "--json"]) == 0
    names = [each["value"] for each in json.loads(capsys.readouterr().out)["changes"]]
    assert names == [f"capture.interruptions.causes.power-cut.{key}" for key in ("code", "zh", "en")]
