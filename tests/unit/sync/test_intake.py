"""What a receipt rests on: the order of a commit, kills between its steps, and content that must not pass."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sealing.framing import PREFIX_BYTES, decode_prefix
from sealing.limits import MAGIC
from sealing.oids import Assurance
from sealing.receipts import verify_receipt
from sync import durable
from sync.errors import ContentError
from sync.store.intake import Intake
from sync.store.ledger import Ledger
from sync.store.vault import Declaration, Name, Vault
from sync.unit.spool import SealedFile, numbers, opening, read_ended
from tests.support.chains import SOFTWARE
from tests.support.docks import StoreOnDisk, UnitOnDisk, crash_spool, fill_spool, make_unit, opened_store


def ended(unit: UnitOnDisk) -> list[SealedFile]:
    spool = unit.paths.spool
    present = numbers(spool)
    found = []
    for number, later in zip(present, [*present[1:], None], strict=True):
        one = read_ended(spool / f"{number:08d}.evs", None if later is None else opening(spool / f"{later:08d}.evs"))
        assert one is not None
        found.append(one)
    return found


def bring(store: StoreOnDisk, file: SealedFile, data: bytes | None = None, claimed: bytes | None = None) -> bytes:
    """Upload a file at once, past HTTP."""
    content = file.path.read_bytes() if data is None else data
    name = Name(file.device_id, (claimed or file.file_id).hex())
    declared = Declaration(size_bytes=len(content), number=file.number, torn_bytes=file.torn_bytes)
    store.intake.declare(name, declared)
    held = store.vault.declaration(name)
    assert held is not None
    upload = store.intake.open(name, held)
    try:
        upload.append(content[upload.offset :])
        return store.intake.finish(upload)
    finally:
        upload.close()


def bring_to_the_end(store: StoreOnDisk, file: SealedFile, data: bytes) -> str:
    """Upload content that fails, as often as the store lets it; gives the reason of its parking."""
    for _ in range(3):
        with pytest.raises(ContentError) as raised:
            bring(store, file, data)
        refusal = store.vault.refusal(Name(file.device_id, file.file_id.hex()))
        if refusal is not None:
            assert refusal.code == raised.value.code
            return refusal.code
    raise AssertionError("never parked")


class KilledError(BaseException):
    """The process ends here."""


STEPS: dict[str, tuple[object, str, bool]] = {
    "before the file is synced": (Intake, "_check_joins", True),
    "before the rename": (Vault, "keep", True),
    "between rename and folder sync": (durable, "sync_directory", True),
    "after the rename": (Vault, "keep", False),
    "before the row": (Ledger, "commit", True),
    "after the row": (Ledger, "commit", False),
    "before the rest is cleared": (Vault, "forget", True),
    "after the rest is cleared": (Vault, "forget", False),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_of_a_commit_loses_nothing_and_promises_once(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SY-13, SY-19, SY-22."""
    directory = tmp_path / "store"
    with opened_store(directory) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        file = ended(unit)[1]
        with monkeypatch.context() as patched:
            _kill_at(patched, *STEPS[step], store.vault, file)
            with pytest.raises(KilledError):
                bring(store, file)
    with opened_store(directory) as store:
        before = store.ledger.receipt(file.device_id, file.file_id)
        store.intake.recover()
        receipt = store.ledger.receipt(file.device_id, file.file_id) or bring(store, file)
        assert before in {None, receipt}
        found = verify_receipt(receipt, store.authority.key("receipt").public_key())
        assert (found.receipt_number, found.file_id) == (1, file.file_id)
        name = Name(file.device_id, file.file_id.hex())
        assert store.vault.object(name).read_bytes() == file.path.read_bytes()
        assert not list((directory / "incoming").rglob("*.*"))


def _kill_at(
    patched: pytest.MonkeyPatch, owner: object, name: str, before: bool, vault: Vault, file: SealedFile
) -> None:
    """Raise at a step; the folder sync counts only once the object is in its place."""
    real: Callable[..., object] = getattr(owner, name)
    target = vault.object(Name(file.device_id, file.file_id.hex()))

    def killed(*arguments: object, **named: object) -> object:
        if owner is durable and not target.exists():
            return real(*arguments, **named)
        if not before:
            real(*arguments, **named)
        raise KilledError

    patched.setattr(owner, name, killed)


def test_a_receipt_exists_only_behind_a_durable_row(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-19, SY-23."""
    fill_spool(unit)
    file = ended(unit)[0]
    first = bring(store, file)
    assert store.ledger.receipt(file.device_id, file.file_id) == first
    assert bring(store, file) == first


def borders(data: bytes) -> list[int]:
    """Offsets at which records begin, and the end."""
    found = [len(MAGIC)]
    while found[-1] < len(data):
        header, payload = decode_prefix(data[found[-1] : found[-1] + PREFIX_BYTES])
        found.append(found[-1] + PREFIX_BYTES + header + payload)
    return found


def _flip(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)


def test_every_kind_of_damage_is_named_and_parked(tmp_path: Path) -> None:
    """SY-14: nothing of it is promised, all of it is held."""
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit)
        file = ended(unit)[1]
        data = file.path.read_bytes()
        edges = borders(data)
    first, second = data[edges[1] : edges[2]], data[edges[2] : edges[3]]
    damaged = {
        "not-sealed": (_flip(data, 0),),
        "payload": (_flip(data, edges[2] - 1),),
        "malformed": (data[:-1], _flip(data, edges[1] + 1), data + b"x"),
        "sequence": (
            data[: edges[1]] + second + data[edges[2] :],
            data[: edges[1]] + second + first + data[edges[3] :],
        ),
        "signature": (_flip(data, edges[1] + PREFIX_BYTES + decode_prefix(data[edges[1] :][:8])[0] - 1),),
        "file-id": (data[: edges[2]],),
    }
    for number, (code, contents) in enumerate(damaged.items()):
        for more, content in enumerate(contents):
            with opened_store(tmp_path / f"store-{number}-{more}") as store:
                _adopt(store, tmp_path / "store", unit)
                assert bring_to_the_end(store, file, content) == code
                assert next((store.directory / "parked").rglob("*.evs")).read_bytes() == content
                assert not store.ledger.files()


def _adopt(store: StoreOnDisk, other: Path, unit: UnitOnDisk) -> None:
    """Give a fresh store another one's agency and unit."""
    for name in ("keys/agency-ca.key", "trust/agency-ca.pem"):
        (store.directory / name).write_bytes((other / name).read_bytes())
    with opened_store(other) as first:
        found = first.ledger.unit(unit.device_id)
    assert found is not None
    store.ledger.enrol(found, b"", b"")
    store.intake.trust = type(store.intake.trust).load(store.authority.trust)


def test_a_file_of_another_unit_is_refused(store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    other = make_unit(store.authority, store.ledger, tmp_path / "other", "unit-0002")
    fill_spool(other)
    foreign = ended(other)[0]
    name = Name(unit.device_id, foreign.file_id.hex())
    store.intake.declare(name, Declaration(size_bytes=foreign.size_bytes, number=1, torn_bytes=0))
    upload = store.intake.open(name, Declaration(size_bytes=foreign.size_bytes, number=1, torn_bytes=0))
    upload.append(foreign.path.read_bytes())
    with pytest.raises(ContentError, match="wrong-device"):
        store.intake.finish(upload)
    upload.close()


def test_a_certificate_of_another_agency_is_refused(store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    with opened_store(tmp_path / "elsewhere") as elsewhere:
        impostor = make_unit(elsewhere.authority, elsewhere.ledger, tmp_path / "impostor", unit.device_id)
    fill_spool(impostor)
    file = ended(impostor)[0]
    assert bring_to_the_end(store, file, file.path.read_bytes()) == "certificate"


def test_a_simulated_chain_needs_a_unit_enrolled_as_simulated(store: StoreOnDisk, tmp_path: Path) -> None:
    """SY-18."""
    assert SOFTWARE.simulated
    soft = make_unit(store.authority, store.ledger, tmp_path / "soft", "unit-0003", Assurance.SOFT)
    fill_spool(soft)
    file = ended(soft)[0]
    assert bring_to_the_end(store, file, file.path.read_bytes()) == "simulated"


def test_two_contents_for_one_place_are_a_fork(store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    """SY-17: a card that was copied and written on twice."""
    fill_spool(unit)
    twin = UnitOnDisk(tmp_path / "twin", unit.identity, unit.config)
    twin.paths.spool.mkdir(parents=True)
    fill_spool(twin)
    for file in ended(unit):
        bring(store, file)
    forged = ended(twin)[1]
    assert bring_to_the_end(store, forged, forged.path.read_bytes()) == "fork"
    assert len(store.ledger.files()) == len(ended(unit))


def test_a_file_that_lost_its_end_is_a_chain_break(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-17: whichever of the two comes second is parked."""
    fill_spool(unit)
    victim, following = ended(unit)[1:3]
    whole = victim.path.read_bytes()
    victim.path.write_bytes(whole[: borders(whole)[-2]])
    bring(store, ended(unit)[0])
    bring(store, ended(unit)[1])
    assert bring_to_the_end(store, following, following.path.read_bytes()) == "chain-break"


def test_a_file_that_lost_its_end_is_found_against_the_one_behind(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-17."""
    fill_spool(unit)
    victim, following = ended(unit)[1:3]
    bring(store, following)
    whole = victim.path.read_bytes()
    victim.path.write_bytes(whole[: borders(whole)[-2]])
    cut = ended(unit)[1]
    assert bring_to_the_end(store, cut, cut.path.read_bytes()) == "chain-break"


def test_a_torn_end_is_taken_as_boot_names_it_and_in_any_order(tmp_path: Path) -> None:
    """SY-15."""
    for number, order in enumerate([1, -1]):
        with opened_store(tmp_path / f"store{number}") as store:
            unit = make_unit(store.authority, store.ledger, tmp_path / f"unit{number}")
            crash_spool(unit)
            for file in ended(unit)[::order]:
                bring(store, file)
            assert sum(row["torn_bytes"] > 0 for row in store.ledger.files()) == 1


def test_another_torn_end_than_boot_names_is_a_chain_break(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-17."""
    crash_spool(unit)
    files = ended(unit)
    torn = next(file for file in files if file.torn_bytes)
    bring(store, next(file for file in files if file.number == torn.number + 1))
    longer = torn.path.read_bytes() + b"more"
    torn.path.write_bytes(longer)
    changed = next(file for file in ended(unit) if file.number == torn.number)
    assert bring_to_the_end(store, changed, longer) == "chain-break"
