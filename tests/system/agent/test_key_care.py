"""The page on the care of keys, its commands run in its order: an agency's keys from the making to the rotation."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.main import run
from sealing.errors import UndecryptableError
from sealing.keys import load_recipient_key
from sealing.reader import beginning
from sealing.verifier import examine_chain
from sealing.wraps import unwrap_content_key
from tests.support.agent_in_world import first_day, hummed, running_in_world
from tests.support.provisioned_unit import UNIT, ProvisionedUnit

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

PAGE = Path(__file__).parents[3] / "docs" / "key-care.md"


class Ceremony:
    """The machines and media of the page, as folders."""

    def __init__(self, root: Path) -> None:
        self.unit = ProvisionedUnit(root)
        self.safe, self.other, self.request = root / "safe", root / "other", root / "request.json"
        self.spool = root / "copy"

    def do(self, heading: str) -> None:
        """Run what stands under a heading of the page."""
        found = re.search(rf"^## {heading}.*?^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        assert found is not None
        places = {"STORE": self.unit.store, "SAFE": self.safe, "OTHER": self.other, "UNIT": self.request}
        commands = str(Path(sys.executable).parent)
        environment = {
            **os.environ,
            **{name: str(path) for name, path in places.items()},
            "SPOOL": str(self.spool),
            "PATH": f"{commands}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", found[1]], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{heading}:\n{done.stdout}\n{done.stderr}"

    def ask(self) -> None:
        """The unit's request, as the provisioning guide has it."""
        state = str(self.unit.root / "state")
        asked = ["provision", "request", "--state", state, "--device-id", UNIT, "-o", str(self.request)]
        assert run([*asked, "--assurance", "simulated"]) == 0

    def install(self) -> None:
        """The agency's answer."""
        bundle, state = f"{self.request}.bundle", str(self.unit.root / "state")
        words = ["--config", str(self.unit.config_path), "provision", "install", bundle, "--state", state]
        where = ["--driver-set", "sim", "--run", str(self.unit.root / "run")]
        assert run([*words, "--profile", "huainan", *where]) == 0

    def record(self, voice: Path) -> None:
        """A short session."""
        with running_in_world(self.unit, voice, start_utc=first_day(self.unit)) as scene:
            scene.press()
            scene.wait(5.0)
            scene.press(2.3)
            scene.wait(3.0)

    def opens(self, file: Path, key: Path) -> bool:
        """Whether a key opens a file's content key."""
        found = beginning(file)
        assert found is not None
        try:
            return bool(unwrap_content_key(found.opened, UNIT, load_recipient_key(key)))
        except UndecryptableError:
            return False


def test_the_ceremony_of_the_page(tmp_path: Path) -> None:
    """From making to rotation; the drill is done with the offline escrow key alone."""
    voice = hummed()
    ceremony = Ceremony(tmp_path / "agency")
    unit = ceremony.unit
    unit.root.mkdir()
    ceremony.do("Make")
    ceremony.ask()
    ceremony.do("Back up")
    assert sorted(path.name for path in (unit.store / "keys").glob("*.key")) == ["receipt.key", "tls.key"]
    ceremony.do("Enrol a unit")
    ceremony.install()
    ceremony.record(voice)
    shutil.copytree(unit.paths.spool, ceremony.spool)

    hidden = unit.store.rename(tmp_path / "not there")
    away = ceremony.safe.rename(tmp_path / "not there either")
    ceremony.do("Drill")
    assert list((ceremony.other / "drill" / "opened").rglob("session.mp4"))
    hidden.rename(unit.store)
    away.rename(ceremony.safe)

    before = sorted(unit.paths.spool.glob("*.evs"))
    ceremony.do("Rotate a recipient")
    ceremony.install()
    ceremony.record(voice)
    assert not examine_chain([unit.paths.spool], unit.trust).findings
    behind = [path for path in sorted(unit.paths.spool.glob("*.evs")) if path not in before]
    old, new = ceremony.safe / "agency" / "recipient-custodian.key", unit.store / "keys" / "recipient-custodian.key"
    assert [ceremony.opens(path, old) for path in (before[-1], behind[-1])] == [True, False]
    assert [ceremony.opens(path, new) for path in (before[-1], behind[-1])] == [False, True]


def test_a_drill_with_another_key_fails(tmp_path: Path) -> None:
    """The drill shows something: a medium that holds the wrong key does not pass."""
    ceremony = Ceremony(tmp_path / "agency")
    ceremony.unit.root.mkdir()
    ceremony.do("Make")
    ceremony.do("Back up")
    (ceremony.other / "agency" / "recipient-escrow.key").write_bytes(b"")
    with pytest.raises(AssertionError, match="Drill"):
        ceremony.do("Drill")
