"""However many guess, in parallel or on other workers, five are judged; a restart forgets none of them (requirement 8)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tests.guarantees.people import Challenge, Person, Shop, expect, race
from tests.support.live import LiveService

GUESSES = 100
FAILURES = 5


def test_of_a_hundred_parallel_wrong_guesses_five_are_judged(shop: Shop) -> None:
    person = Person(shop)
    challenges = _guessed_at(shop, person, GUESSES)
    answers = race(GUESSES, lambda number: challenges[number].complete())
    assert Counter(answer.status for answer in answers) == {401: GUESSES}
    assert Counter(_admissions(shop, challenges)) == {True: FAILURES, False: GUESSES - FAILURES}
    assert "any" in _locked(shop, person)


def test_a_crowd_on_one_challenge_gets_no_more_than_its_three_attempts(shop: Shop) -> None:
    person = Person(shop)
    challenge = shop.challenge(shop.payment(person))
    wrong = person.wrong_code()

    def guess(_: int) -> int:
        challenge.post("steps/otp/begin")
        challenge.put("otp", {"code": wrong})
        return challenge.complete().status

    assert set(race(30, guess)) <= {400, 401, 409, 429}
    judged = _admissions(shop, [challenge])
    assert len(judged) <= 3
    assert 200 not in {challenge.complete().status for _ in range(3)}


def test_while_locked_a_right_code_is_refused_by_every_worker(shop: Shop) -> None:
    person = Person(shop)
    later = [shop.challenge(shop.payment(person)) for _ in range(12)]
    _lock(shop, person)
    code = person.code()
    # Every request is a connection of its own, and a dozen of them reach more than one worker.
    answers = [challenge.try_code(code) for challenge in later]
    assert {answer.status for answer in answers} == {401}
    assert set(_admissions(shop, later)) == {False}


def test_a_locked_payer_is_offered_no_challenge(shop: Shop) -> None:
    person = Person(shop)
    _lock(shop, person)
    decision = expect(shop.decide(shop.payment(person)), 201)
    assert decision["status"] in ("denied", "not_possible")
    assert decision["receipt"] is None


def test_a_restart_keeps_the_lock_and_the_count(tmp_path: Path, model_dir: Path) -> None:
    with LiveService(tmp_path, model_dir, workers=2) as live:
        shop = Shop(live)
        locked, warned = Person(shop), Person(shop)
        opened = shop.challenge(shop.payment(locked))
        _lock(shop, locked)
        half = _guessed_at(shop, warned, FAILURES - 1)
        assert [challenge.complete().status for challenge in half] == [401] * 4
        until = _locked(shop, locked)
        live.kill()
        live.start()
        assert _locked(shop, locked) == until
        assert opened.try_code(locked.code()).status == 401
        assert _locked(shop, warned) == {}
        [fifth] = _guessed_at(shop, warned, 1)
        fifth.complete()
        assert "any" in _locked(shop, warned)


def _guessed_at(shop: Shop, person: Person, count: int) -> list[Challenge]:
    """Challenges with a wrong code handed in, each about to be judged."""
    wrong = person.wrong_code()
    challenges = [shop.challenge(shop.payment(person)) for _ in range(count)]
    for challenge in challenges:
        challenge.give_code(wrong)
    return challenges


def _lock(shop: Shop, person: Person) -> None:
    for challenge in _guessed_at(shop, person, FAILURES):
        challenge.complete()


def _locked(shop: Shop, person: Person) -> Any:
    return expect(shop.get(f"/v1/users/{person.user}/status"), 200)["locked_until"]


def _admissions(shop: Shop, challenges: list[Challenge]) -> list[bool]:
    """For every completion of these challenges, whether it was judged at all; the audit log knows."""
    lines = shop.audit_lines([challenge.decision_id for challenge in challenges])
    return [line["details"]["admitted"] for line in lines if line["action"] == "decision.complete"]
