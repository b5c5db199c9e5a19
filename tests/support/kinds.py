"""Which tests start servers or a browser, which take seconds of computing, and which must have the machine to themselves.

By folder, by file and by fixture, so that a new test is sorted without anybody thinking of it: `make check` and `make test` ask.
Of a file that holds units and more, a test says `@pytest.mark.long` itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

SERVED_FOLDERS = frozenset(
    {"browser", "cli/demo", "flows", "guarantees", "model", "scripts", "serving", "workers"}
)
"""Stories and guarantees: each runs a service, or programs of it."""

SERVED_FIXTURES = frozenset(
    {
        "postgres_server",
        "postgres_url",
        "migrated_postgres_url",
        "redis_program",
        "redis_server",
        "redis_sentinel",
        "redis_sentinel_url",
        "redis_url",
        "redis_cluster",
        "redis_cluster_url",
    }
)

SERVED_PARAMS = frozenset({"servers", "postgres", "postgresql"})
"""What a fixture is given that asks for one of these only then."""

SERVED_FILES = frozenset(
    {
        "bootstrap/test_launch_tls.py",
        "bootstrap/test_launch_token.py",
        "cli/lab/test_attack.py",
        "contracts/test_ephemeral.py",
        "lab/drill/test_running.py",
        "test_docs.py",
        "web/test_fuzz.py",
    }
)

ALONE_FILES = {
    "browser/test_gestures.py": "a head moves in real time",
    "browser/test_voice.py": "a row is spoken in real time",
    "guarantees/test_canaries.py": "waits for models that a worker loads with low priority",
    "guarantees/test_outages.py": "holds answers to a time-out",
    "guarantees/test_slow_clients.py": "measures waits amid slow clients",
    "guarantees/test_uniform_failure.py": "compares times of refusals",
    "serving/test_slow_clients.py": "measures waits amid slow clients",
}
"""Whatever runs beside these would be measured with them."""

LONG_FILES = {
    "caller/test_vectors.py": "programs in other languages",
    "cli/lab/test_whole.py": "a measurement on folders of people",
    "contracts/test_face_engine.py": "every network on real photographs",
    "deploy/test_alerts.py": "the rules of the alerts, by the program that reads them",
    "device/test_every_byte.py": "recorded answers, spoiled byte by byte",
    "device/test_uniform.py": "a thousand refusals of every kind, in turn",
    "face/test_default_service.py": "the shipped networks on real photographs",
    "face/test_degradations.py": "photographs spoiled in every way",
    "face/test_fingerprint.py": "copies of photographs, made in every way",
    "face/test_passive.py": "the shipped networks on clips",
    "face/test_phone_pictures.py": "pictures of the largest sensors",
    "lab/test_blur.py": "a measurement on folders of people",
    "lab/test_calibration_commands.py": "a measurement on folders of people",
    "lab/test_degradation_commands.py": "a measurement on folders of people",
    "lab/test_face_calibration.py": "a measurement on folders of people",
    "lab/test_face_commands.py": "a measurement on folders of people",
    "lab/test_pad_commands.py": "a measurement on folders of people",
    "lab/test_replay.py": "a measurement on folders of people",
    "lab/test_voice_commands.py": "a measurement on folders of people",
    "policy/test_agreement.py": "the engine and its reference on every cell",
    "policy/test_boxes.py": "boxes against every cell",
    "policy/test_diff.py": "differences against every cell",
    "policy/test_walk.py": "the walk against every cell",
    "storage/test_revision.py": "every migration, there and back",
    "voice/test_default_service.py": "the shipped networks on real voices",
    "voice/test_hostile.py": "recordings spoiled in two hundred ways, in a process with bounds",
    "voice/test_splices.py": "copies of recordings, made in every way",
    "voice/test_excerpts.py": "copies of recordings, made in every way",
    "voice/test_speech.py": "speech in every kind of noise",
    "web/test_liveness_gates.py": "the shipped networks on clips, over HTTP",
    "web/test_uniform_device.py": "refusals of every kind, in turn, by the work that they take",
}
"""Whole spaces, real people, real networks: seconds each, and no units."""


def second_run(kinds: set[str]) -> dict[str, Any]:
    """What pytest-rerunfailures is told of a test; empty for one that has a single run.

    Servers and browsers run in their own time beside the test: whatever failed runs once more, and the report names it, since
    a fault seen once in a hundred runs is a fault.
    """
    return {"reruns": 1} if kinds & {"served", "alone"} else {}


def kinds_of(file: PurePath, fixtures: Iterable[str]) -> set[str]:
    """Any of `served`, `long` and `alone`; `file` is relative to `tests/`, `fixtures` are their names and what they are given."""
    name, folders = file.as_posix(), {folder.as_posix() for folder in file.parents}
    served = (
        SERVED_FOLDERS & folders or name in SERVED_FILES or (SERVED_FIXTURES | SERVED_PARAMS) & set(fixtures)
    )
    kinds = {"served": served, "long": name in LONG_FILES, "alone": name in ALONE_FILES}
    return {kind for kind, holds in kinds.items() if holds}


def place_in_the_run(file: PurePath) -> int:
    """Files that run a service of their own begin, so that no worker ends with one while the other has nothing left."""
    if file.parts[0] in ("guarantees", "browser", "model"):
        return 0
    name, folders = file.as_posix(), {folder.as_posix() for folder in file.parents}
    return 1 if name in LONG_FILES or name in SERVED_FILES or SERVED_FOLDERS & folders else 2


if __name__ == "__main__":
    sys.stdout.write(" ".join(f"tests/{name}" for name in ALONE_FILES))
