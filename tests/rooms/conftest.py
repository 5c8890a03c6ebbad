"""What the tests of rooms share."""

from collections.abc import Iterator

import pytest

from tests.servers import Process, redis_process


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Give a Redis that no test stops."""
    server = redis_process(tmp_path_factory.mktemp("redis"), "--appendfsync", "no")
    yield server
    server.stop()
