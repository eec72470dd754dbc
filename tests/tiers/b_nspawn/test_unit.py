"""One unit's life under the real systemd, in the order of the tests.

Installed, provisioned, started, probed, recording, killed twice, uploaded, upgraded, removed.
"""

import json
import os
import shutil
from pathlib import Path

import pytest

from agent.journal import MessageId
from sealing.reader import in_order
from sealing.report import SessionSummary
from sealing.trust import Trust
from sealing.verifier import verify_chain
from tests.tiers.b_nspawn.machine import HOST_ADDRESS, wait_until
from tests.tiers.b_nspawn.unit import (
    AGENT,
    DEVICE_ID,
    OFFICERS,
    PATIENCE_SECONDS,
    STATE,
    STORE_PORT,
    SYNC,
    Store,
    Unit,
    later_package,
)

SHIPPED_UNITS = Path(__file__).resolve().parents[3] / "systemd/units"
WATCHDOG_SECONDS = 30
WRITER_SECONDS = 20
SEALED_FILES_LEFT = 2
"""The one that is written, and the newest that has ended (SF-33)."""
PROBED = "/run/probed.json"
KEY = f"{STATE}/keys/device.key"
CREDENTIAL_EXAMPLE = "/usr/share/doc/recorder-agent/examples/device-key-credential.conf"


def test_the_package_installs_on_a_clean_machine_and_waits_to_be_provisioned(installed: Unit) -> None:
    machine = installed.machine
    for service in (AGENT, SYNC):
        shown = machine.show(service, "ActiveState", "ConditionResult", "UnitFileState")
        assert shown == {"ActiveState": "inactive", "ConditionResult": "no", "UnitFileState": "enabled"}
    assert machine.run("systemctl", "--failed", "--quiet", "--no-legend").stdout == ""
    assert machine.run("stat", "--format=%U %a", f"{STATE}/spool").stdout == "recorder 750\n"


def test_systemd_has_nothing_to_say_about_the_units(installed: Unit) -> None:
    paths = installed.machine.shell("ls /usr/lib/systemd/system/recorder*").stdout.split()
    assert len(paths) >= len(list(SHIPPED_UNITS.iterdir()))
    verdict = installed.machine.run("systemd-analyze", "verify", "--man=no", *paths)
    assert verdict.stderr == ""


@pytest.mark.parametrize(("service", "tenths"), [(AGENT, 18), (SYNC, 15)])
def test_the_sandbox_is_as_tight_as_promised(installed: Unit, service: str, tenths: int) -> None:
    installed.machine.run("systemd-analyze", "security", "--no-pager", f"--threshold={tenths}", service)
    loose = installed.machine.run("systemd-analyze", "security", "--threshold=20", "console-getty.service", check=False)
    assert loose.returncode != 0, "the threshold judges nothing"


def test_its_device_key_lies_encrypted_and_reaches_the_agent_alone(provisioned: Unit) -> None:
    """By the commands that stand in the package's example."""
    machine = provisioned.machine
    example = machine.run("cat", CREDENTIAL_EXAMPLE).stdout
    commands = [line.lstrip("# ") for line in example.splitlines() if line.startswith("#   ")]
    assert len(commands) == 2
    before = machine.run("cat", KEY).stdout
    machine.run("mkdir", "-p", "/etc/credstore.encrypted")
    for command in commands:
        machine.shell(command)
    machine.run("install", "-D", "-m", "0644", CREDENTIAL_EXAMPLE, f"/etc/systemd/system/{AGENT}.d/key.conf")
    machine.run("systemctl", "daemon-reload")
    held = machine.run("cat", "/etc/credstore.encrypted/device.key").stdout
    assert "PRIVATE KEY" in before
    assert "PRIVATE KEY" not in held
    assert machine.run("cat", KEY, check=False).returncode != 0, "the key lies in the clear while no agent runs"


def test_it_becomes_ready_with_the_key_from_the_credential(ready: Unit) -> None:
    machine = ready.machine
    assert machine.show(AGENT, "ActiveState", "NRestarts") == {"ActiveState": "active", "NRestarts": "0"}
    assert machine.show("recorder-voice.service", "Result", "ExecMainStatus") == {
        "Result": "success",
        "ExecMainStatus": "0",
    }
    assert "rendering" not in machine.journal(f"--unit={AGENT}"), "the first start had its words"
    assert machine.run("readlink", KEY).stdout.strip() == f"/run/credentials/{AGENT}/device.key"
    machine.run("systemctl", "restart", AGENT)
    agent, sync = ready.resident_kib(), ready.resident_kib(SYNC)
    measured = {
        "start_to_ready_seconds": ready.start_seconds(),
        "agent_rss_kib": agent["rss"],
        "agent_pss_kib": agent["pss"],
        "sync_rss_kib": sync["rss"],
        "sync_pss_kib": sync["pss"],
    }
    Path(os.environ["TIER_B_MEASURED"]).write_text(json.dumps(measured), encoding="utf-8")
    assert measured["start_to_ready_seconds"] < 20
    assert agent["rss"] < 200_000
    machine.run("systemctl", "reset-failed", AGENT)


def test_its_memory_is_locked_where_the_machine_lets_it(ready: Unit) -> None:
    """The container's own limit may be below what the unit asks for; then the journal says so with its id."""
    machine = ready.machine
    limits = machine.run("cat", f"/proc/{ready.pid()}/limits").stdout
    unlimited = any(line.startswith("Max locked memory") and "unlimited" in line for line in limits.splitlines())
    memory = ready.resident_kib()
    said = machine.journal(f"MESSAGE_ID={MessageId.MEMORY_NOT_LOCKED.value}")
    assert (memory["locked"] > memory["pss"] // 2) == unlimited
    assert ("memory is not locked" in said) != unlimited


SANDBOXED = {
    "write the system": ("EROFS", "EROFS"),
    "write the configuration": ("EROFS", "EROFS"),
    "write a home": ("EACCES", "EACCES"),
    "write the state": ("done", "EROFS"),
    "write the spool": ("done", "EROFS"),
    "write the inbox": ("done", "done"),
    "write the run directory": ("done", "done"),
    "read the link key": ("done", "done"),
    "connect to the store": ("EAFNOSUPPORT", "done"),
    "send raw packets": ("EAFNOSUPPORT", "EAFNOSUPPORT"),
    "make a user namespace": ("EPERM", "EPERM"),
    "a forbidden system call": ("EPERM", "EPERM"),
    "writable and executable memory": ("EACCES", "EACCES"),
    "become root": ("EPERM", "EPERM"),
}


def probed(unit: Unit, service: str) -> dict[str, str]:
    """What a program can do in a service's place: the shipped unit, another program."""
    machine = unit.machine
    machine.run(
        "install", "-m", "0644", "/dev/stdin", "/opt/probe.py", text=Path(__file__).with_name("probe.py").read_text()
    )
    shipped = machine.run("systemctl", "cat", service).stdout.splitlines()
    dropped = (
        "Type=",
        "ExecStart=",
        "ExecStopPost=",
        "Restart=",
        "WatchdogSec=",
        "LoadCredential",
        "StandardOutput=",
        "StartLimit",
        "WantedBy=",
    )
    kept = [line for line in shipped if not line.startswith(dropped)]
    place = kept.index("[Service]") + 1
    command = f"ExecStart=/usr/bin/python3 /opt/probe.py {HOST_ADDRESS} {STORE_PORT}"
    # Not by way of the journal: what is said there may come later than its end, and another probe's stand before it.
    kept[place:place] = ["Type=oneshot", command, f"StandardOutput=truncate:{PROBED}"]
    machine.run("install", "-m", "0644", "/dev/stdin", "/run/systemd/system/probe.service", text="\n".join(kept))
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "probe.service")
    found: dict[str, str] = json.loads(machine.run("cat", PROBED).stdout)
    return found


def test_the_sandbox_refuses_what_it_says(ready: Unit) -> None:
    agent, sync = probed(ready, AGENT), probed(ready, SYNC)
    machine = ready.machine
    free = json.loads(machine.run("python3", "/opt/probe.py", HOST_ADDRESS, str(STORE_PORT)).stdout)
    assert {name: (agent[name], sync[name]) for name in SANDBOXED} == SANDBOXED
    assert sync["read the device key"] != "done"
    allowed = {name for name, said in free.items() if said == "done"}
    assert allowed == set(free), free


@pytest.mark.requirement("R2", "all")
def test_officers_check_out_and_a_press_records(ready: Unit) -> None:
    ready.recorder("checkout", *OFFICERS)
    ready.wait_for("recording")
    assert ready.machine.run("systemctl", "show", AGENT, "--property=StatusText", "--value").stdout.startswith(
        "recording"
    )


def test_no_upgrade_cuts_a_recording(ready: Unit) -> None:
    machine = ready.machine
    shutil.copyfile(later_package(), machine.path("/root/later.deb"))
    before = ready.pid()
    refused = machine.run("dpkg", "--install", "/root/later.deb", check=False)
    assert refused.returncode != 0
    assert "a recording is going on" in refused.stderr
    assert (ready.pid(), ready.state()) == (before, "recording")
    assert machine.run("dpkg", "--audit").stdout == ""


def test_a_thread_that_hangs_is_ended_by_the_watchdog_and_the_recording_goes_on(ready: Unit) -> None:
    """The disk takes a write and never comes back: every other thread lives, and nobody feeds the watchdog."""
    machine, seconds = ready.machine, WRITER_SECONDS + WATCHDOG_SECONDS + PATIENCE_SECONDS
    restarted = {"NRestarts": "1"}

    def up_again() -> bool:
        return machine.show(AGENT, "NRestarts") == restarted and ready.pid() != 0

    wait_until(up_again, seconds, "a restart by the watchdog", ready.last_words)
    ready.wait_for("recording")
    said = machine.journal(f"--unit={AGENT}")
    assert "Watchdog timeout (limit 30s)!" in said
    assert "stalled threads: writer" in said
    assert "Current thread" in said, "the journal holds no traceback"
    assert machine.show(AGENT, "NRestarts") == restarted


def test_the_alarms_of_the_journal_carry_their_ids_and_are_explained(ready: Unit) -> None:
    machine = ready.machine
    for message_id, words in (
        (MessageId.READY, "listened to"),
        (MessageId.THREADS_STALLED, "the watchdog is not fed"),
        (MessageId.UNCLEAN_START, "had no orderly end: watchdog"),
    ):
        said = machine.run(
            "journalctl", "--no-pager", "--catalog", f"--unit={AGENT}", f"MESSAGE_ID={message_id}"
        ).stdout
        assert words in said, message_id.name


@pytest.mark.requirement("R8", "all")
def test_a_killed_agent_goes_on_recording(ready: Unit) -> None:
    before = ready.pid()
    wait_until(
        lambda: ready.has_said("程序无响应中断"), PATIENCE_SECONDS, "the cause of the first break", ready.last_words
    )
    ready.machine.run("systemctl", "kill", "--signal=SIGKILL", AGENT)
    wait_until(lambda: ready.pid() not in {0, before}, PATIENCE_SECONDS, "a restart after the kill", ready.last_words)
    wait_until(
        lambda: ready.has_said("程序异常中断"), PATIENCE_SECONDS, "the cause of the second break", ready.last_words
    )
    assert ready.machine.show(AGENT, "NRestarts") == {"NRestarts": "2"}


def wait_for_room(unit: Unit) -> None:
    """Wait until nothing is left to free."""
    what = f"no more than {SEALED_FILES_LEFT} sealed files"
    wait_until(lambda: len(unit.sealed()) <= SEALED_FILES_LEFT, PATIENCE_SECONDS, what, unit.last_words)


@pytest.mark.requirement("R21", "all")
def test_what_was_recorded_is_uploaded_receipted_and_freed(ready: Unit, store: Store) -> None:
    ready.wait_for("idle")
    wait_for_room(ready)
    inbox = ready.machine.path(f"{STATE}/inbox")
    wait_until(lambda: not list(inbox.glob("*.receipt")), PATIENCE_SECONDS, "an empty inbox", ready.last_words)
    held = sorted((store.directory / "objects").rglob("*.evs"))
    assert len(held) > SEALED_FILES_LEFT
    assert ready.machine.show(SYNC, "ActiveState", "NRestarts") == {"ActiveState": "active", "NRestarts": "0"}


@pytest.mark.requirement("R10", "all")
def test_what_the_store_holds_is_whole_and_marks_both_breaks(ready: Unit, store: Store) -> None:
    def sessions() -> tuple[SessionSummary, ...]:
        held = in_order(list((store.directory / "objects" / DEVICE_ID).rglob("*.evs")))
        return verify_chain(held, Trust.load(store.directory / "trust")).sessions

    # The newest file that has ended stays on the unit, whether or not the store has it yet.
    wait_until(lambda: any(each.end_reason for each in sessions()), PATIENCE_SECONDS, "the end", ready.last_words)
    (session,) = sessions()
    assert [each.cause for each in session.breaks] == ["watchdog", "crash"]
    assert session.end_reason == "button"
    assert session.frames > 0


def test_an_idle_unit_is_upgraded_and_goes_on_with_its_chain(ready: Unit) -> None:
    machine, boot = ready.machine, ready.status()["boot"]
    machine.run("dpkg", "--install", "/root/later.deb")
    ready.wait_for("idle")
    now = ready.status()["boot"]
    assert isinstance(boot, dict)
    assert isinstance(now, dict)
    assert (now["number"], now["clean"]) == (boot["number"] + 1, True)
    up = {"ActiveState": "active"}
    wait_until(lambda: machine.show(SYNC, "ActiveState") == up, PATIENCE_SECONDS, "sync", ready.last_words)


@pytest.mark.parametrize("action", ["remove", "purge"])
def test_removal_leaves_what_was_recorded(ready: Unit, action: str) -> None:
    machine = ready.machine
    wait_for_room(ready)
    before = [path.name for path in ready.sealed()]
    keys = sorted(machine.path(f"{STATE}/keys").iterdir())
    machine.run("apt-get", action, "--yes", "recorder-agent")
    assert before
    assert [path.name for path in ready.sealed()] == before
    assert sorted(machine.path(f"{STATE}/keys").iterdir()) == keys
    assert machine.path("/etc/recorder/agent.toml").exists()
    assert not machine.path("/opt/venvs/recorder/bin/recorder").exists()
    assert machine.run("systemctl", "is-active", AGENT, check=False).stdout.strip() == "inactive"
