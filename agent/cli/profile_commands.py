"""`recorder profile`: whose rules there are, what they say, whether a file of them is good, and its signature.

Rules of this module: reads profiles and prints; the rules themselves are `agent/PROFILE.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import click
from pydantic import JsonValue

from agent.citations import agency_settings, citations, uncited_values
from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json, print_pairs, print_table
from agent.errors import ConfigError, SpoolError
from agent.guide import guide_of
from agent.guide_page import page
from agent.profile import SIGNED_SUFFIX, LoadedProfile, load_profile, shipped_profiles
from agent.profile_diff import Change, Stated, changes, stated_values
from agent.signed_profile import agency_cas, load_any, sign_profile
from agent.working_days import working_days_toml
from capture.section import AGENCY_SETTING
from capture.signals import signal_rows
from hal.drivers.system_clock import SystemClock
from sealing.keys import FileKeySigner
from sync.durable import write_file

Command = TypeVar("Command", bound=Callable[..., object])
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


def ca_option(command: Command) -> Command:
    """The option `--ca` of a command that reads signed profiles."""
    return click.option(
        "--ca",
        "authorities",
        multiple=True,
        type=_FILE,
        metavar="PEM",
        help="机关根证书，核对签名用 / CA of the agency, for signed profiles. [this unit's]",
    )(command)


@click.group()
def profile() -> None:
    """规则文件 / Policy profiles."""


@profile.command("list")
@json_option
@pass_surroundings
def list_profiles(surroundings: Surroundings, as_json: bool) -> None:
    """列出随软件提供的规则 / List the profiles that ship with this software."""
    loaded = [load_profile(name) for name in shipped_profiles()]
    if as_json:
        print_json([_facts(each) for each in loaded])
        return
    columns = ("id", surroundings.words("机关", "Agency"), surroundings.words("依据", "Regulation"))
    heads = [each.profile.profile for each in loaded]
    rows = [(head.id, surroundings.words(head.agency, head.agency_en), head.regulation) for head in heads]
    print_table(columns, rows)


@profile.command("show")
@click.argument("name")
@ca_option
@json_option
@pass_surroundings
def show_profile(surroundings: Surroundings, name: str, authorities: tuple[Path, ...], as_json: bool) -> None:
    """显示规则及条款 / Show a profile with the clause of each value; NAME is an id or the path of a file."""
    loaded = load_any(name, _authorities(surroundings, name, authorities))
    values = loaded.profile.model_dump(mode="json", exclude_unset=True)
    signals = signal_rows(loaded.profile.capture.signals.table())
    if as_json:
        cited = dict(citations(loaded.profile))
        print_json({**_facts(loaded), "values": values, "citations": cited, "signals": [list(row) for row in signals]})
        return
    print_pairs(_heading(surroundings, loaded))
    columns = (
        surroundings.words("项", "Value"),
        surroundings.words("内容", "Content"),
        surroundings.words("条款", "Clause"),
    )
    stated = stated_values(loaded.profile)
    print_table(columns, [(name, _shown(each), _clause(each, surroundings)) for name, each in stated.items()])
    kinds = (("信号", "Signal"), ("何时", "When"), ("如何", "How"))
    print_table(tuple(surroundings.words(*kind) for kind in kinds), signals)


@profile.command("check")
@click.argument("name")
@ca_option
@json_option
@pass_surroundings
def check_profile(surroundings: Surroundings, name: str, authorities: tuple[Path, ...], as_json: bool) -> None:
    """检查规则文件 / Check a profile, and the signature of a signed one. Exits 78 when a rule is broken."""
    loaded = load_any(name, _authorities(surroundings, name, authorities))
    uncited, settings = uncited_values(loaded.profile), agency_settings(loaded.profile)
    if as_json:
        print_json({**_facts(loaded), "uncited": list(uncited), "agency_settings": list(settings)})
        return
    words = surroundings.words
    print_pairs(
        (
            *_heading(surroundings, loaded),
            (words("结果", "Result"), words("正确", "good")),
            *_each(words("机关自定", "Agency settings"), settings),
            *_each(words("未注明条款", "Without a clause"), uncited),
        )
    )


@profile.command("diff")
@click.argument("before")
@click.argument("after")
@ca_option
@json_option
@pass_surroundings
def diff_profiles(
    surroundings: Surroundings, before: str, after: str, authorities: tuple[Path, ...], as_json: bool
) -> None:
    """逐条比较两份规则 / Compare two profiles value by value, each with its clause."""
    one, two = (load_any(name, _authorities(surroundings, name, authorities)) for name in (before, after))
    found = changes(one.profile, two.profile)
    if as_json:
        print_json({"before": _facts(one), "after": _facts(two), "changes": [_change_table(each) for each in found]})
        return
    words = surroundings.words
    columns = (words("项", "Value"), one.source, words("条款", "Clause"), two.source, words("条款", "Clause"))
    rows = [
        (
            each.name,
            *(text for side in (each.before, each.after) for text in (_shown(side), _clause(side, surroundings))),
        )
        for each in found
    ]
    if rows:
        print_table(columns, rows)
    click.echo(words(f"{len(found)} 处不同", f"{len(found)} differences"))


@profile.command("sign")
@click.argument("name")
@click.option("--number", required=True, type=click.IntRange(1), help="机关规则的序号 / Counts the agency's profiles.")
@click.option("--key", required=True, type=_FILE, metavar="PEM", help="机关签名密钥 / The agency's key for documents.")
@click.option("--certificate", required=True, type=_FILE, metavar="PEM", help="该密钥的证书 / Its certificate.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="*.profile")
@pass_surroundings
def sign(surroundings: Surroundings, name: str, number: int, key: Path, certificate: Path, output: Path) -> None:
    """签署规则文件 / Sign a checked profile for the agency's units; NAME is an id or the path of a .toml file."""
    if output.suffix != SIGNED_SUFFIX:
        raise click.BadParameter(f"{output}: a signed profile ends in {SIGNED_SUFFIX}", param_hint="--output")
    loaded = load_profile(name)
    authority = agency_cas(certificate)
    if len(authority) != 1:
        raise click.BadParameter(
            f"{certificate} holds {len(authority)} certificates, not one", param_hint="--certificate"
        )
    issued_utc_ns = SystemClock().read().utc_ns
    data = sign_profile(loaded, number, issued_utc_ns, FileKeySigner.from_pem(key), authority[0])
    _written(output, data)
    print_pairs(
        (
            *_heading(surroundings, loaded),
            (surroundings.words("序号", "Number"), str(number)),
            (surroundings.words("已写入", "Written to"), str(output)),
        )
    )


@profile.command("guide")
@click.argument("name")
@ca_option
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="*.html")
@pass_surroundings
def guide(surroundings: Surroundings, name: str, authorities: tuple[Path, ...], output: Path) -> None:
    """生成执法人员使用卡，供打印 / Write the officers' sheet for printing: buttons, lamp, what to say when."""
    loaded = load_any(name, _authorities(surroundings, name, authorities))
    _written(output, page(guide_of(loaded)).encode())
    print_pairs((*_heading(surroundings, loaded), (surroundings.words("已写入", "Written to"), str(output))))


@profile.command("holidays")
@click.argument("years", nargs=-1, required=True, type=click.IntRange(2020, 2100), metavar="YEAR…")
def holidays(years: tuple[int, ...]) -> None:
    """生成工作日表 / Print the section [working_days] of the official calendar, for a profile."""
    click.echo(working_days_toml(years), nl=False)


def _written(output: Path, data: bytes) -> None:
    try:
        write_file(output, data, 0o644)
    except OSError as error:
        raise SpoolError(f"{output}: cannot be written: {error.strerror}; name another folder") from error


def _facts(loaded: LoadedProfile) -> dict[str, JsonValue]:
    head = loaded.profile.profile
    return {
        "id": head.id,
        "agency": head.agency,
        "agency_en": head.agency_en,
        "regulation": head.regulation,
        "document_number": head.document_number,
        "source": loaded.source,
        "sha256": loaded.hash.hex(),
        "signed": loaded.document is not None,
        "number": None if loaded.document is None else loaded.document.number,
    }


def _heading(surroundings: Surroundings, loaded: LoadedProfile) -> Iterable[tuple[str, str]]:
    words, document = surroundings.words, loaded.document
    yield words("规则", "Profile"), f"{loaded.profile.profile.id} ({loaded.source})"
    yield "SHA-256", loaded.hash.hex()
    if document is not None:
        issued = datetime.fromtimestamp(document.issued_utc_ns // 1_000_000_000, UTC)
        yield (
            words("机关签名", "Signed"),
            words(
                f"有效，序号 {document.number}，{issued:%F %T} UTC",
                f"good, number {document.number}, {issued:%F %T} UTC",
            ),
        )


def _authorities(surroundings: Surroundings, name: str, given: tuple[Path, ...]) -> tuple[Path, ...]:
    """The CA certificates that were named, else, for a signed file, those of the unit that this is."""
    if given or not name.endswith(SIGNED_SUFFIX):
        return given
    try:
        own = surroundings.paths().agency_ca
    except ConfigError:
        return ()
    return (own,) if own.exists() else ()


def _shown(stated: Stated | None) -> str:
    if stated is None:
        return "–"
    return "、".join(map(str, stated.value)) if isinstance(stated.value, list) else str(stated.value)


def _clause(stated: Stated | None, surroundings: Surroundings) -> str:
    if stated is None:
        return ""
    return stated.clause.replace(AGENCY_SETTING, surroundings.words("机关自定", AGENCY_SETTING))


def _each(head: str, names: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """Names under one head, one in a line."""
    for number, name in enumerate(names or ("–",)):
        yield (head if number == 0 else ""), name


def _change_table(change: Change) -> dict[str, JsonValue]:
    before, after = change.before, change.after
    return {
        "value": change.name,
        "before": None if before is None else before.value,
        "clause_before": None if before is None else before.clause,
        "after": None if after is None else after.value,
        "clause_after": None if after is None else after.clause,
    }
