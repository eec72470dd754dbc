"""Reading the JSON documents of the commands.

Rules of this module: pure; a value that is not where or what it should be is an error with its path, not a surprise
somewhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from hw_sim.demo.errors import DemoError

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def read(text: str, what: str) -> Document:
    """Read a document.

    Raises:
        DemoError: It is no JSON object.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise DemoError(f"{what} is not JSON: {error}") from error
    return Document(value, what)


class Document:
    """One value of a document, and where it stands.

    Args:
        value: The value.
        path: Where it stands, for messages.
    """

    def __init__(self, value: Json, path: str) -> None:
        self.value = value
        self._path = path

    def __getitem__(self, name: str) -> Document:
        """The value under a name. Raises DemoError when there is none."""
        if not isinstance(self.value, Mapping) or name not in self.value:
            raise DemoError(f"{self._path} has no {name!r}; the commands and the demo are of different versions")
        return Document(self.value[name], f"{self._path}.{name}")

    def get(self, name: str) -> Document | None:
        """The value under a name; None when it is absent or null."""
        found = self.value.get(name) if isinstance(self.value, Mapping) else None
        return None if found is None else Document(found, f"{self._path}.{name}")

    def items(self) -> list[Document]:
        """The entries of a list."""
        if isinstance(self.value, str) or not isinstance(self.value, Sequence):
            raise self._unlike("a list")
        return [Document(each, f"{self._path}[{place}]") for place, each in enumerate(self.value)]

    def text(self) -> str:
        """A text."""
        if not isinstance(self.value, str):
            raise self._unlike("a text")
        return self.value

    def number(self) -> int:
        """A whole number."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self._unlike("a whole number")
        return self.value

    def flag(self) -> bool:
        """Yes or no."""
        if not isinstance(self.value, bool):
            raise self._unlike("true or false")
        return self.value

    def _unlike(self, what: str) -> DemoError:
        return DemoError(f"{self._path} is {self.value!r}, not {what}; the commands and the demo are of different age")
