"""What the tests of a store on a bucket and PostgreSQL stand on."""

from collections.abc import Iterator

import pytest

from tests.support.engines import Engines, started_engines


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    with started_engines(tmp_path_factory.mktemp("engines"), lock=True, outside=True) as running:
        yield running
