"""The hands of the test inside the machine: run what they are told, and pass on what the evidence medium confirmed.

Run as root beside the services under test, on the system's own Python; nothing of them is part of a unit. One JSON
object a line over a virtio port: `{"id", "run", "seconds"}` comes in, `{"id", "code", "out"}` goes out; so does
`{"id", "press", "seconds"}`, a finger on a line for so long. `{"synced"}` goes out by itself each time that the
recorder's storage says that bytes are on the medium.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import IO

PORT = Path("/dev/virtio-ports/bench.hands")
WITNESS = Path("/run/bench/witness.sock")
_DATAGRAM_BYTES = 4096


class Port:
    """One line at a time, from whichever thread."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("r+b", buffering=0)
        self._lock = threading.Lock()
        self._rest = b""

    def say(self, message: dict[str, object]) -> None:
        left = json.dumps(message, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            # The port takes what fits into its buffers.
            while left:
                left = left[self._file.write(left) :]

    def hear(self) -> dict[str, object]:
        while b"\n" not in self._rest:
            self._rest += self._file.read(65536)
        line, self._rest = self._rest.split(b"\n", 1)
        message: dict[str, object] = json.loads(line)
        return message


def pass_on(port: Port, witness: socket.socket) -> None:
    """Tell what the medium confirmed, as it comes."""
    while True:
        port.say({"synced": json.loads(witness.recv(_DATAGRAM_BYTES))})


def press(port: Port, order: dict[str, object]) -> None:
    """Pull a line to ground and let it go; in this process, or on a busy machine the finger would stay on it."""
    pull = Path(str(order["press"]))
    began = os.times().elapsed
    pull.write_text("pull-down")
    threading.Event().wait(float(str(order["seconds"])))
    pull.write_text("pull-up")
    port.say({"id": order["id"], "code": 0, "out": f"{os.times().elapsed - began:.2f}"})


def do(port: Port, order: dict[str, object]) -> None:
    """Run one order and answer it."""
    if "press" in order:
        press(port, order)
        return
    seconds = float(str(order["seconds"]))
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", str(order["run"])],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        port.say({"id": order["id"], "code": 124, "out": (error.stdout or b"").decode(errors="replace")})
        return
    port.say({"id": order["id"], "code": done.returncode, "out": done.stdout.decode(errors="replace")})


def main() -> None:
    WITNESS.parent.mkdir(mode=0o755, exist_ok=True)
    WITNESS.unlink(missing_ok=True)
    witness = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    witness.bind(str(WITNESS))
    WITNESS.chmod(0o666)
    port = Port(PORT)
    threading.Thread(target=pass_on, args=(port, witness), name="witness", daemon=True).start()
    port.say({"up": os.uname().release})
    while True:
        threading.Thread(target=do, args=(port, port.hear()), name="order", daemon=True).start()


if __name__ == "__main__":
    main()
