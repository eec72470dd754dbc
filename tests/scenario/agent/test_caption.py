"""The whole agent with a profile that wants the burnt-in line (CS-34)."""

from pathlib import Path

import agent
from agent.profile import load_profile
from capture.caption import CaptionFacts
from capture.preflight import CAPTION
from sealing.records import CheckVerdict, Preflight
from sealing.verifier import verify_chain
from tests.scenario.recorder.unit import only
from tests.support.agent_in_world import hummed, running_in_world
from tests.support.provisioned_unit import UNIT, provision

HUAINAN = Path(agent.__file__).parent / "profiles" / "huainan.toml"


def test_an_agency_switches_the_line_on_in_its_profile_cs_34(tmp_path: Path) -> None:
    """CS-34: the agent hands agency and unit down, watches the thread, and PREFLIGHT says that the line is there."""
    own = tmp_path / "own.toml"
    switched = HUAINAN.read_text(encoding="utf-8").replace(
        "[capture.recording]\n", "[capture.recording]\ncaption = true\n"
    )
    own.write_text(switched, encoding="utf-8")
    with running_in_world(provision(tmp_path / "unit", str(own)), hummed()) as scene:
        recorder = scene.agent._running()
        assert recorder._caption is not None
        assert recorder._caption._facts == CaptionFacts(load_profile("huainan").profile.profile.agency, UNIT)
        scene.press()
        scene.wait(6.0)
        assert scene.agent.health().good
        assert recorder._caption._last is not None
        checks = only(scene.prepared.paths.spool, Preflight).checks
    assert [check.verdict for check in checks if check.check == CAPTION] == [CheckVerdict.PASS]
    verify_chain([scene.prepared.paths.spool], scene.unit.trust)
