"""Receipts converge: the real daemon, the real service beside it, and a store that counts what it is asked."""

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from hw_sim.memory import Memory
from sealing.verifier import verify_chain
from tests.support.provisioned_unit import SMALL, DaemonProcess, ProvisionedUnit, running
from tests.support.store_process import StoreProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

A_DAY = """
press record
wait for lamp "recording"
after 8 s: hold record 2 s
wait for lamp "idle"
after 1 s: press record
wait for lamp "recording"
after 4 s: hold record 2 s
wait for lamp "idle"
after 1 s: dock
wait for words "开始上传"
wait outside for words "全部上传完成"
expect lamp "uploaded"
after 60 s: expect lamp "uploaded"
wait outside for film at 10 h
undock
wait for lamp "idle"
after 30 s: dock
wait outside for words "全部上传完成"
expect lamp "uploaded"
after 5 h
"""
DONE = "全部上传完成"
FILM_NS = 10 * 3_600 * 10**9
"""There is no film: the test moves it on when it has seen enough of the dock."""
SETTLED_FILES = {"when-receipted": 2, "when-needed": 1_000}
"""What is left in the end: the newest that has ended, and the one that is open."""
LEDGER_FILES_MAX = 6
"""What freeing ledger files against their receipts may add to be sent."""


@contextmanager
def sync_service(unit: ProvisionedUnit) -> Iterator[None]:
    """`recorder-sync` as the service manager starts it."""
    command = [sys.executable, "-c", "from sync.unit_main import main; main()", "--config", str(unit.config_path)]
    with (unit.root / "sync.log").open("ab") as log:
        process = subprocess.Popen([*command, "--no-progress"], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(200) == os.EX_OK


def asked(store: StoreProcess) -> dict[str, int]:
    """Requests that the store has answered, by method, and the content that it has taken."""
    line = http.client.HTTPConnection("127.0.0.1", store.port, timeout=60)
    line.request("GET", "/metrics")
    text = line.getresponse().read().decode()
    line.close()
    found = {"bytes": int(re.findall(r"^recorder_store_received_bytes_total (\d+)$", text, re.MULTILINE)[0])}
    for method, count in re.findall(r'^recorder_store_requests_total\{method="(\w+)".*\} (\d+)$', text, re.MULTILINE):
        found[method] = found.get(method, 0) + int(count)
    found.pop("GET", None)
    return found


@pytest.mark.parametrize("free", ["when-receipted", pytest.param("when-needed", marks=pytest.mark.soak)])
@pytest.mark.requirement("R21", "all")
def test_all_uploaded_comes_and_stays_and_docking_again_sends_nothing(unit: ProvisionedUnit, free: str) -> None:
    """SY-38, SF-60, CS-31: said once for each docking, by lamp and voice, and never taken back in the dock."""
    store = StoreProcess(unit.store)
    (unit.root / "agent.d" / "store.toml").write_text(
        f'[sync]\nstore_url = "{store.url}"\n[spool]\nfree = "{free}"\nfootage_seconds = 3\n', encoding="utf-8"
    )
    unit.set_options({**SMALL, "speed": 10}, A_DAY)
    store.start()
    try:
        with running(unit) as daemon, sync_service(unit):
            until(lambda: times_said(unit, DONE) == 1, daemon)
            first = asked(store)
            until(Settling(unit, SETTLED_FILES[free]), daemon)
            settled = asked(store)
            until(lambda: move_film_on(unit) or happened(unit, "dock").count(False) == 1, daemon)
            undocked = asked(store)
            until(lambda: times_said(unit, DONE) == 2, daemon)
            daemon.listen_for(3)
            second = asked(store)
            status = json.loads(unit.paths.status.read_text())
            assert daemon.terminate() == 0, daemon.tail()
    finally:
        store.stop()
    assert first["bytes"] > 0
    assert second == {**undocked, "POST": undocked["POST"] + 1}, "the inventory alone"
    assert undocked == settled
    # Freeing a ledger file rests on an OPEN that names its receipt (SF-34): that ends a file more, and comes to an end.
    assert settled["PATCH"] - first["PATCH"] <= (LEDGER_FILES_MAX if free == "when-receipted" else 0)
    assert [lamp for lamp in happened(unit, "lamp", "meaning") if lamp in {"uploading", "uploaded"}] == [
        "uploading",
        "uploaded",
        "uploaded",
    ]
    assert status["spool"]["files"] == status["spool"]["receipted"]
    assert verify_chain([unit.paths.spool], unit.trust).intact
    assert not list(unit.paths.rejected.glob("*"))


def happened(unit: ProvisionedUnit, kind: str, fact: str = "docked") -> list[object]:
    """What a bystander has seen of one kind."""
    return [one[fact] for one in journal(unit) if one["kind"] == kind]


def times_said(unit: ProvisionedUnit, words: str) -> int:
    """How often the unit has said something to its end."""
    return sum(words in str(one["words"]) for one in journal(unit) if one["kind"] == "spoken")


def journal(unit: ProvisionedUnit) -> list[dict[str, object]]:
    """Everything that a bystander has seen and heard so far."""
    lines = (unit.world / "journal.jsonl").read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


@dataclass
class Settling:
    """Whether every file that has ended has its receipt, sealed, and nothing more can be freed.

    A status is a second old, and freeing ends a file more: one that was written before the last file was freed says
    that all have their receipts, and does not know of that one.
    """

    unit: ProvisionedUnit
    files: int
    _seen: tuple[set[str], int] | None = None
    """Files that were all that is left, and when the status was written that was there then."""

    def __call__(self) -> bool:
        left = {path.name for path in self.unit.paths.spool.glob("*.evs")}
        waiting = list(self.unit.paths.inbox.glob("*.receipt"))
        status = json.loads(self.unit.paths.status.read_text())
        spool, written_ns = status["spool"], status["clock"]["boottime_ns"]
        if waiting or len(left) > self.files or spool["files"] != spool["receipted"]:
            self._seen = None
        elif self._seen is None or self._seen[0] != left:
            self._seen = left, written_ns
        return self._seen is not None and written_ns > self._seen[1]


def move_film_on(unit: ProvisionedUnit) -> bool:
    """What the scenario waits for before it undocks; the world puts it back now and then. Says that it is not over."""
    memory = Memory(unit.world / "memory.page")
    memory.row("film", 0, 0)[0] = FILM_NS
    memory.close()
    return False


def until(reached: Callable[[], bool], daemon: DaemonProcess) -> None:
    """Let real time pass until it is so."""
    for _ in range(3000):
        if reached():
            return
        daemon.listen_for(0.1)
    raise AssertionError(f"not reached: {daemon.tail()}")
