"""The record tables of `sealing/FORMAT.md`, made from `sealing/records/`.

`python -m tests.support.format_tables` writes them into the specification; a test holds both to each other.
"""

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sealing import limits, records
from sealing.records import Body

SPECIFICATION = Path(limits.__file__).with_name("FORMAT.md")
RECORDS = ("<!-- records: made by tests/support/format_tables.py -->\n", "<!-- /records -->\n")
LIMITS = ("<!-- limits: made by tests/support/format_tables.py -->\n", "<!-- /limits -->\n")
_NESTED = (
    records.StateSnapshot,
    records.KeyWrap,
    records.RunFacts,
    records.CheckResult,
)
_ENUMS = (
    records.FileKind,
    records.FileOrigin,
    records.CounterKind,
    records.AnchorKind,
    records.PromptKind,
    records.VoicePurpose,
    records.BreakOrigin,
    records.CheckVerdict,
)


def record_tables() -> str:
    """Every body, nested map and code list as Markdown."""
    parts = [_body_table(body) for body in sorted(get_args(Body), key=lambda body: int(body.TYPE))]
    parts += [f"#### {nested.__name__}\n\n{_doc(nested)}\n\n{_field_table(nested)}" for nested in _NESTED]
    codes = "\n".join(f"| {enum.__name__} | {', '.join(f'`{value}`' for value in enum)} |" for enum in _ENUMS)
    parts.append(f"#### Codes\n\n| list | values |\n| --- | --- |\n{codes}\n")
    return "\n".join(parts)


def limit_table() -> str:
    """Every limit with its value as Markdown."""
    meanings = _attribute_docstrings(Path(limits.__file__), None)
    rows = [
        f"| `{name}` | {_shown(value)} | {meanings.get(name, '')} |"
        for name, value in vars(limits).items()
        if name.isupper()
    ]
    return "\n".join(["| name | value | meaning |", "| --- | --- | --- |", *rows, ""])


def rewrite(text: str) -> str:
    """The specification with both parts made anew."""
    return _replaced(_replaced(text, RECORDS, record_tables()), LIMITS, limit_table())


def _replaced(text: str, borders: tuple[str, str], part: str) -> str:
    before, _, rest = text.partition(borders[0])
    _, _, after = rest.partition(borders[1])
    return f"{before}{borders[0]}\n{part}\n{borders[1]}{after}"


def _body_table(body: Any) -> str:  # noqa: ANN401 - any of the record classes
    return f"#### {int(body.TYPE)} {body.TYPE.name}\n\n{_doc(body)}\n\n{_field_table(body)}"


def _field_table(body: Any) -> str:  # noqa: ANN401 - any of the record classes
    meanings = _attribute_docstrings(Path(inspect.getfile(body)), body.__name__)
    hints = get_type_hints(body)
    rows = [
        f"| {field.metadata['key']} | {field.name} | {_type(hints[field.name])} | {_range(field)} "
        f"| {meanings.get(field.name, '')} |"
        for field in dataclasses.fields(body)
    ]
    return "\n".join(["| key | field | type | range | meaning |", "| --- | --- | --- | --- | --- |", *rows, ""])


def _type(hint: Any) -> str:  # noqa: ANN401 - a type of any form
    text = hint.__name__ if isinstance(hint, type) else str(hint)
    text = re.sub(r"sealing\.records\.\w+\.", "", text).replace("tuple[tuple[str, int], ...]", "list of [text, int]")
    if " | None" in text:
        return _type_name(text.replace(" | None", "")) + ", optional"
    return _type_name(text)


def _type_name(text: str) -> str:
    if text.startswith("tuple["):
        return "list of " + _type_name(text.removeprefix("tuple[").removesuffix(", ...]"))
    return {"str": "text", "bytes": "bytes", "int": "int", "bool": "bool"}.get(text, text)


def _range(field: Any) -> str:  # noqa: ANN401 - dataclasses.Field
    low, high, size = field.metadata["low"], field.metadata["high"], field.metadata["size"]
    if size is not None:
        return f"{size} bytes"
    if (low, high) == (limits.INTEGER_MIN, limits.INTEGER_MAX):
        return ""
    return f"≥ {low}" if high == limits.INTEGER_MAX else f"{low} to {high}"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex(" ")
    return {limits.INTEGER_MIN: "−2^63", limits.INTEGER_MAX: "2^63 − 1"}.get(value, f"{value}")  # type: ignore[call-overload, no-any-return]


def _doc(body: Any) -> str:  # noqa: ANN401 - any of the record classes
    return " ".join(str(body.__doc__).split())


def _attribute_docstrings(source: Path, class_name: str | None) -> dict[str, str]:
    """The strings that stand under assignments of a module or of one of its classes."""
    tree: Any = ast.parse(source.read_text())
    if class_name is not None:
        tree = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name)
    return dict(_documented(tree.body))


def _documented(statements: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, following in pairwise(statements):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            yield statement.target.id, " ".join(str(following.value.value).split())


if __name__ == "__main__":
    SPECIFICATION.write_text(rewrite(SPECIFICATION.read_text()))
