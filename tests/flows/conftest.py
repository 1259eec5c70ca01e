"""One Prefect server for all flow tests: starting one takes longer than any of them."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary server with a database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    from flows import orchestration  # noqa: F401 - its settings come before Prefect's

    with prefect_test_harness(server_startup_timeout=120):
        yield
