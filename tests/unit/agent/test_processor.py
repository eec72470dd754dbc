"""Which processors the agent starts on (R8: an explanation must be heard, and must not end the recording)."""

from pathlib import Path

import pytest

from agent.errors import ConfigError
from agent.processor import check_processor, lacking

OLD = "processor\t: 0\nflags\t\t: fpu sse4_2 popcnt\n\nprocessor\t: 1\nflags\t\t: fpu sse4_2 popcnt\n"
NEW = "processor\t: 0\nflags\t\t: fpu avx avx2 bmi1 bmi2 f16c fma\n"


def test_a_processor_without_its_instructions_is_named_with_the_remedy(tmp_path: Path) -> None:
    table = tmp_path / "cpuinfo"
    table.write_text(OLD)
    with pytest.raises(ConfigError, match=r"lacks avx, avx2, bmi2, f16c, fma.*x86-64-v3"):
        check_processor("x86_64", table)


def test_one_core_that_lacks_them_is_enough() -> None:
    assert lacking("x86_64", NEW + OLD) == {"avx", "avx2", "bmi2", "f16c", "fma"}


def test_what_has_them_or_needs_none_is_let_be(tmp_path: Path) -> None:
    table = tmp_path / "cpuinfo"
    table.write_text(NEW)
    check_processor("x86_64", table)
    check_processor("aarch64", tmp_path / "absent")
    assert lacking("aarch64", "Features\t: fp asimd evtstrm crc32\n") == frozenset()
    assert lacking("x86_64", "") == frozenset()


def test_this_machine_can_run_the_speech_model() -> None:
    check_processor()
