"""Payments that go on while processes are killed: what was answered is remembered, and held against the service afterwards.

For the test that kills a few times and the drill that kills fifty times.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import pairwise
from typing import Any

import psutil

from tests.guarantees.people import Challenge, Person, Shop
from tests.support.live import PATIENCE_S, Answer, LiveService

KILLS = ("a web process", "every web process", "the supervisor", "everything")
MOST_TRIES = 10


@dataclass
class Payment:
    """What one payment was answered, as its backend remembers it."""

    asked: dict[str, Any]
    decide_key: str
    consume_key: str
    decided: Answer | None = None
    authenticated: bool = False
    consumed: Answer | None = None
    attempts_left: list[int] = field(default_factory=list)


class Payers:
    """Some people who pay again and again, each with a backend's thread of their own."""

    def __init__(self, live: LiveService, count: int = 4) -> None:
        self.live = live
        self.shop = Shop(live)
        self.payments: list[Payment] = []
        self.paid_twice = 0
        self.disturbed = 0
        self._count = count
        self._stop = threading.Event()

    @contextmanager
    def paying(self) -> Iterator[None]:
        """Payments for as long as the block lasts; at its end each begun one is brought to its own end."""
        with ThreadPoolExecutor(self._count) as threads:
            running = [threads.submit(self._pay_again_and_again) for _ in range(self._count)]
            try:
                yield
            finally:
                self._stop.set()
        for each in running:
            each.result()

    def _pay_again_and_again(self) -> None:
        while not self._stop.is_set():
            person = self._somebody()
            for _ in range(20):
                if self._stop.is_set() or person is None or not self._pay(person):
                    break

    def _somebody(self) -> Person | None:
        try:
            return Person(self.shop)
        except (OSError, HTTPException, AssertionError):
            # An enrollment that a kill ended begins again with somebody else.
            self.disturbed += 1
            time.sleep(0.2)
            return None

    def _pay(self, person: Person) -> bool:
        """One payment from decision to consumption; False when this person should pay no more."""
        payment = Payment(self.shop.payment(person), secrets.token_hex(8), secrets.token_hex(8))
        self.payments.append(payment)
        payment.decided = self._told(lambda: self.shop.decide(payment.asked, payment.decide_key))
        if payment.decided.json["status"] != "challenge_required":
            return False
        receipt = self._prove(payment, person)
        if receipt is None:
            return False
        payment.consumed = self._told(lambda: self.shop.consume(receipt, payment.asked, payment.consume_key))
        self.paid_twice += self._told(lambda: self.shop.consume(receipt, payment.asked)).status == 200
        return payment.consumed.status == 200

    def _prove(self, payment: Payment, person: Person) -> str | None:
        """The receipt, after as many tries as the kills make it take."""
        assert payment.decided is not None
        challenge = Challenge(self.live, payment.decided.json)
        if random.random() < 0.25:
            self._give(payment, challenge, person.wrong_code)
        for _ in range(MOST_TRIES):
            decision = self._told(lambda: self.shop.get(f"/v1/decisions/{challenge.decision_id}")).json
            if decision["status"] != "challenge_required":
                return decision["receipt"] if decision["status"] == "authenticated" else None
            self._give(payment, challenge, lambda: self.shop.issued_code(challenge.decision_id))
        return None

    def _give(self, payment: Payment, challenge: Challenge, code: Callable[[], str]) -> None:
        try:
            answer = challenge.try_code(code())
        except (OSError, HTTPException, AssertionError):
            self.disturbed += 1
            time.sleep(0.1)
            return
        if answer.status == 200:
            payment.authenticated = True
        elif answer.slug == "challenge-failed":
            payment.attempts_left.append(answer.json["attempts_remaining"])

    def _told(self, ask: Callable[[], Answer]) -> Answer:
        """The answer, however often one has to ask; a 503 is none."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                answer = ask()
            except (OSError, HTTPException):
                self.disturbed += 1
            else:
                if answer.status != 503:
                    return answer
                self.disturbed += 1
            time.sleep(0.05)
        raise TimeoutError("the service did not come back")


def kill(live: LiveService, what: str) -> None:
    """SIGKILL, and wait until the service answers again: by itself, or started again where nobody is left to do it."""
    web = live.web_processes()
    if what == "a web process":
        random.choice(web).kill()
    elif what == "every web process":
        for process in web:
            with suppress(psutil.NoSuchProcess):  # Whoever sees its neighbour die may end by itself.
                process.kill()
    elif what == "the supervisor":
        family = psutil.Process(live.pid).children()
        psutil.Process(live.pid).kill()
        psutil.wait_procs(family, timeout=60)
        live.kill()
        live.start()
    else:
        live.kill()
        live.start()
    deadline = time.monotonic() + live.patience_s
    while not live.answers():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the service did not come back after {what} was killed")
        time.sleep(0.05)


@dataclass(frozen=True)
class Verdict:
    """What the storm did to what had been promised; all but the first four must be zero, and no log line unforeseen.

    `weaker` are payments that were let through for less than the code that is due.
    """

    payments: int
    consumed: int
    disturbed: int
    audit_entries: int
    answers_lost: int
    attempts_lost: int
    paid_twice: int
    lines_doubled: int
    weaker: int
    audit_faults: int
    unforeseen: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        promises = (self.answers_lost, self.attempts_lost, self.paid_twice, self.lines_doubled, self.weaker)
        return not any((*promises, self.audit_faults, self.unforeseen))


def judge(payers: Payers, patience_s: float = PATIENCE_S) -> Verdict:
    """Ask again about everything that was answered, and read the audit log, which may take so long."""
    shop, decided = payers.shop, [each for each in payers.payments if each.decided is not None]
    report = payers.live.audit_report(patience_s)
    ids = [payment.decided.json["id"] for payment in decided if payment.decided is not None]
    lines = [(line["object"], line["action"], line["result"]) for line in shop.audit_lines(ids)]
    once = [line for line in lines if line[1] != "decision.complete" or line[2] == "authenticated"]
    once = [line for line in once if line[1] != "decision.issue-code"]
    return Verdict(
        payments=len(decided),
        consumed=sum(each.consumed is not None and each.consumed.status == 200 for each in decided),
        disturbed=payers.disturbed,
        audit_entries=report["links"],
        answers_lost=sum(_is_lost(shop, payment) for payment in decided),
        attempts_lost=sum(not _counts_down(payment.attempts_left) for payment in decided),
        paid_twice=payers.paid_twice,
        lines_doubled=len(once) - len(set(once)),
        weaker=sum(_is_weaker(each) for each in decided),
        audit_faults=len(report["findings"]),
        unforeseen=tuple(_unforeseen(payers.live)),
    )


def _unforeseen(live: LiveService) -> Iterator[str]:
    """What the service's log says of failures that nobody thought of."""
    for line in live.log.read_text().splitlines():
        if "unforeseen" in line or "Traceback" in line:
            yield line.partition(" (request")[0]


def _is_lost(shop: Shop, payment: Payment) -> bool:
    """Whether the service says something else now than it said then."""
    assert payment.decided is not None
    if shop.decide(payment.asked, payment.decide_key).content != payment.decided.content:
        return True
    found = shop.decision(payment.decided.json["id"])
    if payment.authenticated and found["status"] != "authenticated":
        return True
    if payment.consumed is None or payment.consumed.status != 200:
        return False
    again = shop.consume(found["receipt"], payment.asked, payment.consume_key)
    return again.content != payment.consumed.content or "idempotent-replayed" not in again.headers


def _is_weaker(payment: Payment) -> bool:
    assert payment.decided is not None
    decision = payment.decided.json
    return decision["status"] in ("approved", "exempted") or decision["level"] == "none"


def _counts_down(left: list[int]) -> bool:
    return all(later < earlier for earlier, later in pairwise(left))
