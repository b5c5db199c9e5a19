"""Where a key and a code are one category, as in `psd2.toml`: what an act on the account asks there, on both stores."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations, count
from pathlib import Path

import pytest

import authsvc.policy
from tests.model.account import ALL, FACE, KEY, OTP, THIEVES, Factor, State
from tests.model.playing import TWO, Decision, Play
from tests.model.served import Here
from tests.model.test_walks import PROBATION

PEOPLE = count()
ACTS = ("enrollment", "unfreeze", "erasure", "restore")
PASSWORD = ("knowledge",)
OWNERS = State((Factor("owner"),) * 3, (0, 0, 0), (0, 0, 0), Factor("owner"))

policy = Path(authsvc.policy.__file__).with_name("psd2.toml").read_text(encoding="utf-8")

KEY_FACE, FACE_CODE = {"face", "device_uv"}, {"face", "otp"}
ASKED = {
    (OTP,): ([], [{"otp"}]),
    (FACE,): ([], []),
    (KEY,): ([], [{"device_uv"}]),
    (OTP, KEY): ([], [{"device_uv"}]),
    (OTP, FACE): ([FACE_CODE], [FACE_CODE]),
    (FACE, KEY): ([KEY_FACE], [KEY_FACE]),
    (OTP, FACE, KEY): ([KEY_FACE], [KEY_FACE]),
}
"""For what somebody has enrolled: what proves an act without the password, and with it."""


def owner(here: Here, has: tuple[int, ...]) -> Play:
    play = Play(here, f"psd2_{next(PEOPLE)}", THIEVES[0])
    assert play.enrolls(play.ticket().json, play.owner, has, device=True)
    return play


def sets(decision: Decision) -> list[set[str]]:
    return [set(each) for each in (decision["challenge"] or {"sets": ()})["sets"]]


@pytest.mark.parametrize("has", [each for n in (1, 2, 3) for each in combinations(ALL, n)])
def test_an_act_takes_two_categories_and_never_a_code_alone_of_who_has_more(
    here: Here, has: tuple[int, ...]
) -> None:
    play = owner(here, has)
    said = {kind: (play.asks(kind), play.asks(kind, proven=PASSWORD)) for kind in ACTS}
    asked = {kind: tuple(map(sets, both)) for kind, both in said.items()}
    assert asked == dict.fromkeys(ACTS, ASKED[tuple(sorted(has))])
    for decision in (each for both in said.values() for each in both if not sets(each)):
        assert (decision["status"], bool(decision["missing"])) == ("not_possible", True)


def test_a_key_that_was_removed_is_still_owed_and_then_the_code_is_enough(here: Here) -> None:
    play = owner(here, (OTP, KEY))
    assert play.overviewed("DELETE", f"devices/{play.phone()['id']}")
    decision = play.asks("enrollment", proven=PASSWORD)
    assert (decision["status"], sets(decision)) == ("not_possible", [])
    assert decision["possible_from"] is not None
    here.clock.advance(PROBATION)
    assert sets(play.asks("enrollment", proven=PASSWORD)) == [{"otp"}]


def test_the_owner_has_a_way_back(here: Here) -> None:
    """With the key and the password; without either, by a recovery; out of a freeze by two operators."""
    play = owner(here, (OTP, KEY))
    decision = play.asks("enrollment", proven=PASSWORD)
    assert play.proves(decision, (KEY,), OWNERS, owner=True)
    assert play.ticket(proof=play.again(decision)["receipt"]).done
    recovered = play.recovers(play.owner.codes[0], OTP, OWNERS)
    assert recovered is not None
    assert play.enrolls(recovered, play.owner, (OTP, KEY))
    assert play.shop("POST", "/freeze", {"reason": "lost"}).done
    assert play.shop("POST", "/unfreeze", TWO).done
    here.clock.advance(PROBATION + timedelta(minutes=1))
    assert sets(play.asks("restore", proven=PASSWORD)) == [{"device_uv"}]
