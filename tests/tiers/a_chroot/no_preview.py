"""Importing this lets picamera2 be imported without the bindings for its preview, which Debian does not have."""

from __future__ import annotations

import sys
import types

_KMS = types.ModuleType("pykms")
_KMS.PixelFormat = type("PixelFormat", (), {"__getattr__": lambda _, name: name})()  # type: ignore[attr-defined]
sys.modules.setdefault("pykms", _KMS)
