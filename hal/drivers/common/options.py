"""Reading `[hal.options]` of a driver set (DR-2).

Rules of this module: nothing is opened here; every refusal names the option, the value and the remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import TypeVar

from hal.errors import DriverSetError

Option = str | int | float | bool
Chosen = TypeVar("Chosen")


class OptionReader:
    """Takes options one by one; `finish` refuses those that nobody took.

    Args:
        driver_set: Its name, for messages.
        given: The table as configured.
    """

    def __init__(self, driver_set: str, given: Mapping[str, Option]) -> None:
        self._driver_set = driver_set
        self._given = given
        self._known: set[str] = set()

    def text(self, name: str, default: str) -> str:
        """A text that is not empty. Raises DriverSetError."""
        value = self._take(name, default)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "give a text in quotes")
        return value

    def one_of(self, name: str, choices: Mapping[str, Chosen], default: str) -> Chosen:
        """One of several names; gives what the name stands for. Raises DriverSetError."""
        value = self._take(name, default)
        if not isinstance(value, str) or value not in choices:
            raise self._wrong(name, f"give one of {', '.join(sorted(choices))}")
        return choices[value]

    def whole(self, name: str, default: int | None, low: int, high: int) -> int | None:
        """A whole number within bounds, or the default. Raises DriverSetError."""
        value = self._take(name, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(name, f"give a whole number from {low} to {high}")
        return value

    def pin(self, name: str, default: int | None) -> int | None:
        """The number of a GPIO line, or None where -1 is given: not wired. Raises DriverSetError."""
        value = self.whole(name, default, -1, 511)
        return None if value == -1 else value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number within bounds. Raises DriverSetError."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._wrong(name, f"give a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false. Raises DriverSetError."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "give true or false")
        return value

    def finish(self) -> None:
        """Refuse what was given and is no option of this driver set. Raises DriverSetError."""
        for name in self._given:
            if name not in self._known:
                raise DriverSetError(
                    f"hal.options.{name}: no such option of the driver set {self._driver_set}; "
                    f"{_hint(name, self._known)}"
                )

    def _take(self, name: str, default: Option | None) -> Option | None:
        self._known.add(name)
        return self._given.get(name, default)

    def _wrong(self, name: str, remedy: str) -> DriverSetError:
        return DriverSetError(f"hal.options.{name} = {self._given.get(name)!r}: {remedy}")


def _hint(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
