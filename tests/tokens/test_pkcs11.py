"""A device key in SoftHSM2: it seals, cannot be read out, and says what is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from pkcs11.util.ec import encode_named_curve_parameters

from sealing import cose
from sealing.counters import FileCounter
from sealing.errors import TokenError
from sealing.identity import DeviceIdentity, SoftwareFacts
from sealing.oids import Assurance
from sealing.suites import SUITE_1
from sealing.tokens.pkcs11_token import Pkcs11Place, Pkcs11Signer
from sealing.tokens.signing_key import TokenPrivateKey
from sealing.verifier import verify_chain
from sync.enrolment import make_request, read_request
from tests.support import chains
from tests.support.recordings import trust

WRONG_PIN = "000000"
REAL = SoftwareFacts("0.1.0", "test", simulated=False)


@pytest.fixture(scope="module")
def made(softhsm: Pkcs11Place) -> bytes:
    """The key's public part when it was made."""
    first = Pkcs11Signer.generate(softhsm)
    first.close()
    return first.public_key_der()


@pytest.fixture
def signer(softhsm: Pkcs11Place, made: bytes) -> Iterator[Pkcs11Signer]:
    """A process logs into a token once: each test gives it back."""
    opened = Pkcs11Signer(softhsm)
    yield opened
    opened.close()


def test_a_token_seals_a_chain_of_the_grade_hardware(tmp_path: Path, signer: Pkcs11Signer) -> None:
    key = SUITE_1.device_key(signer.public_key_der())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    certificate = chains.agency().device_certificate("unit-0001", key, Assurance.HARDWARE)
    unit = DeviceIdentity("unit-0001", signer, certificate)
    counter = FileCounter(tmp_path / "counter", SUITE_1, signer)
    writer = chains.start_writer(tmp_path / "spool", unit=unit, counter=counter, software=REAL)
    writer.open_footage(chains.run_facts())
    writer.append_fragment(chains.fragment(0), chains.media(0))
    writer.close_footage(chains.close_facts(1))
    writer.halt("stop")
    report = verify_chain([tmp_path / "spool"], trust(), require_evidence=True)
    assert report.grade is Assurance.HARDWARE
    assert not report.findings


def test_the_key_stays_the_same_and_is_made_once(softhsm: Pkcs11Place, made: bytes, signer: Pkcs11Signer) -> None:
    assert signer.public_key_der() == made
    signer.close()
    with pytest.raises(TokenError, match="holds a key device-key already"):
        Pkcs11Signer.generate(softhsm)


def test_a_session_that_is_gone_is_opened_again(signer: Pkcs11Signer) -> None:
    signer.close()
    signature = signer.sign(b"message")
    key = SUITE_1.device_key(signer.public_key_der())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(cose.der_signature(signature), b"message", ec.ECDSA(SHA256()))


@pytest.mark.parametrize(
    "change",
    [{"token_label": "other"}, {"key_label": "other"}, {"pin": WRONG_PIN}, {"library": Path("/nonexistent.so")}],
    ids=lambda change: next(iter(change)),
)
def test_what_is_missing_is_named(softhsm: Pkcs11Place, made: bytes, change: dict[str, object]) -> None:
    wrong = replace(softhsm, **change)  # type: ignore[arg-type]
    with pytest.raises(TokenError) as error:
        Pkcs11Signer(wrong)
    named = wrong.library if "library" in change else wrong.token_label
    assert str(named) in str(error.value)
    assert WRONG_PIN not in str(error.value)


def test_a_key_that_can_be_read_out_does_not_pass_for_hardware(softhsm: Pkcs11Place) -> None:
    with pkcs11.lib(str(softhsm.library)).get_token(token_label="unit").open(rw=True, user_pin=softhsm.pin) as session:
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        loose = {pkcs11.Attribute.EXTRACTABLE: True}
        parameters.generate_keypair(
            mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN, store=True, label="loose", private_template=loose
        )
    with pytest.raises(TokenError, match="can be read out"):
        Pkcs11Signer(replace(softhsm, key_label="loose"))


def test_the_request_to_the_agency_is_signed_by_the_token(signer: Pkcs11Signer) -> None:
    link = ec.generate_private_key(ec.SECP256R1())
    request, device, _ = read_request(make_request("unit-0001", Assurance.HARDWARE, TokenPrivateKey(signer), link))
    assert request.assurance is Assurance.HARDWARE
    assert device == TokenPrivateKey(signer).public_key()


def test_the_private_part_is_not_to_be_had(signer: Pkcs11Signer) -> None:
    with pytest.raises(TokenError, match="does not leave"):
        TokenPrivateKey(signer).private_numbers()
