"""Which line is used when there are several, and what the configuration makes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.errors import ConfigurationError
from sync.secrecy import Line
from sync.unit.client import LinkError, StoreClient
from sync.unit.config import UnitConfig, load_config
from sync.unit.lines_to_store import lines_to_store
from sync.unit.mqtt_client import MqttStoreClient
from sync.unit.routes import RETURN_SECONDS, Routes
from sync.wire import LogAnswer
from tests.support.clocks import ManualClock


@dataclass(eq=False)
class OneLine(StoreClient):
    """A line that is up or down, and remembers who used it."""

    name: str
    kind: Line = Line.WIRE
    up: bool = True
    asked: int = 0

    def line(self) -> Line:
        self._go()
        return self.kind

    def log(self, old_size: int) -> LogAnswer:
        self._go()
        return LogAnswer(checkpoint=f"{self.name} {old_size}")

    def receipt(self, file: object) -> bytes:
        self._go()
        return self.name.encode()

    def _go(self) -> None:
        self.asked += 1
        if not self.up:
            raise LinkError(self.name)


class Moment:
    """Time by hand."""

    ns = 0

    def __call__(self) -> int:
        return self.ns


def said(routes: Routes) -> str:
    return routes.log(0).checkpoint.split()[0]


def test_the_preferred_line_is_used_while_it_is_up_and_the_next_one_when_it_is_not() -> None:
    """SY-54."""
    first, second, now = OneLine("first"), OneLine("second"), Moment()
    routes = Routes((first, second), (first, second), now)
    assert said(routes) == "first"
    first.up = False
    with pytest.raises(LinkError):
        said(routes)
    assert said(routes) == "second"
    second.up, first.up = False, True
    with pytest.raises(LinkError):
        said(routes)
    assert said(routes) == "first"


def test_the_preferred_line_is_tried_again_after_a_while_and_between_two_attempts_alone() -> None:
    """SY-54."""
    first, second, now = OneLine("first", up=False), OneLine("second"), Moment()
    routes = Routes((first, second), (first, second), now)
    with pytest.raises(LinkError):
        said(routes)
    first.up = True
    now.ns = int(RETURN_SECONDS * 1e9)
    assert said(routes) == "second"
    routes.line()
    assert said(routes) == "first"


def test_words_and_files_may_go_over_different_lines() -> None:
    """SY-54."""
    words, files = OneLine("words"), OneLine("files")
    routes = Routes((words, files), (files,), Moment())
    assert (said(routes), routes.receipt(None)) == ("words", b"files")  # type: ignore[arg-type] # nobody looks at it
    with pytest.raises(ConfigurationError):
        Routes((words,), (), Moment())


@pytest.mark.parametrize("kinds", [(Line.WIRE, Line.RADIO), (Line.RADIO, Line.WIRE)])
def test_what_goes_over_one_radio_line_counts_as_radio(kinds: tuple[Line, Line]) -> None:
    """SY-37."""
    words, files = OneLine("words", kinds[0]), OneLine("files", kinds[1])
    assert Routes((words,), (files,), Moment()).line() is Line.RADIO


@pytest.fixture
def configured(tmp_path: Path) -> Callable[[str], UnitConfig]:
    def make(text: str) -> UnitConfig:
        path = tmp_path / "agent.toml"
        path.write_text(f'[unit]\ndevice_id = "unit-1"\nstate_directory = "."\nrun_directory = "run"\n[sync]\n{text}')
        return load_config(path)

    return make


HTTP, MQTT = 'store_url = "http://store:1"\n', 'mqtt_url = "mqtt://broker"\n'


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", ()),
        (HTTP, ("http",)),
        (MQTT, ("mqtt",)),
        (HTTP + MQTT, ("http", "mqtt")),
        (HTTP + MQTT + 'transports = ["mqtt", "http"]\n', ("mqtt", "http")),
        (HTTP + MQTT + 'transports = ["mqtt"]\n', ("mqtt",)),
    ],
)
def test_the_order_is_the_configurations(
    configured: Callable[[str], UnitConfig], text: str, order: tuple[str, ...]
) -> None:
    """SY-54."""
    assert configured(text).sync.lines() == order


@pytest.mark.parametrize(
    "text",
    [
        'mqtt_url = "http://broker"\n',
        MQTT + "mqtt_files = false\n",
        HTTP + "transports = []\n",
        HTTP + 'transports = ["pigeon"]\n',
    ],
)
def test_what_leaves_no_line_for_files_is_refused(configured: Callable[[str], UnitConfig], text: str) -> None:
    """SY-54."""
    with pytest.raises(ConfigurationError):
        configured(text)


def test_lines_are_made_as_configured(configured: Callable[[str], UnitConfig]) -> None:
    """SY-54."""

    def made(text: str, url: str | None = None) -> list[type]:
        lines = lines_to_store(configured(text), url, ManualClock(), lambda: 0.5)
        assert (lines.presence is None) is (url is None and "mqtt" not in text)
        assert lines.undated is None
        lines.close()
        return [type(one) for one in (lines.client, lines.alerts)]

    assert made(HTTP) == [StoreClient, StoreClient]
    assert made(MQTT) == [MqttStoreClient, MqttStoreClient]
    assert made(HTTP + MQTT) == [Routes, Routes]
    assert made(HTTP, "mqtt://other:1") == [MqttStoreClient, MqttStoreClient]
    with pytest.raises(ConfigurationError, match="enrol the unit"):
        made('mqtt_url = "mqtts://broker"\n')
