"""Device key and counter in a TPM 2.0 (swtpm): attested by the chip, never back, over power cuts and restored cards."""

import shutil
from pathlib import Path

import pytest
import tpm2_pytss as tpm
from cryptography.hazmat.primitives.asymmetric import ec

from sealing import ticks, tpm_attestation
from sealing.errors import TokenError
from sealing.identity import DeviceIdentity, SoftwareFacts
from sealing.oids import Assurance
from sealing.records import CounterKind, Tick
from sealing.suites import SUITE_1
from sealing.tokens.signing_key import TokenPrivateKey
from sealing.tokens.tpm2_token import Tpm
from sealing.verifier import examine_chain
from sync.enrolment import make_request, read_request
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.recordings import trust
from tests.tokens.conftest import SimulatedTpm

BINDING = bytes(range(32))
REAL = SoftwareFacts("0.1.0", "test", simulated=False)


def shift(spool: Path, chip: Tpm, clock: ManualClock, number: int) -> None:
    """One start with a minute of footage, key and counter in the chip."""
    key = SUITE_1.device_key(chip.public_key_der())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    certificate = CERTIFICATES.setdefault(
        chip.public_key_der(), chains.agency().device_certificate("unit-0001", key, Assurance.HARDWARE)
    )
    unit = DeviceIdentity("unit-0001", chip, certificate)
    writer = chains.start_writer(spool, clock, unit=unit, counter=chip, software=REAL)
    first = 60 * number
    writer.open_footage(chains.run_facts(number + 1, 30 * first, 48_000 * first))
    for each in range(first, first + 60):
        clock.advance(1)
        writer.append_fragment(chains.fragment(each), chains.media(each, 50))
    writer.close_footage(chains.close_facts(first + 60))
    writer.halt("stop")
    clock.reboot(f"boot-{number + 2}")


CERTIFICATES: dict[bytes, bytes] = {}


def test_a_restored_card_is_named_by_the_counter_of_the_chip(swtpm: SimulatedTpm, tmp_path: Path) -> None:
    """SF-43, SF-44: row 22 with a real TPM; the chip is switched off between the shifts."""
    clock = ManualClock()
    chip = Tpm(swtpm.tcti)
    chip.define_counter()
    shift(tmp_path / "spool", chip, clock, 0)
    report = examine_chain([tmp_path / "spool"], trust())
    assert not report.findings
    assert (report.grade, report.tail.counter) == (Assurance.HARDWARE, "tpm-nv")
    shutil.copytree(tmp_path / "spool", tmp_path / "image")
    shift(tmp_path / "spool", chip, clock, 1)
    assert not examine_chain([tmp_path / "spool"], trust()).findings
    swtpm.stop()
    swtpm.start()
    shift(tmp_path / "image", Tpm(swtpm.tcti), clock, 1)
    assert examine_chain([tmp_path / "image"], trust()).verdicts == ("ROLLBACK",)


def test_key_and_count_outlive_the_power(swtpm: SimulatedTpm) -> None:
    chip = Tpm(swtpm.tcti)
    chip.define_counter()
    before = chip.attest(BINDING)
    swtpm.stop()
    swtpm.start()
    again = Tpm(swtpm.tcti)
    assert again.public_key_der() == chip.public_key_der()
    assert again.attest(BINDING).value == before.value
    again.advance()
    assert again.attest(BINDING).value == before.value + 1


def test_the_attestation_is_the_chips_own(swtpm: SimulatedTpm) -> None:
    """SF-44."""
    chip = Tpm(swtpm.tcti)
    chip.define_counter()
    found = chip.attest(BINDING)
    key = SUITE_1.device_key(chip.public_key_der())
    tick = Tick(CounterKind.TPM_NV, found.value, found.attestation, found.signature)
    ticks.verify_tick(tick, BINDING, key)
    with pytest.raises(TokenError, match="TPM swtpm"):
        chip.sign(found.attestation)  # a restricted key signs nothing that begins like an attestation


def test_a_counter_that_is_made_anew_does_not_begin_anew(swtpm: SimulatedTpm) -> None:
    chip = Tpm(swtpm.tcti)
    chip.define_counter()
    chip.advance()
    before = chip.attest(BINDING).value
    with pytest.raises(TokenError):
        chip.define_counter()
    chip._open.nv_undefine_space(chip._counter())
    chip.define_counter()
    assert chip.attest(BINDING).value > before


def test_an_index_that_is_no_counter_does_not_pass_for_one(swtpm: SimulatedTpm) -> None:
    """Who owns the TPM can define an ordinary index in the counter's place; its name tells."""
    chip = Tpm(swtpm.tcti)
    ordinary = tpm.TPMA_NV(tpm_attestation.COUNTER_ATTRIBUTES & ~0xF0)
    public = tpm.TPMS_NV_PUBLIC(
        nvIndex=tpm_attestation.COUNTER_INDEX, nameAlg=tpm.TPM2_ALG.SHA256, attributes=ordinary, dataSize=8
    )
    handle = chip._open.nv_define_space(tpm.TPM2B_AUTH(), tpm.TPM2B_NV_PUBLIC(nvPublic=public))
    chip._open.nv_write(handle, (3).to_bytes(8, "big"), 0)
    found = chip.attest(BINDING)
    tick = Tick(CounterKind.TPM_NV, found.value, found.attestation, found.signature)
    with pytest.raises(Exception, match="another index"):
        ticks.verify_tick(tick, BINDING, SUITE_1.device_key(chip.public_key_der()))


def test_the_request_to_the_agency_is_signed_by_the_chip(swtpm: SimulatedTpm) -> None:
    chip = Tpm(swtpm.tcti)
    link = ec.generate_private_key(ec.SECP256R1())
    _, device, _ = read_request(make_request("unit-0001", Assurance.HARDWARE, TokenPrivateKey(chip), link))
    assert device == TokenPrivateKey(chip).public_key()


def test_a_chip_that_is_gone_says_so_and_recording_goes_on(swtpm: SimulatedTpm, tmp_path: Path) -> None:
    chip = Tpm(swtpm.tcti)
    chip.define_counter()
    swtpm.stop()
    with pytest.raises(TokenError, match="TPM swtpm"):
        chip.attest(BINDING)
    with pytest.raises(TokenError, match="TPM swtpm"):
        Tpm(swtpm.tcti)


def test_a_long_message_and_a_closed_chip_are_refused(swtpm: SimulatedTpm) -> None:
    chip = Tpm(swtpm.tcti)
    with pytest.raises(TokenError, match="up to 1024"):
        chip.sign(bytes(1_025))
    chip.close()
    chip.close()
    with pytest.raises(TokenError, match="was closed"):
        chip.sign(b"x")
