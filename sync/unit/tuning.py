"""How the kernel treats a connection: its pace, and its place in the station's line.

Rules of this module: socket options alone.
"""

from __future__ import annotations

import socket
import sys
from typing import Final

_SO_MAX_PACING_RATE: Final = 47
_UNPACED: Final = 0xFFFF_FFFF
"""The kernel's word for no pace at all."""
_TOS_DEFAULT: Final = 0
_TOS_LOW_EFFORT: Final = 0x20
"""DSCP CS1: everything else on the station's line goes first."""


def tune(sock: socket.socket, rate_bytes_per_second: int | None, *, hurried: bool) -> None:
    """Set a connection up for uploads.

    Args:
        sock: The connection.
        rate_bytes_per_second: Its pace; None: none is set.
        hurried: A due time is near (SY-41): no pace, and no low class.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if rate_bytes_per_second is not None:
        rate = _UNPACED if hurried else min(rate_bytes_per_second, _UNPACED - 1)
        sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, rate.to_bytes(4, sys.byteorder))
    effort = _TOS_DEFAULT if hurried else _TOS_LOW_EFFORT
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, effort)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, effort)
