"""The clauses of a specification: `**SF-12**` opens one, and what it demands says MUST."""

import re
from collections.abc import Iterator

_ID = re.compile(r"\*\*([A-Z]{2}-\d+)\*\*")
_CITATION = re.compile(r"\b([A-Z]{2}-\d+)\b")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_BLOCK_BORDER = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+\.)\s)|\n(?=\s*\|)")
_DEMAND = re.compile(r"\bMUST\b")
_CONVENTIONS = re.compile(r"\bBCP 14\b|\bRFC 2119\b")


def clause_ids(specification: str) -> list[str]:
    """The ids that the specification defines, in its order."""
    return _ID.findall(_FENCE.sub("", specification))


def demands_without_id(specification: str) -> list[str]:
    """Paragraphs, list items and table rows that say MUST and carry no id before it."""
    return [
        block.strip()
        for block in _BLOCK_BORDER.split(_FENCE.sub("", specification))
        if _DEMAND.search(block) and not _CONVENTIONS.search(block) and not _ID.search(_DEMAND.split(block)[0])
    ]


def citations(text: str, letters: str) -> Iterator[str]:
    """The clause ids beginning with the letters that a text cites."""
    return (found for found in _CITATION.findall(text) if found.startswith(f"{letters}-"))
