"""Unit and store, the real code of both, as one machine that may be killed between any two of its durable steps.

The line is left out: its faults are `tests/system/sync`. What is generated is who does what when, and where it dies.
"""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from sealing.receipts import FIRST_PREVIOUS_RECEIPT, read_receipt, receipt_hash
from sealing.writer import ChainWriter
from sync import durable, inbox
from sync.errors import ContentError
from sync.inbox import Inbox
from sync.receipt_check import check_receipt
from sync.store import intake as intake_module
from sync.store import ledger as ledger_module
from sync.store import vault as vault_module
from sync.store.vault import Declaration, Name
from sync.unit.spool import SealedFile, numbers, opening, read_ended
from tests.support.chains import start_writer
from tests.support.clocks import ManualClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, make_unit, opened_store, write_session


class KilledError(Exception):
    """The process is gone; what is on the disk stays."""


HAPPENED: Counter[str] = Counter()

CRASH_POINTS: tuple[tuple[object, str, bool], ...] = (
    (durable, "write_file", True),
    (durable, "write_file", False),
    (durable, "move_file", True),
    (durable, "move_file", False),
    (durable, "sync_directory", True),
    (intake_module.Intake, "_judged", False),
    (intake_module.Upload, "append", False),
    (intake_module.Upload, "sync", False),
    (intake_module.ReceiptSigner, "sign", False),
    (ledger_module.Ledger, "commit", True),
    (ledger_module.Ledger, "commit", False),
    (ledger_module.Ledger, "park", True),
    (vault_module.Vault, "forget", True),
    (vault_module.Vault, "forget", False),
    (vault_module.Vault, "park", True),
)
"""Every step of the store that leaves something on a disk."""


class Dock(RuleBasedStateMachine):
    """One unit, one store, and whatever may happen between them."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="dock-"))
        self._clock = ManualClock()
        self._patch = pytest.MonkeyPatch()
        self._writer: ChainWriter | None = None
        self._kept: dict[int, bytes] = {}
        self._contents: dict[bytes, bytes] = {}
        self._freed: dict[int, SealedFile] = {}
        self._open()
        self._unit = make_unit(self._store.authority, self._store.ledger, self._folder / "unit")

    def _open(self) -> None:
        self._context = opened_store(self._folder / "store")
        self._store: StoreOnDisk = self._context.__enter__()

    @property
    def unit(self) -> UnitOnDisk:
        return self._unit

    @initialize()
    def first_start(self) -> None:
        self.start_agent()

    def start_agent(self) -> None:
        """The agent starts, clean or after a crash, knowing the receipts that it has kept."""
        known = {number: receipt_hash(data) for number, data in self._kept.items()}
        self._writer = start_writer(self.unit.paths.spool, self._clock, unit=self.unit.identity, receipted=known)

    @rule(files=st.integers(1, 2))
    def record(self, files: int) -> None:
        assert self._writer is not None
        write_session(self._writer, footage_files=files, fragments=1, fragment_bytes=500)

    @rule(boot=st.booleans(), chance=st.integers(0, 3))
    def agent_dies(self, boot: bool, chance: int) -> None:
        if chance:
            return
        assert self._writer is not None
        self._writer.abandon()
        HAPPENED["agent died"] += 1
        if boot:
            self._clock.reboot(f"boot-{self._clock.now.utc_ns}")
        self.start_agent()

    def _ended(self) -> list[SealedFile]:
        spool = self.unit.paths.spool
        present = numbers(spool)
        found = []
        for number, later in zip(present, [*present[1:], None], strict=True):
            following = None if later is None else opening(spool / f"{later:08d}.evs")
            one = read_ended(spool / f"{number:08d}.evs", following)
            if one is not None:
                found.append(one)
                self._contents[one.file_id] = one.path.read_bytes()
        return found

    @rule(pick=st.randoms(use_true_random=False), pieces=st.integers(1, 3), damage=st.sampled_from([None, None, 0, -1]))
    def send(self, pick: object, pieces: int, damage: int | None) -> None:
        """Everything once, in any order and in pieces; the first perhaps damaged on its way."""
        for _ in range(4):
            self._send(pick, pieces, damage)
            damage = None

    @rule(
        pick=st.randoms(use_true_random=False),
        pieces=st.integers(1, 3),
        deaths=st.lists(st.tuples(st.sampled_from(CRASH_POINTS), st.integers(0, 1)), min_size=1, max_size=5),
    )
    def send_and_die(self, pick: object, pieces: int, deaths: list[tuple[tuple[object, str, bool], int]]) -> None:
        """The store is killed in the middle and started again, several times."""
        for point, skip in deaths:
            with self._patch.context() as patched:
                _arm(patched, *point, skip)
                try:
                    self._send(pick, pieces, None)
                except KilledError:
                    HAPPENED["killed"] += 1
            self._context.__exit__(None, None, None)
            self._open()
            self._store.intake.recover()

    def _send(self, pick: object, pieces: int, damage: int | None) -> None:
        ledger = self._store.ledger
        waiting = [one for one in self._ended() if ledger.receipt(one.device_id, one.file_id) is None]
        if not waiting:
            return
        file = pick.choice(waiting)  # type: ignore[attr-defined]
        name = Name(self.unit.device_id, file.file_id.hex())
        store = self._store
        assert store.vault.refusal(name) is None, "true content was parked"
        declaration = Declaration(size_bytes=file.size_bytes, number=file.number, torn_bytes=file.torn_bytes)
        store.intake.declare(name, declaration)
        held = store.vault.declaration(name)
        assert held is not None
        if damage is not None and held.failures >= 1:
            damage = None
        upload = store.intake.open(name, held)
        try:
            content = bytearray(self._contents[file.file_id])
            if damage is not None and upload.offset < len(content):
                content[damage] ^= 1
            rest = bytes(content[upload.offset :])
            step = max(1, -(-len(rest) // pieces))
            for begin in range(0, len(rest), step):
                upload.append(rest[begin : begin + step])
            store.intake.finish(upload)
            HAPPENED["promised"] += 1
        except ContentError:
            HAPPENED["damaged"] += 1
            assert store.vault.offset(name) == 0
        finally:
            upload.close()

    @rule()
    def fetch(self) -> None:
        """Sync fetches the receipts that there are, also such as it fetched before."""
        for file in self._ended():
            receipt = self._store.ledger.receipt(self.unit.device_id, file.file_id)
            if receipt is not None and file.number not in self._kept:
                inbox.put(self.unit.paths.inbox, file.number, receipt)

    @rule()
    def agent_takes(self) -> None:
        """The agent's side: judge, check against its own disk, keep (SY-24, SY-29)."""
        assert self._writer is not None
        paths, certificate = self.unit.paths, self._store.receipt_certificate()
        judged = Inbox(paths.inbox, paths.rejected, certificate, self.unit.device_id)
        for item in judged.receipts({}):
            present = numbers(paths.spool)
            later = [one for one in present if one > item.file_number]
            path, behind = (
                paths.spool / f"{item.file_number:08d}.evs",
                paths.spool / f"{later[0]:08d}.evs" if later else None,
            )
            check_receipt(item.data, certificate, self.unit.device_id, path, behind)
            durable.write_file(paths.receipts / item.path.name, item.data)
            self._kept[item.file_number] = item.data
            judged.remove(item)
            HAPPENED["kept"] += 1

    @rule()
    def agent_frees(self) -> None:
        """The receipted files, never the newest one."""
        present = numbers(self.unit.paths.spool)
        for file in self._ended():
            if file.number in self._kept and file.number < present[-1]:
                self._freed[file.number] = file
                file.path.unlink()
                HAPPENED["freed"] += 1

    @rule(pick=st.randoms(use_true_random=False), frees=st.booleans())
    def dock(self, pick: object, frees: bool) -> None:
        """A docking as it mostly goes: everything there and back."""
        self.send(pick, 1, None)
        self.fetch()
        self.agent_takes()
        if frees:
            self.agent_frees()

    @invariant()
    def nothing_is_lost(self) -> None:
        """Deleted means: a receipt that verifies, and an object with just those bytes."""
        store = self._store
        rows = {row["file_id"]: row for row in store.ledger.files()}
        for number, file in self._freed.items():
            receipt = read_receipt(self._kept[number])
            assert receipt.file_id == file.file_id
            assert rows[file.file_id]["receipt"] == self._kept[number]
        for file_id in rows:
            name = Name(self.unit.device_id, file_id.hex())
            assert store.vault.object(name).read_bytes() == self._contents[file_id]
        previous = FIRST_PREVIOUS_RECEIPT
        for number, row in enumerate(store.ledger.files(), start=1):
            receipt = read_receipt(row["receipt"])
            assert (receipt.receipt_number, receipt.previous_receipt_hash) == (number, previous)
            previous = receipt_hash(row["receipt"])
        assert not self.unit.paths.rejected.exists()

    def teardown(self) -> None:
        self._context.__exit__(None, None, None)
        self._patch.undo()
        shutil.rmtree(self._folder)


def _arm(patched: pytest.MonkeyPatch, owner: object, name: str, before: bool, skip: int) -> None:
    real: Callable[..., object] = getattr(owner, name)
    left = [skip]

    def dying(*arguments: object, **named: object) -> object:
        if left[0]:
            left[0] -= 1
            return real(*arguments, **named)
        if not before:
            real(*arguments, **named)
        raise KilledError

    patched.setattr(owner, name, dying)


def test_unit_and_store(capsys: pytest.CaptureFixture[str]) -> None:
    """SY-8, SY-14, SY-15, SY-19, SY-22, SY-23, SY-24: after every step, kills included."""
    HAPPENED.clear()
    run_state_machine_as_test(
        Dock,
        settings=settings(
            max_examples=60,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
            phases=(Phase.generate,),
        ),
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(HAPPENED)}\n")
    assert min(HAPPENED[one] for one in ("promised", "killed", "damaged", "kept", "freed", "agent died")) > 0
