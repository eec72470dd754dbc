"""The two commands as they are installed: a unit enrolled, docked and receipted, over HTTP and over mutual TLS."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from sealing.oids import Assurance
from sync import inbox
from sync.enrolment import make_request, read_bundle
from sync.errors import ConfigurationError
from sync.receipt_check import check_receipt
from sync.unit.client import LinkError, RefusedError, StoreClient, tls_context
from sync.unit.spool import SealedFile, numbers, read_ended
from tests.support.docks import UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.store_process import StoreProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def run(module: str, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """One command to its end; checks its exit code."""
    start = [sys.executable, "-c", f"from {module} import main; main()"]
    done = subprocess.run(
        [*start, *map(str, arguments)], capture_output=True, text=True, timeout=200, check=False, cwd="/"
    )
    assert done.returncode == code, done.stderr
    return done


def rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run("sync.store_main", "init", tmp_path / "store", "--store-id", "agency-store")
    return tmp_path / "store"


@pytest.fixture
def unit(folder: Path, tmp_path: Path) -> UnitOnDisk:
    with opened_store(folder) as store:
        made = make_unit(store.authority, store.ledger, tmp_path / "unit")
    fill_spool(made)
    return made


def first_file(unit: UnitOnDisk) -> SealedFile:
    found = read_ended(unit.paths.spool / "00000001.evs", None)
    assert found is not None
    return found


@pytest.fixture(params=[False, True], ids=["http", "tls"])
def process(folder: Path, request: pytest.FixtureRequest) -> Iterator[StoreProcess]:
    served = StoreProcess(folder, tls=request.param)
    served.start()
    yield served
    assert served.stop() == os.EX_OK


@pytest.fixture
def over_tls(folder: Path) -> Iterator[StoreProcess]:
    served = StoreProcess(folder, tls=True)
    served.start()
    yield served
    served.stop()


def test_a_docked_unit_gets_its_receipts(folder: Path, unit: UnitOnDisk, process: StoreProcess) -> None:
    """SY-1, SY-24."""
    done = run("sync.unit_main", "--config", unit.config, "--store", process.url, "--once", "--give-up-after", "120")
    said = rows(done.stdout)
    assert [one["event"] for one in said].count("receipted") == len(numbers(unit.paths.spool))
    assert said[-1]["event"] == "done"
    listed = rows(run("sync.store_main", "receipts", folder, "--json").stdout)
    assert [one["receipt_number"] for one in listed] == list(range(1, len(listed) + 1))
    files = rows(run("sync.store_main", "files", folder, "--json").stdout)
    assert {one["state"] for one in files} == {"promised"}
    units = rows(run("sync.store_main", "units", folder, "--json").stdout)
    assert [(one["device_id"], one["files"], one["parked"]) for one in units] == [(unit.device_id, len(files), 0)]
    with opened_store(folder) as store:
        for number in numbers(unit.paths.spool):
            receipt = (unit.paths.inbox / inbox.receipt_name(number)).read_bytes()
            path = unit.paths.spool / f"{number:08d}.evs"
            check_receipt(receipt, store.receipt_certificate(), unit.device_id, path)


def test_another_units_path_is_refused(folder: Path, unit: UnitOnDisk, over_tls: StoreProcess, tmp_path: Path) -> None:
    """SY-2."""
    with opened_store(folder) as store:
        make_unit(store.authority, store.ledger, tmp_path / "second", "unit-0002")
    client = StoreClient(over_tls.url, "unit-0002", tls_context(unit.paths), timeout_seconds=60)
    with pytest.raises(RefusedError) as raised:
        client.head(first_file(unit))
    assert (raised.value.status, raised.value.code) == (403, "wrong-unit")
    client.close()


def test_only_the_agencys_link_certificates_get_in(unit: UnitOnDisk, over_tls: StoreProcess, tmp_path: Path) -> None:
    """SY-1."""
    with opened_store(tmp_path / "elsewhere") as elsewhere:
        stranger = make_unit(elsewhere.authority, elsewhere.ledger, tmp_path / "stranger", unit.device_id)
    nobody = ssl.create_default_context(cafile=str(unit.paths.agency_ca))
    foreign = ssl.create_default_context(cafile=str(unit.paths.agency_ca))
    foreign.load_cert_chain(stranger.paths.link_certificate, stranger.paths.link_key)
    old = tls_context(unit.paths)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for context in (nobody, foreign, old):
        client = StoreClient(over_tls.url, unit.device_id, context, timeout_seconds=60)
        with pytest.raises(LinkError):
            client.head(first_file(unit))
        client.close()


def test_a_store_of_another_agency_is_not_spoken_to(unit: UnitOnDisk, over_tls: StoreProcess, tmp_path: Path) -> None:
    """SY-1."""
    with opened_store(tmp_path / "elsewhere") as elsewhere:
        stranger = make_unit(elsewhere.authority, elsewhere.ledger, tmp_path / "stranger", unit.device_id)
    client = StoreClient(over_tls.url, unit.device_id, tls_context(stranger.paths), timeout_seconds=60)
    with pytest.raises(LinkError, match="CERTIFICATE_VERIFY_FAILED"):
        client.head(first_file(unit))
    client.close()


def test_enrolment_by_command(folder: Path, tmp_path: Path) -> None:
    """SY-30."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    request, bundle = tmp_path / "unit.request", tmp_path / "unit.bundle"
    request.write_bytes(make_request("unit-9", Assurance.SOFT, *keys))
    run("sync.store_main", "enrol", request, "-o", bundle, "--dir", folder, "--url", "https://dock:1")
    made = read_bundle(bundle.read_bytes(), "unit-9", keys[0].public_key(), keys[1].public_key())
    assert (made.store_id, made.store_url) == ("agency-store", "https://dock:1")
    assert rows(run("sync.store_main", "units", folder, "--json").stdout)[0]["assurance"] == "soft"


def test_the_keys_that_init_makes_are_what_their_names_say(folder: Path) -> None:
    for name in ("agency-ca", "receipt", "tls", "recipient-custodian", "recipient-escrow"):
        key = load_pem_private_key((folder / "keys" / f"{name}.key").read_bytes(), None)
        assert key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("module", "arguments", "code", "says"),
    [
        ("sync.store_main", ["serve", "absent"], os.EX_CONFIG, "recorder-store init"),
        ("sync.store_main", ["nonsense"], os.EX_USAGE, "No such command"),
        ("sync.store_main", ["init", "store"], os.EX_CANTCREAT, "not empty"),
        ("sync.store_main", ["enrol", "bad", "-o", "out", "--dir", "store"], os.EX_DATAERR, "enrolment request"),
        ("sync.store_main", ["enrol", "absent", "-o", "out", "--dir", "store"], os.EX_IOERR, "absent"),
        ("sync.unit_main", ["--config", "absent", "--once"], os.EX_CONFIG, "cannot be read"),
        ("sync.unit_main", ["--give-up-after", "3"], os.EX_USAGE, "--once"),
    ],
)
def test_bad_input_gives_one_clear_error(folder: Path, module: str, arguments: list[str], code: int, says: str) -> None:
    base = folder.parent
    (base / "bad").write_text("{}")
    paths = {"absent", "store", "bad", "out"}
    before = sorted(path.name for path in base.rglob("*"))
    done = run(module, *(base / one if one in paths else one for one in arguments), code=code)
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in base.rglob("*")) == before


def test_a_store_is_served_once(folder: Path, unit: UnitOnDisk, process: StoreProcess) -> None:
    done = run("sync.store_main", "serve", folder, "--port", "0", code=os.EX_CONFIG)
    assert "another process" in done.stderr


def test_a_unit_without_link_key_says_so(unit: UnitOnDisk) -> None:
    unit.paths.link_key.unlink()
    with pytest.raises(ConfigurationError, match="enrol the unit"):
        tls_context(unit.paths)


def test_an_unreachable_store_is_given_up_only_when_told_to(unit: UnitOnDisk) -> None:
    """SY-20."""
    arguments = ("--store", "http://127.0.0.1:9", "--once", "--give-up-after", "3")
    done = run("sync.unit_main", "--config", unit.config, *arguments, code=os.EX_TEMPFAIL)
    assert rows(done.stdout)[-1]["event"] == "waiting"
    assert "the time given is over" in done.stderr


def test_a_unit_outside_its_dock_says_why_nothing_is_sent(unit: UnitOnDisk) -> None:
    """SY-26: an exit code alone tells nobody what to do."""
    unit.paths.link_state.write_text('{"docked": false, "session_open": false}')
    done = run(
        "sync.unit_main", "--config", unit.config, "--store", "http://127.0.0.1:9", "--once", code=os.EX_TEMPFAIL
    )
    assert "not in its dock" in done.stderr
