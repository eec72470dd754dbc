"""Writes a table as TOML, on as few lines as it takes: the standard library reads TOML only."""

from __future__ import annotations

import json
from datetime import date


def toml_text(table: dict[str, object]) -> str:
    """The text of a table.

    Raises:
        TypeError: A value is of a kind that profiles do not have.
    """
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(entry) for entry in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | bool | int | float):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(f"{value!r} is no value of a profile")
