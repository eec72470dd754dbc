"""The unit that the machine is: its buttons, lamps and gauge, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tiers.c_machine.machine import Image, Machine
from tests.tiers.c_machine.medium import Medium

RECORD, RED, GREEN, BLUE = 17, 5, 6, 13
"""Lines of the board `plain`."""
READY_SECONDS = 600.0
_PATIENCE_SECONDS = 300.0
_PRESS_SECONDS, _HOLD_SECONDS = 0.2, 2.6
_FINGER_LATE_SECONDS = 1.0
"""A press that lasts longer may be a hold: then the bench is too busy, not the unit wrong."""
_LOOK_SECONDS = 1.0

Status = dict[str, Any]


class BenchUnit(Machine):
    """A machine with a recorder in it. Use it in a `with`.

    Args:
        image: What boots.
        medium: The evidence medium.
        directory: For console and connection.
        rtc: What the battery-backed clock says at the start.
    """

    def __init__(self, image: Image, medium: Medium, directory: Path, rtc: str = "utc") -> None:
        super().__init__(image, medium.path, directory, rtc)
        self._board: dict[str, str] = {}

    def wait_ready(self) -> None:
        """Wait until the shipped service says READY; the machine starts it by itself."""
        self.wait_up()
        waits = (
            "while [ ! -e /run/recorder/status.json ] && ! systemctl is-failed --quiet recorder-agent; do sleep 1; done"
        )
        self.run(waits, READY_SECONDS)
        ready = self.run("systemctl is-active recorder-agent")
        if ready.out.strip() not in {"active", "activating"}:
            raise AssertionError(f"the service does not come up:\n{self.journal()}")
        facts = self.check("cat /run/bench/board")
        self._board = dict(line.split("=", 1) for line in facts.splitlines())

    def press(self, seconds: float = _PRESS_SECONDS) -> None:
        """Pull the record button's line to ground for so long."""
        lasted = self.finger(f"{self._board['lines']}/sim_gpio{RECORD}/pull", seconds)
        assert lasted < seconds + _FINGER_LATE_SECONDS, f"the bench's own finger stayed for {lasted:g} s"

    def hold(self) -> None:
        """Hold the record button as long as ends a recording."""
        self.press(_HOLD_SECONDS)

    def lamp(self) -> tuple[bool, bool, bool]:
        """Red, green and blue, as the lines stand now."""
        levels = " ".join(f"{self._board['lines']}/sim_gpio{line}/value" for line in (RED, GREEN, BLUE))
        red, green, blue = (level == "1" for level in self.check(f"cat {levels}").split())
        return red, green, blue

    def set_charge(self, percent: int) -> None:
        """Let the fuel gauge say another charge; the kernel's driver reads it within a second or two."""
        # The kernel's driver holds the chip: -f.
        self.check(f"i2cset -f -y {self._board['bus']} 0x36 0x04 0x{percent:04x} w")

    def hold_microphone(self, seconds: float) -> None:
        """Hold up whoever reads the microphone; the kernel's buffer takes half a second."""
        self.check(f"touch /run/bench/hold-microphone; sleep {seconds}; rm /run/bench/hold-microphone")

    def set_clock(self, forward_seconds: int) -> None:
        """Move civil time at once, as somebody does by hand; chrony has to be still."""
        self.check(f"date --set=@$(($(date +%s) + {forward_seconds}))")

    def locked_kib(self) -> int:
        """How much of the agent's memory cannot be paged out."""
        process = "/proc/$(systemctl show --value --property=MainPID recorder-agent)"
        return int(self.check(f"awk '/^VmLck/ {{ print $2 }}' {process}/status"))

    def resident_kib(self) -> int:
        """How much of the agent's memory is there."""
        process = "/proc/$(systemctl show --value --property=MainPID recorder-agent)"
        return int(self.check(f"awk '/^VmRSS/ {{ print $2 }}' {process}/status"))

    def status(self) -> Status:
        """`status.json`, as the agent writes it every second."""
        table: Status = json.loads(self.check("cat /run/recorder/status.json"))
        return table

    def wait_for(self, condition: Callable[[Status], bool], what: str, seconds: float = _PATIENCE_SECONDS) -> Status:
        """Wait until the agent says so of itself."""
        for _ in range(round(seconds / _LOOK_SECONDS)):
            status = self.status()
            if condition(status):
                return status
            self.pass_time(_LOOK_SECONDS)
        raise AssertionError(f"not in {seconds:g} s: {what}\n{self.status()}\n{self.journal()}")

    def wait_for_footage(self, fragments: int) -> None:
        """Wait until so many more fragments of this start of the machine are on the medium."""
        wanted = sum(self.fragments.values()) + fragments
        for _ in range(round(_PATIENCE_SECONDS / _LOOK_SECONDS)):
            if sum(self.fragments.values()) >= wanted:
                return
            self.pass_time(_LOOK_SECONDS)
        raise AssertionError(f"{fragments} fragments do not reach the medium\n{self.status()}\n{self.journal()}")

    def wait_until_recording(self) -> None:
        """Wait until footage of this start of the machine is on the medium."""
        self.wait_for(lambda said: bool(said["session_open"]), "a session is open")
        if not self.has_footage:
            self.wait_for_footage(1)

    @property
    def has_footage(self) -> bool:
        """Whether footage of this start of the machine is on the medium."""
        return sum(self.fragments.values()) > 0

    def journal(self) -> str:
        """The end of what the service logged."""
        return self.run("journalctl -u recorder-agent --no-pager -o short-monotonic | tail -n 60").out
