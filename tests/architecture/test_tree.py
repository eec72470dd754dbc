"""Rules that the tree keeps as a whole: names, words and the commands that the README promises."""

import re
import tomllib

import pytest

from tests.architecture import rules, tree

# Spelled in pieces, or this file would break its own rule.
INDEX_HOSTS = ("py" + r"pi\.org", "python" + "hosted", r"deb\.deb" + r"ian\.org", r"registry\.n" + "pmjs")
MACHINE_PATHS = (r"(?<![\w.-])/" + "(?:work|farm)/", "bash_" + "jobs", "/ro" + r"ot/\.")


def hits(pattern: str) -> list[str]:
    """Every line of the tree in which the pattern is found."""
    wanted = re.compile(pattern)
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in tree.files()
        for number, line in enumerate(tree.text(name).splitlines(), start=1)
        if wanted.search(line)
    ]


def test_the_top_level_holds_what_it_should() -> None:
    assert {name.partition("/")[0] for name in tree.files()} <= rules.TOP_LEVEL


@pytest.mark.parametrize("pattern", INDEX_HOSTS)
def test_no_package_index_is_named(pattern: str) -> None:
    assert not hits(pattern)


@pytest.mark.parametrize("pattern", MACHINE_PATHS)
def test_no_path_of_one_machine_is_named(pattern: str) -> None:
    assert not hits(pattern)


def test_rules_do_not_lapse_unseen() -> None:
    missing = {module for module in rules.PURE_CORE if tree.module_file(module) is None}
    missing |= {name for name in rules.SPECIFICATIONS if name not in tree.files()}
    assert not missing - rules.AWAITED, "these are listed in rules.py and gone: renamed?"
    assert not rules.AWAITED - missing, "these are there now: take them off AWAITED in rules.py"


def test_readme_lists_the_commands_that_make_has() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", tree.text("Makefile"), re.MULTILINE))
    promised = set(re.findall(r"^\| `make ([a-z]+)", tree.text("README.md"), re.MULTILINE))
    assert promised == targets


def test_every_rule_that_is_off_says_why() -> None:
    text = tree.text("pyproject.toml")
    lint = tomllib.loads(text)["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    off = [*lint["ignore"], *(rule for ignored in lint["per-file-ignores"].values() for rule in ignored)]
    unexplained = [rule for rule in off if not re.search(rf'^    "{rule}", +# .{{12}}', text, re.MULTILINE)]
    assert not unexplained


def test_both_distributions_carry_one_version() -> None:
    versions = {
        tomllib.loads(tree.text(name))["project"]["version"] for name in ("pyproject.toml", "hw-sim/pyproject.toml")
    }
    assert len(versions) == 1
