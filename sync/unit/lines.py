"""Over which kind of line a connection goes: found from the kernel, not from a setting that could be forgotten.

Rules of this module: reads the kernel's tables only; what cannot be told counts as radio.
"""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path
from typing import Final

from sync.secrecy import Line

_SIOCGIFADDR: Final = 0x8915
_IFREQ_BYTES: Final = 256
_ADDRESS_AT: Final = slice(20, 24)
_NAME_BYTES_MAX: Final = 15
_SYSFS: Final = Path("/sys/class/net")
_INET6: Final = Path("/proc/net/if_inet6")
_WIRED_PREFIXES: Final = ("lo", "eth", "en", "usb")
_RADIO_MARKS: Final = ("wireless", "phy80211")


def line_of(local_address: str) -> Line:
    """Say what kind of line leaves from one of this machine's addresses.

    Args:
        local_address: The connection's own address.
    """
    try:
        address = ipaddress.ip_address(local_address.partition("%")[0])
    except ValueError:
        return Line.RADIO
    if address.is_loopback:
        return Line.WIRE
    name = _interface_of(address)
    return Line.RADIO if name is None else kind_of(name, _SYSFS)


def kind_of(interface: str, sysfs: Path) -> Line:
    """Say what kind of line an interface is: wired when it is named so and the kernel knows no radio behind it."""
    folder = sysfs / interface
    if any((folder / mark).exists() for mark in _RADIO_MARKS):
        return Line.RADIO
    return Line.WIRE if interface.startswith(_WIRED_PREFIXES) else Line.RADIO


def _interface_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    if isinstance(address, ipaddress.IPv4Address):
        return next((name for _, name in socket.if_nameindex() if _ipv4_of(name) == address.packed), None)
    wanted = address.packed.hex()
    lines = _INET6.read_text(encoding="ascii").splitlines() if _INET6.exists() else []
    return next((fields[5] for fields in (line.split() for line in lines) if fields[0] == wanted), None)


def _ipv4_of(interface: str) -> bytes | None:
    request = struct.pack(f"{_IFREQ_BYTES}s", interface.encode()[:_NAME_BYTES_MAX])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            answer: bytes = fcntl.ioctl(asked.fileno(), _SIOCGIFADDR, request)
        except OSError:
            return None
    return answer[_ADDRESS_AT]
