"""A process that writes the chain is killed again and again, at whatever instant: every start goes on."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from hal.drivers.files import DirectoryStorage
from tests.support import chain_check, chains, endless_writer

KILLS = 12


@pytest.mark.system
def test_kill_at_random_instants_loses_no_record_that_was_reported(tmp_path: Path) -> None:
    """SF-25, SF-26, SF-27: what the process said was sealed is in the chain."""
    spool = tmp_path / "spool"
    identity = endless_writer.make_identity(tmp_path)
    reported: dict[int, str] = {}
    chance = random.Random(20_260_101)
    for _ in range(KILLS):
        reported |= run_and_kill(tmp_path, chance.randrange(1, 25))
    found = {
        record.header.sequence: record.hash.hex()
        for record in chain_check.counted_records(DirectoryStorage(spool), identity)
    }
    assert len(reported) >= KILLS
    assert {sequence: found.get(sequence) for sequence in reported} == reported
    assert chains.start_writer(spool, unit=identity).recovery.boot_number == KILLS + 1


def run_and_kill(directory: Path, after_records: int) -> dict[int, str]:
    """Start the process, kill it once it has reported so many records, and return all that it reported."""
    command = [sys.executable, "-m", "tests.support.endless_writer", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) == after_records:
                process.kill()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {int(sequence): digest for sequence, digest in whole}
