"""Whatever was wrong, a failure looks and lasts the same (requirement 9): nobody learns from it what to try next."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from authsvc.domain.ids import new_id
from tests.guarantees.people import FACE_AMOUNT, Challenge, Person, Shop
from tests.support.live import Answer, LiveService

GAP_S = 0.005
PEOPLE = 40
"""Each fails five times unlocked and five times locked: two hundred of each kind."""

_VARYING = {"date", "x-request-id"}


def seen(answer: Answer) -> tuple[int, bytes, frozenset[str]]:
    """All that a caller sees of an answer, but what differs between any two: its moment and its number."""
    headers = {f"{name}: {value}" for name, value in answer.headers.items() if name not in _VARYING}
    return answer.status, answer.content, frozenset(headers)


@pytest.fixture
def people_shop(embedded_service: LiveService) -> Shop:
    return Shop(embedded_service)


def test_a_wrong_code_a_used_one_a_late_one_and_a_lock_look_the_same(shop: Shop) -> None:
    person = Person(shop)
    opened = [shop.challenge(shop.payment(person)) for _ in range(6)]
    used = person.code()
    assert opened[0].try_code(used).status == 200
    foreign = shop.issued_code(shop.challenge(shop.payment(Person(shop))).decision_id)
    shop.issued_code(opened[4].decision_id)
    failures = {
        "wrong": opened[1].try_code(person.wrong_code()),
        "used": opened[2].try_code(used),
        "late": opened[3].try_code(person.code(periods_ago=20)),
        "for another payment": opened[4].try_code(foreign),
    }
    _lock(shop, person)
    failures["locked"] = opened[5].try_code(person.wrong_code())
    assert {answer.status for answer in failures.values()} == {401}
    assert len({seen(answer) for answer in failures.values()}) == 1


def test_a_wrong_face_looks_like_a_wrong_code(people_shop: Shop, faces_dir: Path) -> None:
    people_shop.live.await_face()
    pictures = [(faces_dir / "person_a" / f"{number}.jpg").read_bytes() for number in (2, 5, 6)]
    stranger = (faces_dir / "biden" / "2.jpg").read_bytes()
    person = Person(people_shop, pictures)
    by_code = people_shop.challenge(people_shop.payment(person))
    by_face = people_shop.challenge(people_shop.payment(person, FACE_AMOUNT))
    taken = by_face.show_face(stranger)
    assert (taken.status, taken.json) == (200, {"state": "received"})
    assert seen(by_face.complete()) == seen(by_code.try_code(person.wrong_code()))


def test_a_lock_takes_as_long_as_a_wrong_code(people_shop: Shop) -> None:
    wrong: list[float] = []
    locked: list[float] = []
    for _ in range(PEOPLE):
        person = Person(people_shop)
        code = person.wrong_code()
        before, after = ([people_shop.challenge(people_shop.payment(person)) for _ in range(2)] for _ in "ab")
        wrong += _waits(before, code)
        # The sixth failure is refused unjudged; only from here on both halves do the same five times.
        before[1].try_code(code)
        locked += _waits(after, code)
    assert (len(wrong), len(locked)) == (5 * PEOPLE, 5 * PEOPLE)
    assert abs(median(wrong) - median(locked)) < GAP_S


def test_an_unknown_challenge_takes_as_long_as_a_wrong_token(people_shop: Shop) -> None:
    real = people_shop.challenge(people_shop.payment(Person(people_shop)))
    place = real.path.rpartition("/")[0]

    def with_a_wrong_token() -> Answer:
        return people_shop.live.ask("GET", real.path, {"Authorization": "Challenge ct_wrong"})

    def that_is_unknown() -> Answer:
        path = f"{place}/{new_id('chl')}"
        return people_shop.live.ask("GET", path, {"Authorization": "Challenge ct_wrong"})

    assert seen(with_a_wrong_token()) == seen(that_is_unknown())
    _assert_alike(with_a_wrong_token, that_is_unknown, 300)


def test_an_unknown_key_takes_as_long_as_a_wrong_secret(people_shop: Shop) -> None:
    key_id = people_shop.live.api_key.split("_")[1]

    def ask(key: str) -> Answer:
        return people_shop.live.ask("GET", "/v1/decisions/dec_x", {"Authorization": f"Bearer {key}"})

    def with_a_wrong_secret() -> Answer:
        return ask(f"ak_{key_id}_{secrets.token_urlsafe(32)}")

    def that_is_unknown() -> Answer:
        return ask(f"ak_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}")

    assert seen(with_a_wrong_secret()) == seen(that_is_unknown())
    _assert_alike(with_a_wrong_secret, that_is_unknown, 300)


def _assert_alike(one: Callable[[], Answer], other: Callable[[], Answer], count: int) -> None:
    """In turn, so that whatever else the machine does disturbs both."""
    pairs = [(one().seconds, other().seconds) for _ in range(count)]
    ones, others = zip(*pairs, strict=True)
    assert abs(median(ones) - median(others)) < GAP_S


def _waits(challenges: list[Challenge], code: str) -> list[float]:
    """Seconds of five completions: all three attempts of the first challenge, two of the second."""
    first, second = challenges
    return [challenge.try_code(code).seconds for challenge in (first, first, first, second, second)]


def _lock(shop: Shop, person: Person) -> None:
    code = person.wrong_code()
    for challenge in [shop.challenge(shop.payment(person)) for _ in range(5)]:
        challenge.try_code(code)
