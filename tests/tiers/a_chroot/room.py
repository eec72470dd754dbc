"""A room with a loudspeaker, people and a microphone, in which every sound has a known time.

The sound card is PulseAudio with two pipes: what the unit plays comes out of one, and the air of the room, which is
mixed here sample for sample by the clock, goes into the other, as late as a card's period. While nobody speaks, a tick
sounds once a second.
"""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import termios
import threading
import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hal.ports import Clock
from hal.worker import Worker
from tests.tiers.a_chroot.sound_server import is_listening

MICROPHONE, SPEAKER = "testmic", "testspk"
RATE_HZ = 48_000
TICK_SAMPLES = 480
_SECOND_NS = 1_000_000_000
_PERIOD_SECONDS = 0.005
_BLOCK_SAMPLES = 240
_TICK_PEAK = 5000
_SPEECH_PEAK = 9000
_QUIET_SECONDS = 0.5
_UNHEARD_NS = 1_000_000_000
"""What nobody has read for so long is not kept for who comes: a card that is not started has no past."""
_MICROPHONE_BYTES = 262_144
"""What waits for a sound server that the machine has no time for, 2.7 s."""
_SPEAKER_BYTES = 16_384
"""What the loudspeaker's card holds, 0.17 s."""
_HARDWARE_NICE = -15
"""Hardware does not slow down when the machine is busy."""
_START_SECONDS = _JOIN_SECONDS = 60.0
PULSEAUDIO = ("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes")
"""Without shared memory: with it, libpulse's thread waits for ever for a block that alsa-lib's plugin holds when the
server is killed, and the plugin for that thread."""
_ASOUNDRC = """
pcm.testmic { type pulse device "mic" }
pcm.testspk { type pulse device "speaker" }
"""

Samples = npt.NDArray[np.int16]


def tick() -> Samples:
    """A burst of noise that correlates with nothing but itself."""
    noise = np.random.default_rng(7).uniform(-_TICK_PEAK, _TICK_PEAK, TICK_SAMPLES)
    return (noise * np.hanning(TICK_SAMPLES)).astype(np.int16)


class Room:
    """The air. Use `environment` for the process whose card it is.

    Args:
        directory: For sockets, pipes and settings; made here.
        clock: The clock that the room sounds by.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        directory.mkdir(mode=0o700)
        (directory / ".asoundrc").write_text(_ASOUNDRC)
        self._directory = directory
        self._clock = clock
        self._socket = directory / "native"
        self._begun_ns = 0
        self._written = 0
        self._speech = np.empty(0, np.int16)
        self._loud_ns = 0
        self._left_bytes = self._read_ns = 0
        self._touching = threading.Lock()
        self._air = Worker("air", clock, self._sound)
        self._server: subprocess.Popen[bytes] | None = None
        self._ticking = False
        self.ticks_ns: list[int] = []
        """CLOCK_BOOTTIME of the beginning of each tick."""
        self.late_blocks = 0
        """Blocks that the card had no room for: the machine stood still."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Where alsa-lib and libpulse find the card."""
        home = str(self._directory)
        return {"HOME": home, "XDG_RUNTIME_DIR": home, "PULSE_SERVER": f"unix:{self._socket}"}

    @property
    def quiet_seconds(self) -> float:
        """How long the loudspeaker has been silent."""
        return (self._clock.boottime_ns() - self._loud_ns) / _SECOND_NS

    def start(self) -> None:
        """Put the card in and let the air sound."""
        self._plug()
        self._begun_ns = self._loud_ns = self._clock.boottime_ns()
        self._air.start()

    def unplug(self) -> None:
        """Pull the sound card out."""
        assert self._server is not None
        self._server.send_signal(signal.SIGKILL)
        self._server.wait()

    def plug(self) -> None:
        """Put the card back."""
        with self._touching:
            self._close_pipes()
            for name in ("native", "mic", "speaker"):
                (self._directory / name).unlink(missing_ok=True)
            self._plug()

    def say(self, speech: Samples) -> None:
        """Let somebody speak from now on."""
        self._speech = speech

    def stop(self) -> None:
        """End the air and the card."""
        self._air.request_stop()
        if self._air.join(_JOIN_SECONDS) and self._begun_ns:
            self._close_pipes()
        if self._server is not None:
            self.unplug()

    def _plug(self) -> None:
        kind = f"rate={RATE_HZ} channels=1 format=s16le"
        command = list(PULSEAUDIO)
        for module in (
            f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}",
            f"module-pipe-source source_name=mic file={self._directory}/mic {kind}",
            f"module-pipe-sink sink_name=speaker file={self._directory}/speaker {kind}",
        ):
            command += ["-L", module]
        environment = {**os.environ, **self.environment}
        self._server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        os.setpriority(os.PRIO_PROCESS, self._server.pid, _HARDWARE_NICE)
        never = self._clock.signal()
        end_ns = self._clock.boottime_ns() + round(_START_SECONDS * _SECOND_NS)
        while not ((self._directory / "speaker").exists() and is_listening(self._socket)):
            assert self._clock.boottime_ns() < end_ns, "PulseAudio does not start"
            self._clock.wait(never, 0.02)
        pipes = [os.open(self._directory / name, os.O_RDWR | os.O_NONBLOCK) for name in ("mic", "speaker")]
        self._microphone, self._speaker = pipes
        # The card's own buffer: the loudspeaker must not run ahead of its time.
        fcntl.fcntl(self._speaker, fcntl.F_SETPIPE_SZ, _SPEAKER_BYTES)
        fcntl.fcntl(self._microphone, fcntl.F_SETPIPE_SZ, _MICROPHONE_BYTES)

    def _close_pipes(self) -> None:
        os.close(self._microphone)
        os.close(self._speaker)

    def _sound(self, worker: Worker) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _HARDWARE_NICE)
        while not self._clock.wait(worker.stop, _PERIOD_SECONDS):
            with self._touching:
                self._pass_on(self._clock.boottime_ns())

    def _pass_on(self, now_ns: int) -> None:
        """Give the card what has sounded since the last time."""
        count = (now_ns - self._begun_ns) * RATE_HZ // _SECOND_NS - self._written
        if count < _BLOCK_SAMPLES:
            return
        waiting = _waiting_bytes(self._microphone)
        if waiting < self._left_bytes:
            self._read_ns = now_ns
        elif now_ns - self._read_ns > _UNHEARD_NS and waiting:
            os.read(self._microphone, waiting)
        try:
            os.write(self._microphone, self._mixed(count, now_ns).tobytes())
        except BlockingIOError:
            self.late_blocks += 1
        self._written += count
        self._left_bytes = _waiting_bytes(self._microphone)

    def _mixed(self, count: int, now_ns: int) -> Samples:
        air = np.zeros(count, np.int32)
        played = self._played(count)
        if np.abs(played).max(initial=0) > 0:
            self._loud_ns = now_ns
        air[: len(played)] += played
        speech, self._speech = self._speech[:count], self._speech[count:]
        air[: len(speech)] += speech
        self._tick_over(air, quiet=not len(speech) and self.quiet_seconds > _QUIET_SECONDS)
        return np.clip(air, -32768, 32767).astype(np.int16)

    def _tick_over(self, air: npt.NDArray[np.int32], *, quiet: bool) -> None:
        """Mix in the tick of this second, if it begins while nobody speaks."""
        place = (self._written + np.arange(len(air))) % RATE_HZ
        for begin in np.flatnonzero(place == 0):
            self._ticking = quiet
            if quiet:
                self.ticks_ns.append(self._begun_ns + (self._written + int(begin)) * _SECOND_NS // RATE_HZ)
        if self._ticking:
            sounding = place < TICK_SAMPLES
            air[sounding] += _TICK[place[sounding]]

    def _played(self, count: int) -> Samples:
        try:
            return np.frombuffer(os.read(self._speaker, 2 * count), np.int16)
        except BlockingIOError:
            return np.empty(0, np.int16)


_TICK = tick()


def speech(words: str, directory: Path) -> Samples:
    """Somebody's words, as samples of the room's rate."""
    path = directory / "speech.wav"
    subprocess.run(["espeak-ng", "-v", "cmn", "-s", "150", "-w", str(path), words], check=True)
    with wave.open(str(path)) as file:
        rate_hz, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)
    times = np.arange(len(samples) * RATE_HZ // rate_hz) * rate_hz / RATE_HZ
    spoken = np.interp(times, np.arange(len(samples)), samples)
    loud: Samples = (spoken / max(1.0, np.abs(spoken).max()) * _SPEECH_PEAK).astype(np.int16)
    return loud


def _waiting_bytes(pipe: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]
