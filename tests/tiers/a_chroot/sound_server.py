"""A sound card in real time without one: a PulseAudio null sink whose monitor is the microphone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

from hal.ports import Clock

MICROPHONE, SPEAKER = "testmic", "testspk"
STRICT_SPEAKER = "strictspk"
"""Says -32 when it was left without sound, as a card of the kernel's does."""
_ASOUNDRC = """
pcm.testmic { type pulse device "room.monitor" }
pcm.testspk { type pulse device "room" }
pcm.strictspk { type pulse device "room" handle_underrun 1 }
"""
_START_SECONDS = 60.0


def is_listening(path: Path) -> bool:
    """Whether somebody takes calls at a socket; its name is there before."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        try:
            caller.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


class SoundServer:
    """A PulseAudio of one's own; stopping it is pulling out the sound card."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(mode=0o700, exist_ok=True)
        (directory / ".asoundrc").write_text(_ASOUNDRC)
        self._socket = directory / "native"
        # alsa-lib and libpulse look for their settings in the environment.
        for name in ("HOME", "XDG_RUNTIME_DIR"):
            os.environ[name] = str(directory)
        os.environ["PULSE_SERVER"] = f"unix:{self._socket}"

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        modules = (
            f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}",
            "module-null-sink sink_name=room rate=48000 channels=1 format=s16le norewinds=1",
            "module-always-sink",
        )
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        for module in modules:
            command += ["-L", module]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        never = self._clock.signal()
        end_ns = self._clock.boottime_ns() + round(_START_SECONDS * 1e9)
        while not is_listening(self._socket):
            assert self._clock.boottime_ns() < end_ns, "PulseAudio does not start"
            self._clock.wait(never, 0.02)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def suspend(self) -> None:
        """Hold the server still: the device stays and gives nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
