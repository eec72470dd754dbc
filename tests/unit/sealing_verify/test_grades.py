"""Grades: who gives evidence. The lowest of what certificates and BOOT records say counts for the whole chain."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sealing.identity import DeviceIdentity, SoftwareFacts
from sealing.keys import FileKeySigner
from sealing.oids import Assurance
from sealing.report import ChainError, NotEvidenceError
from sealing.verifier import verify_chain
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.recordings import trust

KEY = ec.generate_private_key(ec.SECP256R1())


def unit(assurance: Assurance) -> DeviceIdentity:
    certificate = chains.agency().device_certificate("unit-0001", KEY.public_key(), assurance)
    return DeviceIdentity("unit-0001", FileKeySigner(KEY), certificate)


def run(spool: Path, clock: ManualClock, assurance: Assurance, *, simulated: bool) -> None:
    software = SoftwareFacts("0.1.0", "sim" if simulated else "pi", simulated=simulated)
    chains.start_writer(spool, clock, unit=unit(assurance), software=software).halt("stop")
    clock.reboot("next-boot")


@pytest.mark.parametrize("assurance", [Assurance.SOFT, Assurance.HARDWARE], ids=str)
def test_a_real_unit_gives_evidence(tmp_path: Path, assurance: Assurance) -> None:
    run(tmp_path, ManualClock(), assurance, simulated=False)
    assert verify_chain([tmp_path], trust(), require_evidence=True).grade is assurance


@pytest.mark.parametrize(
    ("assurance", "simulated"),
    [(Assurance.SIMULATED, True), (Assurance.SIMULATED, False), (Assurance.SOFT, True), (Assurance.HARDWARE, True)],
    ids=str,
)
def test_a_simulated_unit_gives_none_whoever_says_so(tmp_path: Path, assurance: Assurance, simulated: bool) -> None:
    """Certificate or BOOT: one of them is enough."""
    run(tmp_path, ManualClock(), assurance, simulated=simulated)
    with pytest.raises(NotEvidenceError, match="SIMULATED") as refused:
        verify_chain([tmp_path], trust(), require_evidence=True)
    assert refused.value.report.grade is Assurance.SIMULATED
    assert verify_chain([tmp_path], trust()).intact


@pytest.mark.parametrize("first", [True, False])
def test_one_simulated_start_lowers_the_whole_chain(tmp_path: Path, first: bool) -> None:
    clock = ManualClock()
    for simulated in (first, not first):
        run(tmp_path, clock, Assurance.HARDWARE, simulated=simulated)
    with pytest.raises(NotEvidenceError):
        verify_chain([tmp_path], trust(), require_evidence=True)


def test_a_key_that_was_once_a_file_keeps_the_chain_soft(tmp_path: Path) -> None:
    """A certificate that was issued anew says more than the one before; the chain has the lower of both."""
    clock = ManualClock()
    for assurance in (Assurance.SOFT, Assurance.HARDWARE):
        run(tmp_path, clock, assurance, simulated=False)
    assert verify_chain([tmp_path], trust(), require_evidence=True).grade is Assurance.SOFT


def test_a_certificate_that_is_not_trusted_gives_no_grade(tmp_path: Path) -> None:
    stranger = chains.Agency()
    certificate = stranger.device_certificate("unit-0001", KEY.public_key(), Assurance.HARDWARE)
    identity = DeviceIdentity("unit-0001", FileKeySigner(KEY), certificate)
    chains.start_writer(tmp_path, unit=identity).halt("stop")
    with pytest.raises(ChainError) as refused:
        verify_chain([tmp_path], trust(), require_evidence=True)
    assert refused.value.report.grade is None
