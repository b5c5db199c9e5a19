"""A capture that the default engines took for the living owner is sent once more, byte by byte, wherever a face is asked for.

Whoever has it is lucky in everything else: the very same gestures are asked, after the same pauses.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from authsvc.face import chain
from authsvc.face.capture import Gesture
from authsvc.lab.drill.people import Asked, Opened, Person
from authsvc.lab.drill.scene import expect
from tests.face.animating import Animator, Kind, makes_gestures
from tests.flows.still import Attacked, Engines, asked_for_a_face, attack, people

pytestmark = pytest.mark.long

ASKED = (Gesture.LEFT, Gesture.UP)
SEED = 7
"""Of the attacker's camera: the same seed makes the same bytes."""


@pytest.fixture(scope="module")
def engines(model_dir: Path) -> Engines:
    return Engines(model_dir)


@pytest.fixture(scope="module")
def somebody(model_dir: Path, faces_dir: Path) -> tuple[list[bytes], Any]:
    """The photographs of somebody's enrollment, and another one of which gestures were made."""
    animator = Animator.of(Kind.GENERIC, model_dir)
    [(_, enrolled, photograph)] = islice(people(faces_dir, animator), 1)
    return enrolled, animator.prepare(photograph, ASKED)


@pytest.fixture
def lucky(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "drawn", lambda *_: ASKED)
    monkeypatch.setattr(chain, "_pause", lambda: 400)


@pytest.fixture(params=["embedded", "servers"])
def attacked(
    request: pytest.FixtureRequest, tmp_path: Path, engines: Engines, lucky: None
) -> Iterator[Attacked]:
    """Where a face alone counts from every phone."""
    changes = {}
    if request.param == "servers":
        changes = {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    made = Attacked(tmp_path, engines, anywhere=True, **changes)
    yield made
    made.close()


def test_the_same_good_bytes_count_once(
    attacked: Attacked, engines: Engines, somebody: tuple[list[bytes], Any]
) -> None:
    photographs, face = somebody
    owner = attacked.enroll(photographs)
    codes = list(owner.recovery_codes)

    def shown(opened: Opened, step: str = "face") -> bool:
        """Whether the engines took all of it for a living person's."""
        engines.judged.clear()
        with attacked.clock.held() as pace:
            makes_gestures(opened, face, SEED, pace, step)
        return engines.took_it_for_alive

    # Two payments that are open at once.
    both = [asked_for_a_face(owner), asked_for_a_face(owner)]
    assert [shown(each) for each in both] == [True, True]
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda each: each.complete().status, both))
    assert sorted(answers) == [200, 401]
    # A third one, once it counted.
    third = asked_for_a_face(owner)
    shown(third)
    assert third.complete().status == 401
    # As the second proof of a recovery, and as the face that is enrolled in it.
    recovery = _recovering(owner, codes[0])
    shown(recovery, "proof_face")
    assert recovery.send("GET", "").json["recovery"]["proven"] is False
    vouched = _recovering(owner, codes[0], operators=["ann", "bob"])
    expect(vouched.begin("consent"), 200)
    expect(vouched.put("consent", {"modalities": ["face"]}), 200)
    shown(vouched)
    assert not vouched.complete().is_good


def test_in_a_second_account_of_the_same_person_they_count_no_more(
    attacked: Attacked, engines: Engines, somebody: tuple[list[bytes], Any]
) -> None:
    photographs, face = somebody
    accounts = [attacked.enroll(photographs) for _ in range(3)]

    def shown(owner: Person) -> Asked:
        decision = asked_for_a_face(owner)
        engines.judged.clear()
        with attacked.clock.held() as pace:
            makes_gestures(decision, face, SEED, pace)
        assert engines.took_it_for_alive
        return decision

    at_once = [shown(each) for each in accounts]
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda each: each.complete().status, at_once))
    assert sorted(answers) == [200, 401, 401]
    # In one that has never seen them, when all of it is over.
    assert shown(attacked.enroll(photographs)).complete().status == 401


def _recovering(owner: Person, code: str, **grounds: object) -> Opened:
    ticket = expect(owner.ticket(recovery=True, **grounds), 201)
    opened = Opened(owner.service, f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}")
    expect(opened.begin("recovery"), 200)
    expect(opened.put("recovery", {"code": code}), 200)
    return opened


def test_from_a_new_phone_it_releases_nothing(
    tmp_path: Path, engines: Engines, somebody: tuple[list[bytes], Any], lucky: None
) -> None:
    """By the policy that is shipped a code is asked beside it, whatever liveness takes it for."""
    photographs, face = somebody
    with closing(Attacked(tmp_path, engines)) as shipped:
        released, answer = attack(shipped, shipped.enroll(photographs), face, SEED)
    assert engines.took_it_for_alive
    assert (released, answer) == (False, "200 received, 401 challenge-failed")
