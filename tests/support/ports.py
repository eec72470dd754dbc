"""Ports of this machine that stay a test's own, whether somebody listens there or not."""

import socket

_HOST = "127.0.0.1"


def free_port() -> int:
    """A port for a server that is started, killed and started again.

    A socket that is bound to it and never listens keeps it for as long as this process lives: the system hands it to
    nobody who asks for any port, nor to a connection that goes out from here. Servers bind beside it because they say
    SO_REUSEADDR, as this one does.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind((_HOST, 0))
    port: int = kept.getsockname()[1]
    kept.detach()
    return port
