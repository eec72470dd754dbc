"""An S3 server that outlives its own death: moto, with a journal of what it was told, and checksums that count.

`python -m tests.support.s3_server PORT JOURNAL [POINT]`. Moto keeps everything in memory and believes every checksum;
here each change is written down before it is made, and made again at the next start. With a POINT the process ends by
SIGKILL once: `before-put`, nothing is written down; `after-put`, the object is there and nobody hears of it.
"""

import base64
import hashlib
import io
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.test import Client

Environ = dict[str, Any]
StartResponse = Callable[..., object]

CHANGES = ("PUT", "POST", "DELETE")
KEPT = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "RAW_URI", "REQUEST_URI")


class Journalled:
    """A WSGI application that remembers.

    Args:
        inner: Does the work.
        journal: What was told before.
        dies_at: A point, once.
    """

    def __init__(self, inner: DomainDispatcherApplication, journal: Path, dies_at: str | None) -> None:
        self._inner = inner
        self._journal = journal
        self._marker = journal.with_suffix(".died")
        self._dies_at = None if self._marker.exists() else dies_at
        self._lock = threading.Lock()

    def replay(self, base_url: str) -> None:
        """Make every change again that was written down whole."""
        client = Client(self._inner)
        with self._journal.open("ab"), self._journal.open("rb") as file:
            while True:
                try:
                    kept, headers, body = pickle.load(file)  # noqa: S301 - its own
                except (EOFError, pickle.UnpicklingError):
                    return
                client.open(
                    kept["PATH_INFO"],
                    method=kept["REQUEST_METHOD"],
                    query_string=kept["QUERY_STRING"],
                    headers=headers,
                    data=body,
                    base_url=base_url,
                )

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in CHANGES:
            return list(self._inner(environ, start))
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        wanted = environ.get("HTTP_X_AMZ_CHECKSUM_SHA256")
        if wanted is not None and base64.b64decode(wanted) != hashlib.sha256(body).digest():
            start("400 Bad Request", [("Content-Type", "application/xml")])
            return [b"<Error><Code>BadDigest</Code><Message>the checksum is not that of the body</Message></Error>"]
        is_object = environ["REQUEST_METHOD"] == "PUT" and "/objects/" in environ["PATH_INFO"]
        with self._lock:
            self._die(is_object, "before-put")
            self._write(environ, body)
            answer = list(self._inner(environ, start))
            self._die(is_object, "after-put")
        return answer

    def _write(self, environ: Environ, body: bytes) -> None:
        kept = {name: environ.get(name, "") for name in KEPT}
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").title(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") and name != "HTTP_HOST"
        }
        with self._journal.open("ab") as file:
            pickle.dump((kept, headers, body), file)

    def _die(self, is_object: bool, point: str) -> None:
        if is_object and self._dies_at == point:
            self._marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    port, journal = int(sys.argv[1]), Path(sys.argv[2])
    point = sys.argv[3] if len(sys.argv) > 3 else None
    application = Journalled(DomainDispatcherApplication(create_backend_app), journal, point)
    application.replay(f"http://127.0.0.1:{port}")
    server = make_server("127.0.0.1", port, application, threaded=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
