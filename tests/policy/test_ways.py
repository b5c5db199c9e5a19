"""A way is open within its bounds and shut beyond them; what is shut leaves the next way or none, and never a milder level."""

from random import Random
from typing import Any

import pytest

from authsvc.biometric.words import Capture
from authsvc.errors import PolicyInvalid
from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.level import CHALLENGES, Level
from authsvc.policy.ways import capture_of, sets_of
from authsvc.subject import Novelty
from tests.policy import chance
from tests.policy.builders import mapping, payment, policy

FACE, OTP, UV, VOICE = Factor.FACE, Factor.OTP, Factor.DEVICE_UV, Factor.VOICE
RISKY = {"id": "risky", "level": "face", "risk_at_least": 50}


def with_face(*ways: Any) -> Policy:
    return policy(RISKY, levels={**mapping()["levels"], "face": {"sets": list(ways)}})


KNOWN_ONLY = with_face({"factors": ["face"], "device_at_most": "probation"}, ["face", "otp"])


@pytest.mark.parametrize(
    ("novelty", "sets"),
    [
        (Novelty.TRUSTED, ((FACE,), (FACE, OTP))),
        (Novelty.PROBATION, ((FACE,), (FACE, OTP))),
        (Novelty.NEW, ((FACE, OTP),)),
        (Novelty.UNKNOWN, ((FACE, OTP),)),
    ],
)
def test_a_way_is_open_up_to_the_device_that_it_states(novelty: Novelty, sets: Any) -> None:
    outcome = KNOWN_ONLY.evaluate(payment(novelty=novelty, risk_score=60))
    assert (outcome.level, outcome.sets) == (Level.FACE, sets)


def test_a_level_whose_ways_are_all_shut_stays_that_level_and_says_which_bounds_shut_them() -> None:
    only = with_face({"factors": ["face"], "device_at_most": "probation", "amount_at_most": 1_000})
    outcome = only.evaluate(payment(1_001, novelty=Novelty.NEW, risk_score=60))

    assert (outcome.level, outcome.sets, outcome.usable_ways({FACE})) == (Level.FACE, (), ())
    assert [reason.to_json() for reason in outcome.shut] == [
        {"rule": "face:face", "field": "transaction.amount_minor", "is": 1_001, "bound": 1_000},
        {"rule": "face:face", "field": "device.novelty", "is": "new", "bound": "probation"},
    ]


def test_a_passkey_that_is_shut_by_the_clouds_limit_is_told_as_well() -> None:
    capped = policy(RISKY, devices={"synced_amount_at_most": 1_000})
    outcome = capped.evaluate(payment(1_001, risk_score=60, device_synced=True))
    assert [(reason.rule, reason.bound) for reason in outcome.shut] == [("face:device_uv+otp", 1_000)]


@pytest.mark.parametrize(
    ("amount", "strong", "young", "sets"),
    [
        (1_000, {FACE, OTP}, set(), ((FACE,), (FACE, OTP))),
        (1_000, {OTP}, {FACE}, ((FACE, OTP),)),
        (1_000, set(), {FACE, OTP}, ((FACE, OTP),)),
        (1_001, {OTP}, {FACE}, ()),
        (1_001, {FACE}, {OTP}, ((FACE,),)),
        (1_000, {OTP}, set(), ()),
        (1_000, set(), {FACE}, ()),
    ],
)
def test_a_factor_on_probation_counts_only_within_a_stated_amount(
    amount: int, strong: set[Factor], young: set[Factor], sets: Any
) -> None:
    ways = with_face(["face"], {"factors": ["face", "otp"], "amount_at_most": 1_000})
    outcome = ways.evaluate(payment(amount, risk_score=60))
    assert sets_of(outcome.usable_ways(strong, young)) == sets


def test_the_same_set_may_stand_twice_and_the_more_lenient_open_way_says_what_a_capture_needs() -> None:
    small = {"factors": ["face"], "amount_at_most": 1_000}
    large = {"factors": ["face"], "capture_at_least": "device_signed"}
    ways = with_face(small, large)
    within, beyond = (ways.evaluate(payment(amount, risk_score=60)) for amount in (1_000, 1_001))

    assert within.sets == beyond.sets == ((FACE,),)
    assert capture_of(within.ways, (FACE,)) is Capture.BROWSER
    assert capture_of(beyond.ways, (FACE,)) is Capture.DEVICE_SIGNED


@pytest.mark.parametrize(
    ("way", "complaint"),
    [
        ({"factors": ["otp"], "capture_at_least": "attested"}, "this set has neither"),
        ({"factors": ["face"], "capture_at_least": "sworn"}, "`capture_at_least` is `sworn`"),
        ({"factors": ["face"], "device_at_most": "old"}, "`device_at_most` is `old`"),
        ({"factors": ["face"], "device_atmost": "new"}, "did you mean `device_at_most`?"),
        ({"factors": ["face"], "device_at_least": "new"}, "unknown key `device_at_least`"),
        ({"factors": ["face"], "capture_at_most": "browser"}, "unknown key `capture_at_most`"),
    ],
)
def test_what_a_way_cannot_state_is_a_fault_with_its_place(way: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        with_face(way)
    assert complaint in caught.value.detail


@pytest.mark.long
def test_more_risk_never_opens_a_way() -> None:
    """Along amount, device and synced passkey: what is open to the riskier of two payments is open to the milder one."""
    random = Random(61)
    for _ in range(2_000):
        rules = loading.from_mapping(chance.document(random))
        mild, risky = chance.payment(random), chance.payment(random)
        seen = rules.seen(mild), rules.seen(risky)
        if (
            seen[0].amount > seen[1].amount
            or seen[0].novelty.rank > seen[1].novelty.rank
            or seen[0].synced > seen[1].synced
        ):
            continue
        for level in CHALLENGES:
            assert set(rules.ways_for(level, risky)) <= set(rules.ways_for(level, mild))


def test_a_set_that_another_way_leaves_open_is_not_told_as_shut() -> None:
    twice = with_face(["face"], {"factors": ["face"], "amount_at_most": 1_000})
    assert twice.evaluate(payment(1_001, risk_score=60)).shut == ()
