"""Where a document has no way that names a key beside a face or a voice: what an act on the account asks, on both stores."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

import authsvc.policy
from authsvc.factor import Factor
from authsvc.policy.level import Level, factor_set
from authsvc.policy.loading import from_file
from authsvc.stepup.deciding import beside_a_key
from tests.model.account import FACE, KEY, THIEVES, State
from tests.model.account import Factor as Had
from tests.model.playing import Decision, Play
from tests.model.served import POLICY, Here
from tests.model.test_walks import PROBATION

PEOPLE = count()
ACTS = ("enrollment", "unfreeze", "erasure", "restore")
OWNERS = State((Had(), Had("owner"), Had("owner")), (0, 0, 0), (0, 0, 0), Had("owner"))
BOTH = {"device_uv", "face"}

policy = POLICY.replace('{ factors = ["face"], device_at_most = "trusted" }, ', "").replace(
    '["face", "device_uv"], ', ""
)


@pytest.fixture
def play(here: Here) -> Play:
    """Somebody with a key and a face, and no code."""
    made = Play(here, f"alone_{next(PEOPLE)}", THIEVES[0])
    assert made.enrolls(made.ticket().json, made.owner, (FACE, KEY))
    return made


def sets(decision: Decision) -> list[set[str]]:
    return [set(each) for each in (decision["challenge"] or {"sets": ()})["sets"]]


def test_both_are_asked_for_together(play: Play) -> None:
    assert [sets(play.asks(kind)) for kind in ACTS] == [[BOTH]] * 4
    assert not play.proves(play.asks("enrollment"), (KEY,), OWNERS, owner=True)
    decision = play.asks("enrollment")
    assert play.proves(decision, (FACE, KEY), OWNERS, owner=True)
    assert play.ticket(proof=play.again(decision)["receipt"]).done


def test_whoever_withdraws_the_face_does_not_lower_it(here: Here, play: Play) -> None:
    assert play.overviewed("DELETE", "biometrics/face")
    decision = play.asks("enrollment")
    assert (decision["status"], sets(decision)) == ("not_possible", [])
    assert "face" in decision["missing"]
    assert decision["possible_from"] is not None
    here.clock.advance(PROBATION)
    assert sets(play.asks("enrollment")) == [{"device_uv"}]


@pytest.mark.parametrize("name", ["default", "cn", "psd2"])
def test_in_the_shipped_documents_it_is_so_for_a_voice(name: str) -> None:
    shipped = from_file(Path(authsvc.policy.__file__).with_name(f"{name}.toml"))
    owed = frozenset({Factor.DEVICE_UV, Factor.DEVICE_KEY, Factor.VOICE})
    asked = {way.set for way in beside_a_key(shipped, owed, shipped.ways_for(Level.OTP))}
    assert asked == {(Factor.OTP,), factor_set((Factor.DEVICE_UV, Factor.VOICE))}
    alone = owed - {Factor.VOICE}
    assert beside_a_key(shipped, alone, shipped.ways_for(Level.OTP)) == shipped.ways_for(Level.OTP)
