"""Profiles' rules for tests of sync, read from the files that ship."""

from functools import cache
from pathlib import Path

from sync.rules import Rules, rules_of_profile

_PROFILES = Path(__file__).resolve().parents[2] / "agent" / "profiles"
HUAINAN, WUHU, DALIAN, WUHAN, INNER_MONGOLIA = "huainan", "wuhu", "dalian-jinpu", "wuhan", "inner-mongolia"


def profile_bytes(name: str) -> bytes:
    """A profile's file."""
    return (_PROFILES / f"{name}.toml").read_bytes()


@cache
def rules_of(name: str) -> Rules:
    """A profile's rules."""
    return rules_of_profile(profile_bytes(name))
