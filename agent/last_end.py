"""How the service manager saw the last run end: only it can tell a watchdog's kill from any other.

Rules of this module: reads one word that the unit's ExecStopPost wrote (`systemd/units/recorder-agent.service`), once.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_WATCHDOG: Final = "watchdog"
"""The value of systemd's SERVICE_RESULT."""
_WORD_BYTES_MAX: Final = 64
LAST_END: Final = "last-end"
"""Name of the file in the state directory."""


def take_watchdog_end(state: Path) -> bool:
    """Read and forget whether the watchdog ended the run before.

    Args:
        state: The state directory; where no service manager runs, nothing was left there.
    """
    path = state / LAST_END
    try:
        with path.open("rb") as file:
            word = file.read(_WORD_BYTES_MAX).strip().decode("ascii", "replace")
    except FileNotFoundError:
        return False
    except OSError as error:
        log.warning("%s: cannot be read: %s; a watchdog's kill is sealed as a crash", path, error.strerror)
        return False
    with contextlib.suppress(OSError):  # stale at worst, and written anew by the next end
        path.unlink()
    return word == _WATCHDOG
