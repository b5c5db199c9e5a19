"""What is new pays as much as docs/security-model.md says, by the policy that is shipped: over HTTP, on both stores."""

from __future__ import annotations

from itertools import count

import pytest

from authsvc.policy.loading import shipped_source
from tests.model.account import ALL, FACE, KEY, OTP, THIEVES, Factor, State
from tests.model.playing import Decision, Play
from tests.model.served import Here

PEOPLE = count()
OWNERS = State((Factor("owner"),) * 3, (0, 0, 0), (0, 0, 0), Factor("owner"))

policy = shipped_source().text

FACE_CODE, CODE, KEY_FACE = {"face", "otp"}, {"otp"}, {"face", "device_uv"}


def recovered(here: Here, enrolls: tuple[int, ...]) -> Play:
    """Somebody who got through a recovery and enrolls of their own, on a phone of their own."""
    play = Play(here, f"young_{next(PEOPLE)}", THIEVES[0])
    assert play.enrolls(play.ticket().json, play.owner, ALL)
    ticket = play.recovers(play.owner.codes[0], OTP, OWNERS)
    assert ticket is not None
    assert play.enrolls(ticket, play.thief, enrolls, device=True)
    return play


def sets(decision: Decision) -> list[set[str]]:
    return [set(each) for each in (decision["challenge"] or {"sets": ()})["sets"]]


def paying(play: Play, amount: int, *, phone: bool = True) -> list[set[str]]:
    return sets(play.asks(amount=amount, device=play.thief.device if phone else None))


@pytest.mark.parametrize(
    ("amount", "asked"), [(99_999, [CODE]), (100_000, [FACE_CODE]), (499_999, [FACE_CODE]), (500_000, [])]
)
def test_two_new_proofs_pay_below_5_000_from_a_registered_phone(
    here: Here, amount: int, asked: list[set[str]]
) -> None:
    """A new key pays nothing beside a face that is as new: else a new phone would prove itself."""
    assert paying(recovered(here, (OTP, FACE, KEY)), amount) == asked


@pytest.mark.parametrize("amount", [1, 499_999])
def test_from_any_other_phone_they_pay_nothing(here: Here, amount: int) -> None:
    assert paying(recovered(here, (OTP, FACE, KEY)), amount, phone=False) == []


def test_a_new_key_pays_beside_a_face_that_counts(here: Here) -> None:
    assert KEY_FACE in paying(recovered(here, (OTP, KEY)), 499_999)


def test_nothing_that_is_new_proves_an_act(here: Here) -> None:
    play = recovered(here, (OTP, FACE, KEY))
    for kind in ("enrollment", "erasure", "restore", "unfreeze"):
        assert sets(play.asks(kind)) == []
