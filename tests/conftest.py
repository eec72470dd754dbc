"""Rules that hold for every test: inputs repeat, and no thread outlives its test."""

import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.requirements.outcomes import pytest_terminal_summary

_PARTING_SECONDS = 30.0
"""A thread that is on its way to its end gets there, however busy the machine is."""

__all__ = ["pytest_terminal_summary"]

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test() -> Iterator[None]:
    """Fail a test that leaves a thread running: it would act in somebody else's test."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(_PARTING_SECONDS / len(left))
    still = sorted(thread.name for thread in left if thread.is_alive())
    assert not still, f"threads outlived the test: {', '.join(still)}; stop and join them"
