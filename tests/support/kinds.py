"""Which tests start servers or a browser, and which must have the machine to themselves; `make check` and `make test` ask.

By folder, by file and by fixture, so that a new test is sorted without anybody thinking of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

SERVED_FOLDERS = frozenset(
    {"browser", "cli/demo", "flows", "guarantees", "model", "scripts", "serving", "workers"}
)
"""Stories and guarantees: each runs a service, or programs of it."""

SERVED_FIXTURES = frozenset(
    {
        "postgres_server",
        "postgres_url",
        "migrated_postgres_url",
        "redis_server",
        "redis_url",
        "redis_cluster",
        "redis_cluster_url",
    }
)

SERVED_FILES = frozenset({"contracts/test_ephemeral.py", "test_docs.py", "web/test_fuzz.py"})

ALONE_FILES = {
    "browser/test_gestures.py": "a head moves in real time",
    "browser/test_voice.py": "a row is spoken in real time",
    "device/test_uniform.py": "compares times of refusals",
    "guarantees/test_canaries.py": "waits for models that a worker loads with low priority",
    "guarantees/test_outages.py": "holds answers to a time-out",
    "guarantees/test_slow_clients.py": "measures waits amid slow clients",
    "guarantees/test_uniform_failure.py": "compares times of refusals",
    "serving/test_slow_clients.py": "measures waits amid slow clients",
    "web/test_uniform_device.py": "compares times of refusals",
}
"""Whatever runs beside these would be measured with them."""

RAN_OUT = [
    r"TimeoutError",
    r"TimeoutExpired",
    r"Unavailable: ",
    r"Timeout \d+ms exceeded",
    r"gives no answer",
]
"""Errors of a wait that ran out, as a busy machine makes them. Such a test runs once more, and the report names it; a
test that fails for any other reason fails."""


def kinds_of(file: PurePath, fixtures: Iterable[str]) -> set[str]:
    """`served`, `alone`, both or neither; `file` is relative to `tests/`."""
    name = file.as_posix()
    kinds = {"alone"} if name in ALONE_FILES else set()
    folders = {folder.as_posix() for folder in file.parents}
    if SERVED_FOLDERS & folders or name in SERVED_FILES or SERVED_FIXTURES & set(fixtures):
        kinds.add("served")
    return kinds
