"""Units that reach their store through a broker, and a store that is served there."""

import random
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509

from hal.drivers.system_clock import SystemClock
from sealing.receipts import receipt_key
from sync.backoff import Backoff
from sync.store.server import BODY_IDLE_SECONDS
from sync.unit.broker_link import BrokerLink
from sync.unit.client import LinkError, RefusedError
from sync.unit.courier import Courier, Ending, Surroundings
from sync.unit.mqtt_client import MqttStoreClient
from sync.unit.reports import Quiet, Reporter
from sync.unit.spool import SealedFile, numbers, read_ended
from sync.unit.transport import Transport
from tests.support.docks import UnitOnDisk
from tests.support.store_process import StoreProcess

ANSWER_SECONDS = 2.0
"""For a unit whose loop asks again."""
PATIENT_SECONDS = 60.0
"""For a question that is asked once."""
LONGEST_SECONDS = 300.0


def mqtt_client(
    unit: UnitOnDisk,
    url: str,
    tls: ssl.SSLContext | None = None,
    rate_bytes_per_second: int | None = None,
    answer_seconds: float = ANSWER_SECONDS,
) -> MqttStoreClient:
    """A unit's end, with short waits."""
    link = BrokerLink(url, unit.device_id, "bytes", tls, rate_bytes_per_second)
    return MqttStoreClient(link, unit.device_id, SystemClock().boottime_ns, answer_seconds=answer_seconds)


def carry_by(
    unit: UnitOnDisk, client: Transport, seconds: float = LONGEST_SECONDS, reporter: Reporter | None = None
) -> Ending:
    """The unit's own loop over a line, with short waits."""
    certificate = x509.load_pem_x509_certificate(unit.paths.receipt_certificate.read_bytes())
    clock = SystemClock()
    courier = Courier(
        Surroundings(
            paths=unit.paths,
            device_id=unit.device_id,
            client=client,
            store_key=receipt_key(certificate),
            clock=clock,
            stop=clock.signal(),
            draw=random.Random(1).random,
            reporter=reporter or Quiet(),
            backoff=Backoff(0.02, 0.3),
        )
    )
    try:
        return courier.run_once(seconds)
    finally:
        client.close()


def ended_files(unit: UnitOnDisk) -> list[SealedFile]:
    """The unit's ended files, the longest last."""
    found = [read_ended(unit.paths.spool / f"{one:08d}.evs", None) for one in numbers(unit.paths.spool)]
    return sorted((one for one in found if one is not None), key=lambda one: one.size_bytes)


def wait_until_heard(client: MqttStoreClient) -> None:
    """Wait until the store answers through the broker."""
    for tries_left in reversed(range(30)):
        try:
            client.time(bytes(16))
        except LinkError:
            if not tries_left:
                raise
        except RefusedError:
            return
        else:
            return


@contextmanager
def served_by(directory: Path, url: str, body_idle_seconds: float = BODY_IDLE_SECONDS) -> Iterator[StoreProcess]:
    """A store's process, served through a broker beside HTTP."""
    process = StoreProcess(directory, mqtt=url, body_idle_seconds=body_idle_seconds)
    process.start()
    try:
        yield process
    finally:
        process.stop()
