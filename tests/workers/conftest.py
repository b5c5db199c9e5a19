"""A worker of the tests' own, and a client of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from authsvc.workers.client import WorkerClient
from tests.workers.support import SOON, Worker, running_worker


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "worker.sock"


@pytest.fixture
def worker(socket_path: Path) -> Iterator[Worker]:
    with running_worker(socket_path, queue=2) as running:
        yield running


@pytest.fixture
def client(worker: Worker) -> Iterator[WorkerClient]:
    with closing(WorkerClient(worker.socket_path, SOON)) as connected:
        yield connected
