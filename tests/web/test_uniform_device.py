"""Whatever is wrong with a device's answer, the payer sees and waits for the same (requirement 9).

`UNIFORM_FAILURES=1000 pytest -s tests/web/test_uniform_device.py` runs a thousand of each kind and says what it measured.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from itertools import count
from statistics import median
from typing import Any, NamedTuple

import pytest
from werkzeug.test import TestResponse

from authsvc.subject import Subject
from tests.support.authenticator import Authenticator, Request
from tests.web.conftest import Shop
from tests.web.people import Registration, asked, decide
from tests.web.support import BASE_URL

FAILURES = int(os.environ.get("UNIFORM_FAILURES", "12"))
ATTEMPTS = 3
"""Of one challenge; its payer is left alone afterwards, before a lock would change what is measured."""

GAP_S = 0.005

ENOUGH = 300
"""Below that many a median says nothing that a busy machine could not have done."""

_numbers = count()
_VARYING = {"date", "x-request-id"}


class Took(NamedTuple):
    """Seconds: as the payer waits, and as this process worked."""

    wait_s: float
    cpu_s: float


class Payer:
    """Somebody with a device key and nothing else, who is asked for it."""

    def __init__(self, shop: Shop) -> None:
        self._client = shop.api.client
        self.subject = Subject("shop", f"u_uniform_{next(_numbers)}")
        made = Registration(shop, self.subject.user)
        self.device = made.hand_in().get_json()["device"]
        made.complete()
        self.phone = made.phone
        body = asked(self.subject.user, device=self.device, risk={"score": 5})
        body["transaction"]["amount_minor"] = 125_000
        challenge = decide(shop, body).get_json()["challenge"]
        self._headers = {"Authorization": f"Challenge {challenge['token']}"}
        self._path = f"/v1/challenges/{challenge['id']}"

    def answer(self, spoil: Callable[[Request], object]) -> tuple[Took, tuple[TestResponse, TestResponse]]:
        """What it took from the evidence to the verdict, and both answers."""
        step = f"{self._path}/steps/device_uv"
        begun: Any = self._client.post(f"{step}/begin", headers=self._headers).get_json()
        request = self.phone.get(begun["publicKey"])
        spoil(request)
        credential = request.to_json()
        started, worked = time.perf_counter(), time.process_time()
        received = self._client.put(step, json=credential, headers=self._headers)
        verdict = self._client.post(f"{self._path}/complete", headers=self._headers)
        return Took(time.perf_counter() - started, time.process_time() - worked), (received, verdict)


def nothing(payer: Payer, shop: Shop) -> Callable[[Request], object]:
    return lambda request: None


def unknown_credential(payer: Payer, shop: Shop) -> Callable[[Request], object]:
    return lambda request: setattr(request, "credential_id", b"n" * 32)


def bad_signature(payer: Payer, shop: Shop) -> Callable[[Request], object]:
    return lambda request: setattr(request, "key", Authenticator(BASE_URL).key)


def without_any_key(payer: Payer, shop: Shop) -> Callable[[Request], object]:
    """As good as an unknown user: nothing of theirs can be used, and a decoy is offered."""
    [record] = shop.wired.store.ledger.read(lambda tx: tx.credentials.live(payer.subject))
    shop.wired.store.ledger.transact(lambda tx: tx.credentials.suspend(payer.subject, record.id))
    return nothing(payer, shop)


KINDS = (unknown_credential, bad_signature, without_any_key)


def seen(answers: tuple[TestResponse, TestResponse]) -> object:
    """All that a payer sees, but what differs between any two answers."""
    return [
        (
            answer.status_code,
            answer.data,
            {name: value for name, value in answer.headers if name.lower() not in _VARYING},
        )
        for answer in answers
    ]


@pytest.mark.timeout(1800)
def test_failures_of_a_device_look_and_last_the_same(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    took: dict[str, list[Took]] = {kind.__name__: [] for kind in KINDS}
    for _ in range(-(-FAILURES // ATTEMPTS)):
        looks = []
        for kind in KINDS:
            payer = Payer(shop)
            spoil = kind(payer, shop)
            answered = [payer.answer(spoil) for _ in range(ATTEMPTS)]
            took[kind.__name__] += [seconds for seconds, _ in answered]
            looks.append([seen(answers) for _, answers in answered])
        assert looks[0] == looks[1] == looks[2]
        assert [answers[1][0] for answers in looks[0]] == [401, 401, 401]  # type: ignore[index]  # As `seen` lists them.
    worked = [median(each.cpu_s for each in found) for found in took.values()]
    with capsys.disabled():
        sys.stdout.write(f"\n{_told(took)}\n")
    if FAILURES >= ENOUGH:
        # The work is compared and not the wait: what a busy machine adds to a wait is not the service's.
        assert max(worked) - min(worked) < GAP_S


def _told(took: dict[str, list[Took]]) -> str:
    return "\n".join(
        f"{name}: n {len(found)}, median wait {1000 * median(each.wait_s for each in found):.2f} ms, "
        f"median CPU {1000 * median(each.cpu_s for each in found):.2f} ms"
        for name, found in took.items()
    )


def test_a_right_answer_is_told_apart(shop: Shop) -> None:
    payer = Payer(shop)
    _, (received, verdict) = payer.answer(nothing(payer, shop))
    assert (received.status_code, verdict.status_code) == (200, 200)
