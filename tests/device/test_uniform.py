"""Whatever is wrong with an assertion, it looks and lasts alike (requirement 9: medians less than 5 ms apart over 1 000 each)."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from authsvc.factor import Received
from tests.device.scene import ALICE, NOW, ORIGIN, Scene, step
from tests.support.authenticator import Authenticator, Request

STEP = step()
TIMES = 1000
APART = 0.005


def timed(scene: Scene, spoil: Callable[[Request], object]) -> tuple[float, str]:
    """What one answer takes from the submission to the verdict (in seconds), and the verdict."""
    kept, shown = scene.begin(STEP)
    request = scene.phone.get(shown["publicKey"])
    spoil(request)
    credential = request.to_json()
    started = time.perf_counter()
    received = scene.receive(STEP, kept, credential)
    verification = scene.verifier.settle(scene.tx, STEP, received.kept, NOW)
    took = time.perf_counter() - started
    assert isinstance(received, Received)
    return took, verification.reason


def test_refusals_take_as_long_as_each_other() -> None:
    other, suspended = Authenticator(ORIGIN).key, Scene()
    suspended.tx.credentials.suspend(ALICE, suspended.record.id)
    spoils: dict[str, tuple[Scene, Any]] = {
        "credential-not-offered": (Scene(), lambda request: setattr(request, "credential_id", b"n" * 32)),
        "signature": (Scene(), lambda request: setattr(request, "key", other)),
        "user-handle": (Scene(), lambda request: setattr(request, "handle", b"h" * 32)),
        "assertion accepted": (Scene(), lambda request: None),
        "suspended": (suspended, lambda request: None),
    }
    took: dict[str, list[float]] = {expected: [] for expected in spoils}
    # In turn, so that whatever else the machine does falls upon all of them alike.
    for _ in range(TIMES):
        for expected, (scene, spoil) in spoils.items():
            seconds, reason = timed(scene, spoil)
            took[expected].append(seconds)
            assert reason == expected or expected == "suspended"
    medians = {expected: median(found) for expected, found in took.items()}
    assert max(medians.values()) - min(medians.values()) < APART, medians
