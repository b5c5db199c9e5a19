"""A policy is activated and taken back while people pay: no decision mixes two versions, none fails, every worker follows."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from authsvc.bootstrap.running import Wired
from authsvc.bootstrap.wiring import wire
from authsvc.config import Settings
from authsvc.domain.decision import Decision
from authsvc.errors import PolicyConflict
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.life import Publication
from authsvc.policy_life.service import PolicyService
from tests.guarantees.people import Person, Shop, race
from tests.support.live import Answer, LiveService
from tests.support.policies import ANN, BOB, numbered, stricter

logger = logging.getLogger(__name__)

AMOUNTS = (2_500, 90_000, 125_000, 600_000)
"""Below and above what the two versions disagree about, with and without an exemption."""

SWITCHED_WITHIN_S = 1.0
"""No matter how busy the machine is: a worker asks the store itself where it has not looked for half a second."""


@dataclass(frozen=True, slots=True)
class Paid:
    """One request, by the clock of the payers: when it was sent, and what came."""

    sent_at: float
    answer: Answer


@dataclass
class Load:
    """Some people who pay all the time; every answer is kept."""

    shop: Shop
    people: list[Person]
    paid: list[Paid] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        with ThreadPoolExecutor(len(self.people)) as threads:
            running = [threads.submit(self._pay, person, stop) for person in self.people]
            try:
                yield
            finally:
                stop.set()
        for each in running:
            each.result()

    def _pay(self, person: Person, stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            payment = self.shop.payment(person, AMOUNTS[number % len(AMOUNTS)])
            sent_at = time.monotonic()
            self.paid.append(Paid(sent_at, self.shop.decide(payment)))
            number += 1


@dataclass(frozen=True, slots=True)
class Switch:
    """A publication as seen from outside: it began before `asked_at` and stood from `stood_at` on."""

    publication: Publication
    asked_at: float
    stood_at: float


@pytest.fixture
def beside(service: LiveService) -> Iterator[Wired]:
    """One more process over the same stores, through which operators act."""
    wired = wire(Settings(data_dir=service.data_dir, database_url=service.database_url))
    yield wired
    wired.close()


def test_an_activation_during_load_mixes_nothing_and_reaches_every_worker_within_a_second(
    shop: Shop, beside: Wired
) -> None:
    policies = beside.services.policies
    first = policies.active(BOB)
    second = _approved(policies, stricter(_free_number(policies)))
    load = Load(shop, [Person(shop) for _ in range(6)])
    with load.running():
        time.sleep(1.5)
        switches = [_switch(lambda: policies.activate(BOB, second, first.publication.etag))]
        _await_every_process(beside, load, switches[0])
        switches.append(_switch(lambda: policies.roll_back(BOB, switches[0].publication.etag)))
        _await_every_process(beside, load, switches[1])
    assert {paid.answer.status for paid in load.paid} == {201}
    assert not _mixed(beside, load.paid)
    digests = [first.publication.digest, *(switch.publication.digest for switch in switches)]
    late = [_lateness(load.paid, digests[number], switch) for number, switch in enumerate(switches)]
    assert max(late) <= SWITCHED_WITHIN_S
    logger.info("%d decisions, the last by the old version %.3f s late", len(load.paid), max(late))


def test_of_two_activations_at_the_same_moment_one_wins(shop: Shop, beside: Wired) -> None:
    policies = beside.services.policies
    seen = policies.active(BOB).publication.etag
    free = _free_number(policies)
    candidates = [_approved(policies, numbered(number)) for number in range(free, free + 8)]

    def activate(number: int) -> Publication | PolicyConflict:
        try:
            return policies.activate(BOB, candidates[number], seen)
        except PolicyConflict as refused:
            return refused

    results = race(len(candidates), activate)
    won = [result for result in results if isinstance(result, Publication)]
    assert len(won) == 1
    assert policies.active(BOB).publication.etag == won[0].etag
    policies.roll_back(BOB, won[0].etag)


def _approved(policies: PolicyService, text: str) -> str:
    version = policies.draft(ANN, text)
    policies.validate(ANN, version.id)
    policies.analyze(ANN, version.id)
    return policies.approve(BOB, version.id).id


def _free_number(policies: PolicyService) -> int:
    """The services of this folder are shared, and so are the numbers of their policies."""
    return max(version.number or 0 for version in policies.versions(ANN)) + 1


def _switch(act: Any) -> Switch:
    asked_at = time.monotonic()
    publication: Publication = act()
    return Switch(publication, asked_at, time.monotonic())


def _mixed(beside: Wired, paid: list[Paid]) -> list[str]:
    """The decisions of which anything is not what the one policy that they name says of their own inputs."""
    policies: dict[str, Policy] = {}
    found = []
    for each in paid:
        decision = _decision(beside, each.answer.json["id"])
        if decision.policy.digest not in policies:
            policies[decision.policy.digest] = _document(beside, decision.policy.digest)
        if not _is_of_one_piece(decision, policies[decision.policy.digest]):
            found.append(decision.id)
    assert len(policies) == 2
    return found


def _decision(beside: Wired, decision_id: str) -> Decision:
    decision = beside.store.ledger.read(lambda tx: tx.decisions.find(decision_id))
    assert decision is not None
    return decision


def _document(beside: Wired, digest: str) -> Policy:
    text = beside.store.ledger.read(lambda tx: tx.policies.document(digest))
    assert text is not None
    return loading.from_json(text)


def _is_of_one_piece(decision: Decision, policy: Policy) -> bool:
    outcome = policy.evaluate(Inputs.from_snapshot(decision.inputs))
    return (
        (decision.policy.id, decision.policy.version) == (policy.id, policy.version)
        and decision.level == outcome.level.value
        and decision.exemption == outcome.exemption
        and decision.fired == outcome.fired
        and list(decision.reasons) == [reason.to_json() for reason in outcome.reasons]
    )


def _lateness(paid: list[Paid], old: str, switch: Switch) -> float:
    """How long after a publication stood a request was sent that the version before it still decided."""
    after = [each for each in paid if switch.stood_at <= each.sent_at <= switch.stood_at + 2]
    late = [each.sent_at - switch.stood_at for each in after if each.answer.json["policy"]["digest"] == old]
    return max(late, default=0.0)


def _await_every_process(beside: Wired, load: Load, switch: Switch) -> None:
    """Return when each of the four has decided by a publication, and long enough after it to be seen late."""
    deadline = time.monotonic() + 60
    while time.monotonic() < switch.stood_at + 2.5 or len(_writers(beside, list(load.paid), switch)) < 4:
        assert time.monotonic() < deadline, "a process has not decided by it"
        time.sleep(0.25)


def _writers(beside: Wired, paid: list[Paid], switch: Switch) -> set[str]:
    """The processes that decided by a publication, told by the audit chains that they write."""
    ours = {
        each.answer.json["id"]
        for each in paid
        if each.answer.json["policy"]["digest"] == switch.publication.digest
        and each.sent_at >= switch.asked_at
    }
    links = beside.store.ledger.read(lambda tx: [link for of in ours for link in tx.audit.links_of(of)])
    return {link.chain for link in links}
