"""Whether the unit may send now: the agent says so in one small file (SY-26).

Rules of this module: reads that file, nothing else; when in doubt, no.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

_LINK_BYTES_MAX: Final = 4096


class LinkState(BaseModel):
    """Contents of `link.json`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    docked: bool
    session_open: bool

    @property
    def open_for_sending(self) -> bool:
        """Docked, and no recording that sending could disturb."""
        return self.docked and not self.session_open


_NOBODY_WATCHES: Final = LinkState(docked=True, session_open=False)
_NOT_NOW: Final = LinkState(docked=False, session_open=False)


def read_link(path: Path) -> LinkState:
    """Read what the agent says; without a file sending is allowed, with an unreadable one it is not."""
    try:
        with path.open("rb") as file:
            return LinkState.model_validate_json(file.read(_LINK_BYTES_MAX))
    except FileNotFoundError:
        return _NOBODY_WATCHES
    except (OSError, ValidationError):
        return _NOT_NOW
