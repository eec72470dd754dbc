"""Both ends of the protocol over MQTT as tests want them: a unit whose waits are short, a broker that is killed."""

import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hal.drivers.system_clock import SystemClock
from sync.unit.broker_link import BrokerLink
from sync.unit.mqtt_client import MqttStoreClient
from tests.support.broker import Broker
from tests.support.docks import UnitOnDisk
from tests.support.store_process import StoreProcess

HASTE = 5
"""So many times faster the unit's clock goes: its two seconds without progress are over in 0.4, its patience in 4."""
HURRY_SECONDS = 40.0
"""Then it goes as the product's: where every answer takes longer than a hurried unit waits, none would ever count."""
LONGEST_LIFE = 500
_LOOK_SECONDS = 0.02


def mqtt_client(unit: UnitOnDisk, url: str, tls: ssl.SSLContext | None = None, haste: int = HASTE) -> MqttStoreClient:
    """The unit's end, over a broker, in haste at first."""
    clock = SystemClock()
    begun_ns = clock.boottime_ns()

    def now_ns() -> int:
        passed_ns = clock.boottime_ns() - begun_ns
        return passed_ns + (haste - 1) * min(passed_ns, round(HURRY_SECONDS * 1e9))

    return MqttStoreClient(BrokerLink(url, unit.device_id, "files", tls), unit.device_id, now_ns)


@contextmanager
def all_killed_at_random(store: StoreProcess, broker: Broker, seed: int, passed: Callable[[], int]) -> Iterator[None]:
    """Kill store and broker again and again, and start them again, until the block ends; both run behind it.

    Args:
        store: One of them.
        broker: The other.
        seed: Of who and when.
        passed: Bytes that store and broker have exchanged: a death comes behind a random number of them, in the middle
            of something on a slow machine, too.
    """
    rolled, over = random.Random(seed), threading.Event()
    store.start()

    def keep_killing() -> None:
        while not over.is_set():
            near = rolled.random() < 0.25
            until = passed() + rolled.randrange(3_000 if near else 4_000_000)
            for _ in range(LONGEST_LIFE):
                if over.wait(_LOOK_SECONDS) or passed() > until:
                    break
            victim: StoreProcess | Broker = store if rolled.random() < 0.7 else broker
            victim.kill()
            over.wait(rolled.uniform(0.0, 0.1))
            victim.start()

    killer = threading.Thread(target=keep_killing, name="killer")
    killer.start()
    with ended_after_all(store):
        try:
            yield
        finally:
            over.set()
            killer.join(100)


@contextmanager
def ended_after_all(store: StoreProcess) -> Iterator[None]:
    """A store that does not outlive a test that failed."""
    try:
        yield
    except BaseException:
        store.kill()
        raise
