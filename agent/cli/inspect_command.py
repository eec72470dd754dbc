"""`recorder inspect`: show what stands in sealed files, record by record, on any desk.

Rules of this module: reads the given files and nothing else, decrypts nothing, believes nothing: what it shows was not
verified. A record that cannot be read is shown as such, and those behind it as far as lengths can be followed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import click

from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json
from sealing.cose import Sign1
from sealing.errors import MalformedError, SealingError
from sealing.framing import RecordHeader, open_header
from sealing.reader import FramedRecord, SealedFile, sealed_files

_INDENT: Final = "    "


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path, exists=True))
@click.option("--sequence", type=click.IntRange(min=1), help="只显示该序号 / Show the record of this number alone.")
@json_option
@pass_surroundings
def inspect(surroundings: Surroundings, paths: tuple[Path, ...], sequence: int | None, as_json: bool) -> None:
    """逐条显示封存记录（不核验） / Show sealed records, unverified: PATH is one file, or a folder of *.evs files.

    Exits 0 when every record could be read, 65 when something there is not of the format.
    """
    shown: list[Mapping[str, object]] = []
    failed: SealingError | None = None
    for path in (each for given in paths for each in sealed_files(given)):
        for record, error in records_of(path):
            failed = failed or error
            if sequence is None or record.get("sequence") == sequence:
                shown.append(record)
    if as_json:
        print_json(shown)
    else:
        click.echo(surroundings.words("以下内容未经核验", "Nothing below was verified"))
        for told in shown:
            click.echo(_as_text(told))
    if failed is not None:
        raise failed


def records_of(path: Path) -> Iterator[tuple[dict[str, object], SealingError | None]]:
    """Everything that stands in one file, in plain values, each with the error that makes it unreadable.

    Args:
        path: A sealed file.

    Raises:
        OSError: It cannot be read.
    """
    with SealedFile(path) as file:
        try:
            file.check_magic()
            while (record := file.next_record()) is not None:
                yield _shown(path, record)
        except SealingError as error:
            yield {"file": path.name, "offset_bytes": file.next_offset_bytes, "error": str(error)}, error


def _shown(path: Path, record: FramedRecord) -> tuple[dict[str, object], SealingError | None]:
    framing: dict[str, object] = {
        "file": path.name,
        "offset_bytes": record.offset_bytes,
        "header_bytes": len(record.header),
        "payload_bytes": record.payload_length,
    }
    try:
        message, header = open_header(record.header)
    except SealingError as error:
        return {**framing, "error": str(error)}, error
    if header.payload_length != record.payload_length:
        broken = MalformedError(f"{path.name}: the header names {header.payload_length} bytes of payload")
        return {**framing, **_header(message, header), "error": str(broken)}, broken
    return {**framing, **_header(message, header)}, None


def _header(message: Sign1, header: RecordHeader) -> dict[str, object]:
    plain = {field.name: _plain(getattr(header, field.name)) for field in fields(header)}
    return {
        **plain,
        "type": header.type.name,
        "algorithm": message.algorithm.name,
        "key_id": message.key_id.hex(),
    }


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, StrEnum):
        return value.value
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _as_text(record: Mapping[str, object]) -> str:
    title = f"{record['file']} @{record['offset_bytes']}  {record.get('sequence', '?')}  {record.get('type', '?')}"
    lines = [f"{_INDENT}{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in record.items()]
    return "\n".join([title, *lines[2:]])
