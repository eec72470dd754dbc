"""Units whose device key lives in a token: provisioned, recorded and verified by the product's own ways."""

import json
import os
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from agent.assembly import prepare
from agent.cli.main import run
from agent.device_key import close_device_key
from agent.doctor_links import try_key
from agent.doctor_values import Outcome
from agent.errors import IdentityError
from agent.provisioning import UnitFolders
from sealing.oids import Assurance
from sealing.report import Report
from sealing.tokens.pkcs11_token import Pkcs11Place
from sealing.verifier import examine_chain
from sync.errors import EnrolmentError
from tests.support.agent_in_world import first_day, hummed, running_in_world
from tests.support.clocks import START_UTC_NS
from tests.support.provisioned_unit import UNIT, ProvisionedUnit, provision
from tests.tokens.conftest import PIN, SimulatedTpm


@pytest.fixture
def voice() -> Path:
    return hummed()


def shift(unit: ProvisionedUnit, voice: Path) -> None:
    """One start of the agent, with a short recording."""
    with running_in_world(unit, voice, start_utc=first_day(unit)) as scene:
        scene.press()
        scene.wait(5.0)
        scene.press(2.3)
        scene.wait(3.0)


def examined(unit: ProvisionedUnit) -> Report:
    return examine_chain([unit.paths.spool], unit.trust)


def certified(unit: ProvisionedUnit) -> Assurance:
    """How the agency certified the device key."""
    certificate = x509.load_pem_x509_certificate((unit.paths.certificates / "device.pem").read_bytes())
    return unit.trust.device(certificate.public_bytes(Encoding.DER), UNIT, START_UTC_NS).assurance


def in_tpm(root: Path, chip: SimulatedTpm) -> ProvisionedUnit:
    return provision(root, asking=("--signer", "tpm", "--tcti", chip.tcti), enrolling=("--hardware-seen",))


def pin_file(folder: Path) -> Path:
    path = folder / "pin"
    path.write_text(f"{PIN}\n")
    path.chmod(0o600)
    return path


def in_token(root: Path, place: Pkcs11Place, key: str) -> ProvisionedUnit:
    words = ("--signer", "pkcs11", "--module", str(place.library), "--token", place.token_label, "--key", key)
    asking = (*words, "--pin-file", str(pin_file(root.parent)))
    return provision(root, asking=asking, enrolling=("--hardware-seen",))


def test_a_restored_disk_image_is_named_by_the_tpm_through_the_agent(
    swtpm: SimulatedTpm, tmp_path: Path, voice: Path
) -> None:
    """SF-43, SF-44: all that the unit has on its disk is put back, key files, counter file and all."""
    unit = in_tpm(tmp_path / "unit", swtpm)
    assert not (unit.paths.keys / "device.key").exists()
    assert certified(unit) is Assurance.HARDWARE
    shift(unit, voice)
    first = examined(unit)
    assert not first.findings
    assert (first.grade, first.tail.counter) == (Assurance.SIMULATED, "tpm-nv")

    image = tmp_path / "image"
    shutil.copytree(unit.paths.state, image)
    shift(unit, voice)
    assert not examined(unit).findings

    swtpm.stop()
    swtpm.start()
    shutil.rmtree(unit.paths.state)
    shutil.copytree(image, unit.paths.state)
    shift(unit, voice)
    assert examined(unit).verdicts == ("ROLLBACK",)


def test_a_unit_with_its_key_in_a_pkcs11_token_records_and_verifies(
    softhsm: Pkcs11Place, tmp_path: Path, voice: Path
) -> None:
    unit = in_token(tmp_path / "unit", softhsm, "product-key")
    assert not (unit.paths.keys / "device.key").exists()
    assert PIN not in unit.config_path.read_text()
    shift(unit, voice)
    report = examined(unit)
    assert not report.findings
    assert (certified(unit), report.tail.counter) == (Assurance.HARDWARE, "file")


def test_the_doctor_tries_the_key_in_its_token(softhsm: Pkcs11Place, tmp_path: Path) -> None:
    unit = in_token(tmp_path / "unit", softhsm, "doctors-key")
    folders = UnitFolders(unit.paths.keys, unit.paths.certificates)
    found = try_key(folders, UNIT, unit.config.keys)
    assert (found.outcome, found.figure) == (Outcome.PASS, "pkcs11: signed and verified; 2 recipients")
    gone = unit.config.keys.model_copy(update={"token": "another"})
    lost = try_key(folders, UNIT, gone)
    assert lost.outcome is Outcome.FAIL
    assert "token another" in lost.figure


def test_asking_again_takes_the_key_that_is_there(softhsm: Pkcs11Place, tmp_path: Path) -> None:
    unit = in_token(tmp_path / "unit", softhsm, "kept-key")
    request = unit.root / "request.json"
    before = json.loads(request.read_text())["device_request"]
    words = ("--signer", "pkcs11", "--module", str(softhsm.library), "--token", "unit", "--key", "kept-key")
    asked = ("provision", "request", "--state", str(unit.paths.state), "--device-id", UNIT, "-o", str(request))
    assert run([*asked, *words, "--pin-file", str(tmp_path / "pin")]) == 0
    after = json.loads(request.read_text())["device_request"]
    keys = [x509.load_pem_x509_csr(each.encode()).public_key() for each in (before, after)]
    assert keys[0] == keys[1]


def test_hardware_that_nobody_has_seen_is_not_certified(swtpm: SimulatedTpm, tmp_path: Path) -> None:
    """A request proves that the unit has the key, never where it lies."""
    with pytest.raises(EnrolmentError, match="--hardware-seen"):
        provision(tmp_path / "unit", asking=("--signer", "tpm", "--tcti", swtpm.tcti))


def test_a_token_that_is_gone_stops_the_start_and_says_what_to_do(swtpm: SimulatedTpm, tmp_path: Path) -> None:
    unit = in_tpm(tmp_path / "unit", swtpm)
    close_device_key(prepare(unit.config).identity.signer)
    swtpm.stop()
    with pytest.raises(IdentityError, match=r"device key: TPM swtpm.*check the table `keys`"):
        prepare(unit.config)


@pytest.mark.parametrize(
    ("mode", "content", "words"),
    [(0o644, b"123456\n", "everybody can read"), (0o600, b"", "not a PIN"), (0o600, b"1" * 300, "not a PIN")],
)
def test_a_pin_file_is_one_line_that_is_nobody_elses(
    tmp_path: Path, softhsm: Pkcs11Place, mode: int, content: bytes, words: str
) -> None:
    unit = in_token(tmp_path / "unit", softhsm, "guarded-key")
    (tmp_path / "pin").write_bytes(content)
    (tmp_path / "pin").chmod(mode)
    with pytest.raises(IdentityError, match=words):
        prepare(unit.config)


def test_the_services_credential_stands_in_for_a_pin_file(
    tmp_path: Path, softhsm: Pkcs11Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = in_token(tmp_path / "unit", softhsm, "credential-key")
    config = unit.config.model_copy(update={"keys": unit.config.keys.model_copy(update={"pin_file": None})})
    with pytest.raises(IdentityError, match="no credential `token-pin`"):
        prepare(config)
    folder = tmp_path / "credentials"
    folder.mkdir()
    (tmp_path / "pin").rename(folder / "token-pin")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    close_device_key(prepare(config).identity.signer)


def test_pkcs11_without_its_library_is_wrong_usage(tmp_path: Path) -> None:
    asked = ("provision", "request", "--state", str(tmp_path / "state"), "--device-id", UNIT, "-o", str(tmp_path / "r"))
    assert run([*asked, "--signer", "pkcs11"]) == os.EX_USAGE
    assert not (tmp_path / "state").exists()
