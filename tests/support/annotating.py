"""People of a back office who annotate, with real keys and certificates."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from sync.store.annotating import check_draft, subject_of, task_row
from sync.store.annotation import Stated, Subject
from sync.store.annotations import Annotations, Draft
from sync.store.operator_keys import load_operator_key, make_operator
from sync.store.overview import Overview
from sync.store.register import Register
from sync.store.statements import STATEMENT
from tests.support.clocks import START_UTC_NS
from tests.support.docks import NOW, STORE_ID, StoreOnDisk


@dataclass(frozen=True)
class Clerk:
    """Somebody at a store, with the key in hand."""

    store: StoreOnDisk
    key: ec.EllipticCurvePrivateKey

    def state(self, subject: Subject, kind: str, supersedes: bytes | None = None, **said: object) -> Stated:
        """As `recorder-store annotate` does it: judged, then signed at its place."""
        statement = STATEMENT.validate_python({"kind": kind, **said})
        draft = Draft(subject, statement, supersedes)
        check_draft(overview(self.store), draft)
        return Annotations(self.store.ledger).add(draft, STORE_ID, self.key, START_UTC_NS)

    def answer(self, task_id: str, kind: str, **said: object) -> Stated:
        """State something in answer to a task."""
        subject = subject_of(task_row(overview(self.store), task_id))
        return self.state(subject, kind, None, task=task_id, **said)


def overview(store: StoreOnDisk) -> Overview:
    return Overview(store.ledger, Register(store.ledger))


def make_clerk(store: StoreOnDisk, folder: Path, name: str = "甲某", office: str = "保管人") -> Clerk:
    """A person whom the agency has certified."""
    key_file = folder / f"{name}.key"
    certificate = make_operator(store.authority, name, office, key_file, NOW)
    Annotations(store.ledger).add_operator(certificate, START_UTC_NS)
    return Clerk(store, load_operator_key(key_file))
