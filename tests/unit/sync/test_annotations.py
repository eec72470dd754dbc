"""What the back office states beside the evidence: signed, chained, superseded in the open, never a change."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from sync.errors import ContentError, StoreError
from sync.store import certificates
from sync.store.annotation import Stated, Subject, sign_annotation, verify_annotation
from sync.store.annotations import Annotations, Draft, check_supersedes, standing
from sync.store.backup import back_up, restore
from sync.store.fsck import check_store
from sync.store.operator_keys import load_operator_key, make_operator
from sync.store.register import Register
from sync.store.statements import STATEMENT
from tests.support.annotating import Clerk, make_clerk
from tests.support.chains import SESSION
from tests.support.clocks import START_UTC_NS
from tests.support.docks import NOW, STORE_ID, StoreOnDisk, UnitOnDisk, make_unit, opened_store
from tests.support.rules import HUAINAN, profile_bytes
from tests.unit.sync.test_store_duties import ended, promise, seal_a_day


@pytest.fixture
def clerk(store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> Clerk:
    Register(store.ledger).add_profile(profile_bytes(HUAINAN), START_UTC_NS)
    seal_a_day(unit, HUAINAN, ended())
    promise(store, unit)
    return make_clerk(store, tmp_path)


def recording(unit: UnitOnDisk) -> Subject:
    return Subject(unit.device_id, SESSION)


def contents(store: StoreOnDisk) -> list[bytes]:
    with store.ledger.transaction() as connection:
        found = connection.exec_driver_sql("SELECT content FROM annotations ORDER BY number").scalars()
        return [bytes(one) for one in found]


def faults(store: StoreOnDisk) -> list[str]:
    return [one.detail for one in check_store(store.intake).faults]


def test_sy60_an_annotation_has_its_place_in_two_chains_and_changes_no_evidence(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    before = [(row["file_id"], row["receipt"]) for row in store.ledger.files()]
    objects = {name: store.vault.object(name).read_bytes() for name in store.vault.objects()}
    first = clerk.state(recording(unit), "note", text="查看过")
    second = clerk.state(Subject(unit.device_id), "note", text="已检修")
    third = clerk.state(recording(unit), "category", category="daily-inspection")
    places = [(one.annotation.number, one.annotation.subject_number) for one in (first, second, third)]
    assert places == [(1, 1), (2, 1), (3, 2)]
    assert second.annotation.previous_hash == first.digest
    assert third.annotation.previous_hash == second.digest
    assert third.annotation.subject_previous_hash == first.digest
    assert (first.operator.name, first.operator.office) == ("甲某", "保管人")
    assert [(row["file_id"], row["receipt"]) for row in store.ledger.files()] == before
    assert {name: store.vault.object(name).read_bytes() for name in store.vault.objects()} == objects
    assert faults(store) == []


def test_sy61_only_who_the_agency_certified_for_it_is_believed(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    """SY-61."""
    made = clerk.state(recording(unit), "note", text="查看过")
    (data,) = contents(store)
    cas = store.authority.authorities()
    assert verify_annotation(data, cas) == made
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(ContentError):
            verify_annotation(bytes(changed), cas)
    other = ec.generate_private_key(ec.SECP256R1())
    stranger = certificates.self_signed_ca(other, "store-test CA", NOW)
    with pytest.raises(ContentError, match="not issued by the agency"):
        verify_annotation(data, [stranger])
    issuer = store.authority.issuer()
    wanted = certificates.receipt_wanted("甲某")
    wrong_usage = certificates.issue(issuer, clerk.key.public_key(), replace(wanted, office="保管人"), NOW)
    forged = sign_annotation(made.annotation, clerk.key, wrong_usage.public_bytes(Encoding.DER))
    with pytest.raises(ContentError, match="not an operator's"):
        verify_annotation(forged, cas)
    wanted = certificates.operator_wanted("甲某", "保管人")
    late = certificates.issue(issuer, clerk.key.public_key(), wanted, NOW + timedelta(days=9))
    with pytest.raises(ContentError, match="outside its certificate's life"):
        verify_annotation(sign_annotation(made.annotation, clerk.key, late.public_bytes(Encoding.DER)), cas)
    with pytest.raises(ContentError, match="not of the key"):
        sign_annotation(made.annotation, other, made.operator.certificate_der)


def test_sy61_a_key_that_is_nobodys_or_was_ended_states_nothing(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    stranger = Clerk(store, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(StoreError, match="no operator's"):
        stranger.state(recording(unit), "note", text="x")
    clerk.state(recording(unit), "note", text="查看过")
    annotations = Annotations(store.ledger)
    assert annotations.end_operator("甲某", "调离", START_UTC_NS) == 1
    with pytest.raises(StoreError, match="no more: 调离"):
        clerk.state(recording(unit), "note", text="又看过")
    with pytest.raises(StoreError, match="nobody named"):
        annotations.end_operator("甲某", "调离", START_UTC_NS)
    assert len(annotations.all()) == 1
    assert faults(store) == []


DAMAGES = {
    "DELETE FROM annotations WHERE number = 2": "does not follow the one before",
    "DELETE FROM annotations WHERE number = 1": "does not follow the one before",
    "UPDATE annotations SET device_id = 'another' WHERE number = 2": "another's row",
    "UPDATE annotations SET content = X'00' WHERE number = 2": "not an annotation",
    "UPDATE annotations SET number = 9 WHERE number = 3": "another's row",
    "UPDATE annotations SET digest = zeroblob(32) WHERE number = 3": "another's row",
}


def test_sy62_fsck_names_an_annotation_that_was_removed_or_changed(
    store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk
) -> None:
    """SY-62."""
    for text in ("一", "二", "三"):
        clerk.state(recording(unit), "note", text=text)
    with store.ledger.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE whole AS SELECT * FROM annotations")
    for damage, told in DAMAGES.items():
        assert faults(store) == []
        with store.ledger.transaction() as connection:
            connection.exec_driver_sql(damage)
        assert any(told in one for one in faults(store)), damage
        with store.ledger.transaction() as connection:
            connection.exec_driver_sql("DELETE FROM annotations")
            connection.exec_driver_sql("INSERT INTO annotations SELECT * FROM whole")


def test_sy63_what_is_superseded_stays_and_no_longer_holds(store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk) -> None:
    wrong = clerk.state(recording(unit), "category", category="service")
    right = clerk.state(recording(unit), "category", wrong.digest, category="investigation")
    note = clerk.state(recording(unit), "note", text="写错了")
    clerk.state(recording(unit), "withdrawal", note.digest, text="另有记录")
    stated = Annotations(store.ledger).all()
    assert len(stated) == 4
    assert standing(stated) == (right,)
    assert faults(store) == []
    said = {"category": {"category": "service"}, "activity": {"activity_id": "A-1"}, "withdrawal": {"text": "x"}}
    for refused, kind in ((wrong, "category"), (right, "activity"), (stated[3], "withdrawal")):
        statement = STATEMENT.validate_python({"kind": kind, **said[kind]})
        with pytest.raises(ContentError, match="does not s"):
            check_supersedes(Draft(recording(unit), statement, refused.digest), standing(stated))
    with pytest.raises(ContentError, match="does not stand about this"):
        clerk.state(Subject(unit.device_id), "withdrawal", right.digest, text="x")
    with pytest.raises(ContentError, match="names what it takes back"):
        clerk.state(recording(unit), "withdrawal", text="x")


def test_two_who_annotate_in_the_same_moment_get_one_place(store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk) -> None:
    """SY-60: the second one is told so; nothing is written twice."""
    first = clerk.state(recording(unit), "note", text="一")
    draft = Draft(recording(unit), STATEMENT.validate_python({"kind": "note", "text": "二"}))
    other = "INSERT INTO annotations SELECT 2, X'01', device_id, session_id, file_id, content FROM annotations"
    with store.ledger.transaction() as connection:
        connection.exec_driver_sql(f"CREATE TRIGGER meanwhile BEFORE INSERT ON annotations BEGIN {other}; END")
    with pytest.raises(StoreError, match="do it again"):
        Annotations(store.ledger).add(draft, STORE_ID, clerk.key, START_UTC_NS)
    assert Annotations(store.ledger).all() == (first,)


REFUSED: tuple[tuple[str, dict[str, object], str], ...] = (
    ("category", {"category": "sightseeing"}, "has no category sightseeing; it has: daily-inspection"),
    ("secrecy", {"label": "top-secret"}, "has no secrecy label"),
    ("labels", {"labels": {"weather": "雨"}}, "has no label weather; it has: none"),
    ("late-transfer", {"reason": "tired", "text": "x"}, "it has: continuous-work, away, remote"),
    ("exemption", {"ground": "tired", "reason": "x", "happened_utc_ns": 1}, "has no ground for not recording"),
    ("repair", {"task": "repair:x:1", "text": "x", "repaired_utc_ns": 1}, "no task repair:x:1"),
)


def test_sy60_the_profile_has_the_words(unit: UnitOnDisk, clerk: Clerk) -> None:
    for kind, said, told in REFUSED:
        with pytest.raises(ContentError, match=told):
            clerk.state(recording(unit), kind, None, **said)


def test_what_is_spoken_of_is_known_here(store: StoreOnDisk, unit: UnitOnDisk, clerk: Clerk) -> None:
    file_id = bytes(store.ledger.files()[0]["file_id"])
    assert clerk.state(Subject(unit.device_id, None, file_id), "note", text="x").annotation.subject.file_id == file_id
    for subject, told in (
        (Subject("nobody"), "not enrolled"),
        (Subject(unit.device_id, bytes(16)), "no recording"),
        (Subject(unit.device_id, None, bytes(32)), "holds no file"),
    ):
        with pytest.raises(ContentError, match=told):
            clerk.state(subject, "note", text="x")
    with pytest.raises(ContentError, match="is about a recording"):
        clerk.state(Subject(unit.device_id), "activity", activity_id="A-1")
    with pytest.raises(ContentError, match="is about a file"):
        clerk.state(Subject(unit.device_id), "acceptance", text="x")


def test_an_operators_key_may_have_a_password(store: StoreOnDisk, tmp_path: Path) -> None:
    file = tmp_path / "乙某.key"
    make_operator(store.authority, "乙某", "科长", file, NOW, b"secret")
    assert file.stat().st_mode & 0o077 == 0
    assert load_operator_key(file, b"secret").curve.name == "secp256r1"
    for password in (None, b"wrong"):
        with pytest.raises(StoreError, match="cannot be used"):
            load_operator_key(file, password)
    with pytest.raises(FileExistsError):
        make_operator(store.authority, "乙某", "科长", file, NOW)


@pytest.mark.requirement("R38", "all")
def test_annotations_come_back_with_a_backup(tmp_path: Path) -> None:
    """R38."""
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        seal_a_day(unit, HUAINAN, ended())
        promise(store, unit)
        made: list[Stated] = [
            make_clerk(store, tmp_path).state(recording(unit), "activity", activity_id="检查-1"),
            make_clerk(store, tmp_path, "乙某").state(recording(unit), "note", text="查看过"),
        ]
        back_up(store.directory, tmp_path / "backup", with_keys=True)
    restore(tmp_path / "backup", tmp_path / "again")
    with opened_store(tmp_path / "again") as again:
        assert list(Annotations(again.ledger).all()) == made
        assert faults(again) == []


def test_the_certificate_names_person_and_office(store: StoreOnDisk, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    wanted = certificates.recipient_wanted("custodian")
    nobody = certificates.issue(store.authority.issuer(), key.public_key(), wanted, NOW)
    with pytest.raises(ContentError, match="one person and one office"):
        Annotations(store.ledger).add_operator(nobody.public_bytes(Encoding.DER), START_UTC_NS)
    der = make_operator(store.authority, "乙某", "科长", tmp_path / "k", NOW)
    assert x509.load_der_x509_certificate(der).subject.rfc4514_string() == "2.5.4.12=科长,CN=乙某"
