"""A capture that was changed a little is the same capture: of two that wait side by side one counts, with all of its parts."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.words import Liveness
from authsvc.errors import InvalidRequest
from authsvc.factor import Factor, Submission
from authsvc.services.enrollments import TicketWanted
from authsvc.subject import Subject
from tests.flows.recovering import Visit
from tests.flows.test_liveness import Watched, risky
from tests.support.service import Bench, Phone, Said, challenge_of, embedded, said

Shown = Mapping[str, Any]
PAYER = Subject("shop", "u_1")


def looks(frames: Sequence[bytes]) -> tuple[str, ...]:
    """Each frame's look, as the room would make it: `ann 7~3` looks as `ann 7` does, changed a little."""
    return tuple(f"f:{_look(frame.decode())}" for frame in frames)


def _look(frame: str) -> str:
    picture, _, change = frame.partition("~")
    chance, noise = random.Random(picture), random.Random(frame)
    values = [chance.randrange(-100, 100) for _ in range(24 * 24)]
    if change.startswith("mirrored"):
        values = [value for at in range(0, len(values), 24) for value in values[at : at + 24][::-1]]
    changed = [value + (noise.randrange(-8, 9) if change else 0) for value in values]
    return base64.b64encode(bytes(value % 256 for value in changed)).decode()


@pytest.fixture(params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    changes = {}
    if request.param == "servers":
        changes = {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    made = Watched(embedded(tmp_path / "data", **{"unsafe_no_pad": False, **changes}))
    made.faces.gates, made.faces.liveness = ("active",), Liveness.BONA_FIDE
    made.services.public.readyz()
    made.owner = made.enroll(face="ann")
    made.device = made.owner.device
    made.faces.seen_as = looks
    yield made
    made.close()


def answers(bench: Watched, decision: Said, change: str = "", *, first: int = 0) -> None:
    """Four parts of two pictures each, numbered from `first` on."""
    opened, number = challenge_of(decision), first
    shown = bench.services.challenges.begin_step(*opened, Factor.FACE)
    while shown.get("state") != "received":
        pictures = (f"ann {number}{change}", f"ann {number + 1}{change}")
        shown = bench.services.challenges.take_step(*opened, Factor.FACE, bench.part(shown, *pictures))
        number += 2


@pytest.mark.parametrize("change", ["", "~brighter", "~mirrored"])
def test_nearly_the_same_capture_in_two_challenges_counts_in_one(bench: Watched, change: str) -> None:
    one, two, other = risky(bench), risky(bench), risky(bench)
    answers(bench, one)
    answers(bench, two, change)
    answers(bench, other, first=50)
    assert [bench.complete(each).authenticated for each in (one, two, other)] == [True, False, True]
    alarms = [event["data"]["alarm"] for event in bench.events() if event["type"] == "attack:suspected"]
    assert alarms == ["presentation"]


def test_what_was_remembered_between_two_parts_is_compared_as_well(bench: Watched) -> None:
    """A worker saw the first part of the second before the first one counted, and its last one afterwards."""
    one, two = risky(bench), risky(bench)
    answers(bench, one)
    opened = challenge_of(two)
    shown = bench.services.challenges.begin_step(*opened, Factor.FACE)
    pictures = [f"ann {number}~copy" for number in range(8)]
    shown = bench.services.challenges.take_step(*opened, Factor.FACE, bench.part(shown, *pictures[:2]))
    assert bench.complete(one).authenticated
    for at in range(2, 8, 2):
        now = bench.part(shown, *pictures[at : at + 2])
        shown = bench.services.challenges.take_step(*opened, Factor.FACE, now)
    assert not bench.complete(two).authenticated


def used(bench: Bench, user: str) -> set[str]:
    """Digests of captures that are used up: in an account, and for all accounts together under no name."""
    query = "SELECT digest FROM spent WHERE kind = 'capture' AND user_id = :user"
    rows = bench.wired.store.ledger.read(lambda tx: tx.spent._connection.all(query, {"user": user}))  # type: ignore[attr-defined]
    return {bytes(digest).hex() for (digest,) in rows}


@pytest.mark.parametrize("user", [PAYER.user, ""])
def test_every_part_is_used_up(bench: Watched, user: str) -> None:
    before = used(bench, user)
    decision = risky(bench)
    answers(bench, decision)
    assert bench.complete(decision).authenticated
    assert len(used(bench, user) - before) == 4


def test_one_part_of_another_capture_is_enough_to_be_a_copy(bench: Watched) -> None:
    """Here nothing is known again by its looks: the files say it."""
    bench.faces.seen_as = lambda frames: ()
    one, two = risky(bench), risky(bench)
    answers(bench, one)
    opened, number = challenge_of(two), 0
    shown = bench.services.challenges.begin_step(*opened, Factor.FACE)
    while shown.get("state") != "received":
        pictures = ("ann 0", "ann 1") if number == 0 else (f"ann {number + 60}", f"ann {number + 61}")
        shown = bench.services.challenges.take_step(*opened, Factor.FACE, bench.part(shown, *pictures))
        number += 2
    assert [bench.complete(each).authenticated for each in (one, two)] == [True, False]


def enrolling(bench: Watched, change: str, *, first: int = 0) -> Visit:
    """Another enrollment of the owner's face, proved by what they have."""
    bench.faces.seen_as = looks
    proof = bench.decide(bench.payment(0, type="enrollment"), bench.device, risk=0)
    answers(bench, proof, first=200)
    phone: Phone = bench.owner
    bench.answer_otp(proof, phone.code(bench.clock))
    assert bench.complete(proof).authenticated
    wanted = TicketWanted("u_1", "en", str(bench.again(proof)["receipt"]))
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), wanted))
    visit = Visit(bench, str(ticket["id"]), str(ticket["token"]))
    visit.begin("consent")
    visit.answer("consent", Submission({"modalities": ["face"]}))
    shown, number = visit.begin("face"), first
    while shown.get("state") != "received":
        pictures = [f"ann {number + each}{change}" for each in range(3)]
        shown = visit.answer("face", bench.part(shown, *pictures))
        number += 3
    return visit


def test_a_capture_that_paid_enrolls_nobody_though_it_was_changed(bench: Watched) -> None:
    visit = enrolling(bench, "~warmer")
    decision = risky(bench)
    answers(bench, decision)
    assert bench.complete(decision).authenticated
    with pytest.raises(InvalidRequest, match="used before"):
        visit.complete()


def test_a_capture_that_enrolls_is_compared_with_those_of_before_by_the_worker(bench: Watched) -> None:
    decision = risky(bench)
    answers(bench, decision)
    assert bench.complete(decision).authenticated
    watched = bench.faces.observe
    contexts = []

    def observe(frames: Sequence[bytes], context: Any, model: str | None = None) -> Any:
        contexts.append(context)
        return watched(frames, context, model)

    bench.faces.observe = observe  # type: ignore[method-assign]
    assert enrolling(bench, "", first=300).complete()["status"] == "completed"
    enrolled = [context for context in contexts if context.enrolling]
    assert enrolled
    assert all(set(looks([b"ann 0"])) <= set(context.earlier) for context in enrolled)
