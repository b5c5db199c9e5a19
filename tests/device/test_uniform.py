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


def measured(scene: Scene, spoil: Callable[[Request], object]) -> tuple[float, str]:
    """The median of what one answer takes from the submission to the verdict (in seconds), and the verdict."""
    took: list[float] = []
    reasons = set()
    for _ in range(TIMES):
        kept, shown = scene.begin(STEP)
        request = scene.phone.get(shown["publicKey"])
        spoil(request)
        credential = request.to_json()
        started = time.perf_counter()
        received = scene.receive(STEP, kept, credential)
        verification = scene.verifier.settle(scene.tx, STEP, received.kept, NOW)
        took.append(time.perf_counter() - started)
        assert isinstance(received, Received)
        reasons.add(verification.reason)
    (reason,) = reasons
    return median(took), reason


def test_refusals_take_as_long_as_each_other() -> None:
    other = Authenticator(ORIGIN).key
    spoils: dict[str, Any] = {
        "credential-not-offered": lambda request: setattr(request, "credential_id", b"n" * 32),
        "signature": lambda request: setattr(request, "key", other),
        "user-handle": lambda request: setattr(request, "handle", b"h" * 32),
        "assertion accepted": lambda request: None,
    }
    medians = {}
    for expected, spoil in spoils.items():
        medians[expected], reason = measured(Scene(), spoil)
        assert reason == expected
    suspended = Scene()
    suspended.tx.credentials.suspend(ALICE, suspended.record.id)
    medians["suspended"], _ = measured(suspended, lambda request: None)
    assert max(medians.values()) - min(medians.values()) < APART, medians
