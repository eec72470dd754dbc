"""`recorder-store serve` that kills the database once, at a named point of a commit.

`python -m tests.support.cutting_gateway POINT MARKER PIDFILE serve …`; the point's kill leaves the gateway alive.
"""

import sys
import threading
from pathlib import Path

import psycopg

from sync.store.ledger import Ledger
from sync.store_main import main
from tests.support.postgres import kill_all

POINTS = ("before-commit", "after-commit")
_real_commit = psycopg.Connection.commit
_real_promise = Ledger._commit
_promising = threading.local()


def arm(point: str, marker: Path, pid_file: Path) -> None:
    """Let the database die at the point, unless it did before."""

    def cut() -> None:
        marker.touch()
        kill_all(int(pid_file.read_text().split()[0]))

    def is_now(place: str) -> bool:
        return place == point and getattr(_promising, "now", False) and not marker.exists()

    def commit(connection: psycopg.Connection[object]) -> None:
        if is_now("before-commit"):
            cut()
        _real_commit(connection)
        if is_now("after-commit"):
            cut()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    def promise(ledger: Ledger, *given: object, **named: object) -> bytes:
        _promising.now = True
        try:
            found: bytes = _real_promise(ledger, *given, **named)  # type: ignore[arg-type]
        finally:
            _promising.now = False
        return found

    psycopg.Connection.commit = commit  # type: ignore[assignment,method-assign]
    Ledger._commit = promise  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    arm(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    sys.argv[1:] = sys.argv[4:]
    main()
