"""Buttons whose contacts bounce, and the filter that a driver needs for it.

Rules of this module: the world makes contacts, the filter makes edges; an edge's time is that of its first contact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hal.ports import ButtonSink
from hal.values import ButtonEdge, ButtonName

BOUNCE_NS = 15_000_000
"""Contacts closer together than this are one edge."""
BOUNCES_NS = (0, 700_000, 1_900_000, 2_600_000, 4_100_000)
"""Times of the contacts of one press or release after the first; an odd count, so that the last one stays."""


class Debouncer:
    """Edges of one button from its raw contacts. Pure: time comes with the contact."""

    def __init__(self) -> None:
        self._closed = False
        self._reported = False
        self._quiet_until_ns = 0
        self._first_ns: int | None = None

    def contact(self, *, closed: bool, at_ns: int) -> tuple[bool, int] | None:
        """Take a raw contact; returns an edge (pressed, its time) when it is one."""
        self._closed = closed
        if closed == self._reported:
            return None
        if at_ns < self._quiet_until_ns:
            self._first_ns = at_ns if self._first_ns is None else self._first_ns
            return None
        return self._edge(at_ns, at_ns)

    def settled(self, at_ns: int) -> tuple[bool, int] | None:
        """Look again after the quiet time: a change that was taken for a bounce and stayed is an edge after all."""
        if at_ns < self._quiet_until_ns or self._closed == self._reported:
            return None
        return self._edge(at_ns if self._first_ns is None else self._first_ns, at_ns)

    def _edge(self, first_ns: int, now_ns: int) -> tuple[bool, int]:
        self._reported = self._closed
        self._quiet_until_ns = now_ns + BOUNCE_NS
        self._first_ns = None
        return self._closed, first_ns


class SimButtons:
    """The unit's buttons: `hal.ports.Buttons`.

    Args:
        fitted: Buttons that exist.
        subscribed: Called when somebody begins to listen to them.
    """

    def __init__(self, fitted: Sequence[ButtonName], subscribed: Callable[[], None]) -> None:
        self._subscribed = subscribed
        self._filters = {name: Debouncer() for name in fitted}
        self._sink: ButtonSink | None = None

    def subscribe(self, sink: ButtonSink) -> None:
        """Report every edge from now on to `sink`."""
        self._sink = sink
        self._subscribed()

    def fitted(self) -> Sequence[str]:
        """Values of `ButtonName` that exist."""
        return tuple(name.value for name in self._filters)

    def contact(self, button: ButtonName, *, closed: bool, at_boottime_ns: int) -> None:
        """For the world's hand: a contact of the button closes or opens."""
        self._report(button, self._filters[button].contact(closed=closed, at_ns=at_boottime_ns))

    def settled(self, button: ButtonName, at_boottime_ns: int) -> None:
        """For the world's hand: the quiet time is over."""
        self._report(button, self._filters[button].settled(at_boottime_ns))

    def _report(self, button: ButtonName, edge: tuple[bool, int] | None) -> None:
        if edge is not None and self._sink is not None:
            self._sink.edge(ButtonEdge(button, pressed=edge[0], at_boottime_ns=edge[1]))
