"""The kernel's own account of its clock, as adjtimex(2) fills it in."""

from __future__ import annotations

import ctypes


class Timex(ctypes.Structure):
    """struct timex as far as it is read; the padding covers the rest of its 208 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("padding", ctypes.c_byte * 256),
    )
