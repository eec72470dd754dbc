"""What the architecture tests hold the tree to: the lists, in one place.

A name in AWAITED may be absent; once it is there, it has to leave AWAITED, so that a later renaming cannot
switch a rule off unseen.
"""

from collections.abc import Mapping

ROOMS = ("agent", "capture", "hal", "sealing", "sync")
"""What runs on a unit or in a store; import names and folder names alike."""

SOURCES = (*ROOMS, "hw-sim/hw_sim")

TOP_LEVEL = frozenset(
    {
        ".ci",
        ".editorconfig",
        ".gitignore",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "agent",
        "capture",
        "constraints-pi.txt",
        "constraints.txt",
        "docs",
        "hal",
        "hw-sim",
        "pyproject.toml",
        "sealing",
        "sync",
        "systemd",
        "tests",
    }
)

PURE_CORE = frozenset(
    {
        "capture.gestures",
        "capture.media.audio_clock",
        "capture.media.audio_frames",
        "capture.media.boxes",
        "capture.media.fragment_ledger",
        "capture.media.frame_intake",
        "capture.media.frame_stamp",
        "capture.media.parameter_sets",
        "capture.media.segmenter",
        "capture.preflight",
        "capture.session",
        "sealing.records",
        "sync.alerts",
        "sync.backoff",
        "sync.deadlines",
        "sync.merkle",
        "sync.mqtt.bodies",
        "sync.mqtt.receiver",
        "sync.mqtt.sender",
        "sync.mqtt.topics",
        "sync.mqtt.window",
        "sync.presence",
        "sync.queue",
        "sync.secrecy",
        "sync.sessions",
    }
)
"""Modules that decide and do nothing else: values in, values out, the same every time. A package stands for its own."""

SEALING_WRITING_SIDE = frozenset(
    {
        "sealing.chain_output",
        "sealing.ended_files",
        "sealing.foreign",
        "sealing.metronome",
        "sealing.recovery",
        "sealing.service",
        "sealing.writer",
    }
)
"""All other modules of sealing run on any desk: they import neither these nor hal."""

SPECIFICATIONS: Mapping[str, str] = {
    "agent/PROFILE.md": "PR",
    "capture/SESSION.md": "CS",
    "hal/DRIVERS.md": "DR",
    "sealing/FORMAT.md": "SF",
    "sync/PROTOCOL.md": "SY",
}
"""Each specification and the letters that its clause ids begin with."""

AWAITED: frozenset[str] = frozenset()

IMPURE_MODULES = frozenset(
    {
        "aiohttp",
        "asyncio",
        "av",
        "ctypes",
        "fcntl",
        "http",
        "mmap",
        "multiprocessing",
        "os",
        "pathlib",
        "queue",
        "random",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlalchemy",
        "sqlite3",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib",
    }
)

IMPURE_CALLS = frozenset({"__import__", "breakpoint", "eval", "exec", "input", "open", "print"})

REAL_TIME: Mapping[str, str] = {
    "hal/drivers/*clock*.py": "the clock of real hardware reads the kernel's clocks",
    "hw-sim/hw_sim/pacer.py": "the simulated clock is paced by real time",
    "tests/bench/*.py": "a bench measures real time",
}
"""Where the system's clocks may be read; everybody else is given a clock."""

THREAD_STARTERS: Mapping[str, str] = {
    "agent/control.py": "waits on its socket for real, outside the unit's clock",
    "hal/worker.py": "every thread of the unit is a worker: named, with a heartbeat, a stop and a join",
    "hw-sim/hw_sim/*.py": "the world moves beside the unit, not inside it",
    "sync/store/*.py": "the store is a server, not a unit",
}

FUNCTION_LINES_MAX = 60
"""Lines of one function, its docstring not counted."""

SOURCE_FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 500
