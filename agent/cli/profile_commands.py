"""`recorder profile`: whose rules there are, what they say, and whether a file of them is good.

Rules of this module: reads profiles and prints; the rules themselves are `agent/PROFILE.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

import click
from pydantic import JsonValue

from agent.citations import agency_settings, citations, uncited_values
from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json, print_pairs, print_table
from agent.profile import LoadedProfile, load_profile, shipped_profiles
from agent.working_days import working_days_toml


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
@json_option
@pass_surroundings
def show_profile(surroundings: Surroundings, name: str, as_json: bool) -> None:
    """显示规则及条款 / Show a profile with the clause of each value; NAME is an id or the path of a .toml file."""
    loaded = load_profile(name)
    values = loaded.profile.model_dump(mode="json", exclude_unset=True)
    if as_json:
        print_json({**_facts(loaded), "values": values, "citations": dict(citations(loaded.profile))})
        return
    cited = dict(citations(loaded.profile))
    print_pairs(((surroundings.words("规则", "Profile"), loaded.source), ("SHA-256", loaded.hash.hex())))
    columns = (
        surroundings.words("项", "Value"),
        surroundings.words("内容", "Content"),
        surroundings.words("条款", "Clause"),
    )
    print_table(columns, [(path, str(value), cited.get(path, "")) for path, value in _leaves("", values)])


@profile.command("check")
@click.argument("name")
@json_option
@pass_surroundings
def check_profile(surroundings: Surroundings, name: str, as_json: bool) -> None:
    """检查规则文件 / Check a profile; NAME is an id or the path of a .toml file. Exits 78 when a rule is broken."""
    loaded = load_profile(name)
    uncited, settings = uncited_values(loaded.profile), agency_settings(loaded.profile)
    if as_json:
        print_json({**_facts(loaded), "uncited": list(uncited), "agency_settings": list(settings)})
        return
    words = surroundings.words
    print_pairs(
        (
            (words("规则", "Profile"), f"{loaded.profile.profile.id} ({loaded.source})"),
            ("SHA-256", loaded.hash.hex()),
            (words("结果", "Result"), words("正确", "good")),
            (words("机关自定", "Agency settings"), ", ".join(settings) or "–"),
            (words("未注明条款", "Without a clause"), ", ".join(uncited) or "–"),
        )
    )


@profile.command("holidays")
@click.argument("years", nargs=-1, required=True, type=click.IntRange(2020, 2100), metavar="YEAR…")
def holidays(years: tuple[int, ...]) -> None:
    """生成工作日表 / Print the section [working_days] of the official calendar, for a profile."""
    click.echo(working_days_toml(years), nl=False)


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
    }


def _leaves(prefix: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Every value with its dotted name; clauses stand beside their values and not among them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "clauses":
                yield from _leaves(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        for number, entry in enumerate(value):
            yield from _leaves(f"{prefix}.{number}", entry)
    else:
        yield prefix, "、".join(map(str, value)) if isinstance(value, list) else value
