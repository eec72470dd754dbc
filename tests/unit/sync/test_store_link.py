"""The store's connection to a broker, beside a thousand others."""

import fcntl
import resource
import socket
from collections.abc import Iterator

import pytest

from sync.store.mqtt_link import has_come

BEYOND_SELECT = 1024


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as a store takes for itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * BEYOND_SELECT)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_broker_is_heard_however_many_lines_are_open(many_files: None) -> None:
    """SY-39, SY-44."""
    near, far = socket.socketpair()
    with near, far, socket.socket(fileno=fcntl.fcntl(near, fcntl.F_DUPFD_CLOEXEC, BEYOND_SELECT)) as high:
        assert high.fileno() >= BEYOND_SELECT
        assert not has_come(high)
        far.sendall(b"x")
        assert has_come(high)
