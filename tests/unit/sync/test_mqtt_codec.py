"""MQTT's grammar, bodies and window."""

import pytest

from sync.errors import WireError
from sync.mqtt import topics
from sync.mqtt.bodies import (
    WINDOW_BYTES_MAX,
    WINDOW_BYTES_MIN,
    UploadOffer,
    UploadStanding,
    decode,
    encode,
)
from sync.mqtt.receiver import Receiver, Verdict
from sync.mqtt.topics import Asked, Ended, Offered, Present, Question, Sent
from sync.mqtt.window import BUDGET_BYTES, UPLOADS_MAX, acknowledged_every, window_bytes
from sync.wire import FILE_BYTES_MAX

FILE_ID = "ab" * 32


def test_every_topic_is_read_as_it_was_written() -> None:
    """SY-44."""
    for question in Question:
        assert topics.read_upward(topics.question_topic("unit-1", question)) == Asked("unit-1", question)
    assert topics.read_upward(topics.init_topic("unit-1", topics.ANY, FILE_ID)) == Offered("unit-1", FILE_ID)
    assert topics.read_upward(topics.chunk_topic("unit-1", "w1", FILE_ID, 65536)) == Sent("unit-1", FILE_ID, 65536)
    assert topics.read_upward(topics.fin_topic("unit-1", "w1", FILE_ID)) == Ended("unit-1", FILE_ID)
    assert topics.read_upward(topics.presence_topic("unit-1")) == Present("unit-1")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "recorder/v1/unit-1/up",
        "recorder/v2/unit-1/up/any/ask/time",
        "recorder/v1/unit-1/down/any/ask/time",
        "recorder/v1//up/any/ask/time",
        "recorder/v1/recorder:store/up/any/ask/time",
        "recorder/v1/unit-1/up/ANY/ask/time",
        "recorder/v1/unit-1/up/presence/ask/time",
        "recorder/v1/unit-1/up/any/ask/nonsense",
        "recorder/v1/unit-1/up/any/ask/time/more",
        f"recorder/v1/unit-1/up/any/file/{FILE_ID.upper()}/init",
        f"recorder/v1/unit-1/up/any/file/{FILE_ID}/-1",
        f"recorder/v1/unit-1/up/any/file/{FILE_ID}/01",
        f"recorder/v1/unit-1/up/any/file/{FILE_ID}/{FILE_BYTES_MAX}",
        f"recorder/v1/unit-1/up/any/file/{FILE_ID}/{'9' * 40}",
        f"recorder/v1/unit-1/up/any/file/../{FILE_ID}/0",
    ],
)
def test_a_topic_that_is_none_of_the_grammar_is_refused(topic: str) -> None:
    """SY-3, SY-44."""
    with pytest.raises(WireError):
        topics.read_upward(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "recorder/v1/unit-2/down/b1",
        "recorder/v1/unit-1/up/any/ask/alert",
        "recorder/v1/unit-1/down/b1/more",
        "recorder/v1/unit-1/down/+",
        "recorder/v1/unit-1/down/",
        "$SYS/broker",
    ],
)
def test_nobody_has_the_store_speak_elsewhere_than_below_his_own_branch(topic: str) -> None:
    """SY-45."""
    assert topics.check_box("unit-1", topics.box_topic("unit-1", "b1"))
    with pytest.raises(WireError):
        topics.check_box("unit-1", topic)


def test_windows_share_a_budget_and_keep_to_their_bounds() -> None:
    """SY-46."""
    assert window_bytes(1) == WINDOW_BYTES_MAX
    assert window_bytes(UPLOADS_MAX) == WINDOW_BYTES_MIN == window_bytes(10 * UPLOADS_MAX)
    for active in range(1, UPLOADS_MAX + 1):
        assert active * window_bytes(active) <= BUDGET_BYTES
        assert acknowledged_every(window_bytes(active)) <= window_bytes(active) // 4


def test_bytes_are_taken_in_order_within_length_and_window_and_gaps_are_told_once() -> None:
    """SY-46, SY-47."""
    store = Receiver(1000, 100, 400)
    assert store.came(0, 50) is Verdict.DROP_AND_SAY
    assert store.came(200, 50) is Verdict.DROP
    assert store.came(100, 300) is Verdict.TAKE
    assert store.came(400, 101) is Verdict.DROP_AND_SAY, "beyond the window"
    assert store.wrote(400)
    assert store.came(400, 400) is Verdict.TAKE
    assert store.wrote(800)
    assert store.came(800, 201) is Verdict.DROP_AND_SAY, "beyond the length"
    assert store.came(800, 200) is Verdict.TAKE
    assert store.complete
    assert store.wrote(1000)
    assert not store.wrote(1000)


def test_bodies_are_strict() -> None:
    """SY-44."""
    offer = UploadOffer(number=1, size_bytes=5)
    assert decode(UploadOffer, encode(offer)) == offer
    standing = UploadStanding(state="receipted", offset_bytes=5, size_bytes=5, worker="w", receipt="AAE=")
    assert decode(UploadStanding, encode(standing)).receipt_bytes() == b"\x00\x01"
    for data in (b"", b"{}", b'{"version":2,"number":1,"size_bytes":5}', b'{"number":1,"size_bytes":5,"more":1}'):
        with pytest.raises(WireError):
            decode(UploadOffer, data)
    with pytest.raises(WireError):
        standing.model_copy(update={"receipt": "*"}).receipt_bytes()
