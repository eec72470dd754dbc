"""The S3 server of `s3_server` as a process that can be killed and started again on the same port."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import botocore.session

from tests.support.ports import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class S3Process:
    """One server with one bucket.

    Args:
        folder: For its journal and log.
        dies_at: A point of `s3_server` at which it ends by SIGKILL once.
    """

    bucket = "evidence"

    def __init__(self, folder: Path, dies_at: str | None = None) -> None:
        self._journal = folder / "s3.journal"
        self._log = folder / "s3.log"
        self._point = [] if dies_at is None else [dies_at]
        self._process: subprocess.Popen[str] | None = None
        self.port = free_port()
        self.kills = 0

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return once it answers as it did before."""
        command = [sys.executable, "-m", "tests.support.s3_server", str(self.port), str(self._journal), *self._point]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", self._log.read_text()

    def make_bucket(self, *, lock: bool = False) -> None:
        client = botocore.session.Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=lock)

    def died(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL, or what is left to do after one."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self.kills += 1

    def stop(self) -> None:
        if self._process is not None:
            self.kill()


@dataclass(frozen=True)
class OutsideBucket:
    """A bucket of somebody's own, named by the environment: `RECORDER_TEST_S3` (s3://bucket/prefix) and, where it is
    not Amazon's, `RECORDER_TEST_S3_ENDPOINT`; keys as the AWS tools take them. What is put there stays there.
    """

    url: str
    endpoint: str | None

    @classmethod
    def named(cls) -> Self | None:
        url = os.environ.get("RECORDER_TEST_S3")
        return None if url is None else cls(url.rstrip("/"), os.environ.get("RECORDER_TEST_S3_ENDPOINT"))


def given_keys() -> None:
    """Let this process and those that it starts sign requests."""
    os.environ.update({name: os.environ.get(name, value) for name, value in KEYS.items()})
