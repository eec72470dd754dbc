"""Both ends of the protocol over MQTT as tests want them: a unit whose waits are short, a broker that is killed."""

import random
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hal.drivers.system_clock import SystemClock
from sync.unit.broker_link import BrokerLink
from sync.unit.mqtt_client import MqttStoreClient
from tests.support.broker import Broker
from tests.support.docks import UnitOnDisk
from tests.support.restarting import ended_after_all, killed_at_random
from tests.support.store_process import StoreProcess

HASTE = 5
"""So many times faster the unit's clock goes: its two seconds without progress are over in 0.4, its patience in 4."""
HURRY_SECONDS = 40.0
"""Then it goes as the product's: where every answer takes longer than a hurried unit waits, none would ever count."""


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
        passed: Bytes that store and broker have exchanged.
    """
    store.start()

    def victim(rolled: random.Random) -> StoreProcess | Broker:
        return store if rolled.random() < 0.7 else broker

    with ended_after_all(store), killed_at_random(victim, seed, passed):
        yield
