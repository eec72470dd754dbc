"""Tries what the sandboxes of the services refuse; runs on the machine, alone, with the system's Python.

Prints one JSON object: each thing tried, and `done` or the name of the error.
"""

import ctypes
import errno
import json
import mmap
import os
import socket
import sys
from collections.abc import Callable

STATE = "/var/lib/recorder"
STORE = (sys.argv[1], int(sys.argv[2]))
_LIBC = ctypes.CDLL(None, use_errno=True)
_UNSHARE, _SETPRIORITY = {"x86_64": (272, 141), "aarch64": (97, 140)}[os.uname().machine]
_CLONE_NEWUSER = 0x10000000
_NICEST = 19


def write(path: str) -> Callable[[], None]:
    def attempt() -> None:
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 -- plain, as a program that means harm would
            file.write("probe")
        os.unlink(path)  # noqa: PTH108

    return attempt


def read(path: str) -> Callable[[], None]:
    def attempt() -> None:
        with open(path, "rb") as file:  # noqa: PTH123
            file.read(1)

    return attempt


def call(*arguments: int) -> Callable[[], None]:
    def attempt() -> None:
        if _LIBC.syscall(*arguments) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return attempt


def connect() -> None:
    with socket.create_connection(STORE, timeout=60.0):
        pass


def packets() -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()


def unlock_memory() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def become_root() -> None:
    os.setuid(0)


ATTEMPTS = {
    "write the system": write("/usr/lib/probe"),
    "write the configuration": write("/etc/recorder/probe"),
    "write a home": write("/root/probe"),
    "write the state": write(f"{STATE}/probe"),
    "write the spool": write(f"{STATE}/spool/probe"),
    "write the inbox": write(f"{STATE}/inbox/probe"),
    "write the run directory": write("/run/recorder/probe"),
    "read the device key": read(f"{STATE}/keys/device.key"),
    "read the link key": read(f"{STATE}/keys/link.key"),
    "connect to the store": connect,
    "send raw packets": packets,
    # Anybody may be nicer: nothing but the filter is in the way.
    "a forbidden system call": call(_SETPRIORITY, 0, 0, _NICEST),
    "writable and executable memory": unlock_memory,
    "become root": become_root,
    # Last: root who did it is nobody afterwards.
    "make a user namespace": call(_UNSHARE, _CLONE_NEWUSER),
}


def told(attempt: Callable[[], None]) -> str:
    try:
        attempt()
    except TimeoutError:
        return "timeout"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))
    return "done"


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: told(attempt) for name, attempt in ATTEMPTS.items()}) + "\n")
