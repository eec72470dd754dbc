"""The world outlives the processes inside it: power cuts, kills and orderly ends of a real process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from hw_sim.civil import NANOSECONDS
from hw_sim.simulation import write_simulation
from hw_sim.world import BOOT_NS, RESTART_NS

UNIT = Path(__file__).with_name("unit_process.py")


class Unit:
    """Runs the process until it ends by itself."""

    def __init__(self, directory: Path, scenario: str) -> None:
        self.spool = directory / "spool"
        self.world = directory / "world"
        self.scenario = directory / "scenario.txt"
        self.scenario.write_text(scenario, encoding="utf-8")

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(UNIT), str(self.spool), str(self.scenario)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def run(self) -> tuple[int, int, str]:
        """Exit code, CLOCK_BOOTTIME at its start, boot id."""
        with self.start() as process:
            output, _ = process.communicate(timeout=400)
        boottime, boot_id = output.split()
        return process.returncode, int(boottime), boot_id

    def truth(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(write_simulation(self.world).read_text(encoding="utf-8"))
        return document

    def stamps(self) -> list[int]:
        files = [path.read_bytes() for path in sorted(self.spool.iterdir())]
        return [int.from_bytes(data[at : at + 8], "big") for data in files for at in range(0, len(data) // 8 * 8, 8)]


def test_a_power_cut_kills_and_the_next_start_is_a_new_boot(tmp_path: Path) -> None:
    unit = Unit(tmp_path, "after 3 s: power cut for 40 s\nafter 2 s: dock\nafter 1 s: end\n")
    first, second = unit.run(), unit.run()
    assert (first[0], second[0]) == (-signal.SIGKILL, 0)
    # The world goes on while the process comes to looking at its clock; how far, is the machine's affair.
    assert min(first[1], second[1]) >= BOOT_NS
    assert first[2] != second[2]
    truth = unit.truth()
    ((cause, outage_ns),) = [(each["cause"], each["to_world_ns"] - each["from_world_ns"]) for each in truth["breaks"]]
    assert cause == "power cut"
    assert outage_ns == 40 * NANOSECONDS + BOOT_NS
    assert [entry["docked"] for entry in truth["dock"]] == [True]
    assert [entry["state"] for entry in truth["scenario"]] == ["end"]


def test_every_synced_frame_survives_the_cut_and_each_was_really_given(tmp_path: Path) -> None:
    unit = Unit(tmp_path, "after 5 s: power cut\nafter 2 s: power cut during next append\nafter 2 s: end\n")
    codes = [unit.run()[0] for _ in range(3)]
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0]
    given = [stamp for run in unit.truth()["frames"]["runs"] for stamp in run["captured_boottime_ns"]]
    kept = unit.stamps()
    lost = len(given) - len(kept)
    # A frame in flight at each cut: given, and not yet synced.
    assert 0 <= lost <= 2 * 3
    assert set(kept) <= set(given)
    assert len(kept) > 30 * 6


def test_a_killed_process_finds_the_same_boot_again(tmp_path: Path) -> None:
    unit = Unit(tmp_path, "speed real\nwait outside for lamp red\n")
    with unit.start() as process:
        assert process.stdout is not None
        boottime, boot_id = process.stdout.readline().split()
        process.stdout.close()
        process.kill()
    unit.scenario.write_text("after 1 s: end\n", encoding="utf-8")
    code, again, again_id = unit.run()
    assert code == 0
    assert again_id == boot_id
    assert int(boottime) + RESTART_NS <= again
    assert [each["cause"] for each in unit.truth()["breaks"]] == ["process ended"]


def test_a_scenario_that_fails_ends_the_unit_and_says_why(tmp_path: Path) -> None:
    unit = Unit(tmp_path, '\nwait for words "never" within 5 s\n')
    assert unit.run()[0] == 0
    (told,) = unit.truth()["scenario"]
    assert told["state"] == "failed"
    assert "scenario.txt, line 2: 'wait for words \"never\" within 5 s' did not happen" in told["detail"]
