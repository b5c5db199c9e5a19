"""The most important stories once more under the clock that the service runs by: milliseconds lie between write and read.

A clock that stands still hid that a store keeps milliseconds where the code compared microseconds, and every success counted as a
failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from authsvc.clock import SystemClock
from tests.flows import (
    test_account,
    test_freeze,
    test_lost_phone,
    test_nobody_climbs,
    test_one_payment,
    test_overview,
    test_stop,
)
from tests.flows.owning import Holder
from tests.support.service import NOON, Bench, embedded


class Running:
    """The service's own clock from noon on, which a story may move on."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._ahead = NOON - self._clock.now()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by


@pytest.fixture(params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    changes = {}
    if request.param == "servers":
        changes = {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    made = Bench(embedded(tmp_path / "data", **changes), Running())
    yield made
    made.close()


STORIES: tuple[Callable[[Bench], None], ...] = (
    test_one_payment.test_a_riskier_payment_asks_for_a_code_and_the_right_one_releases_it,
    test_one_payment.test_a_wrong_code_is_refused_and_counted,
    test_one_payment.test_a_new_phone_asks_for_the_face_that_was_enrolled,
    test_one_payment.test_the_receipt_is_good_for_this_payment_once,
    test_one_payment.test_a_receipt_ends_after_two_minutes,
    test_one_payment.test_the_same_payment_asked_about_again_is_the_same_decision,
    test_one_payment.test_an_expired_challenge_is_over,
    test_one_payment.test_the_audit_log_of_a_whole_story_is_sound,
    test_account.test_a_frozen_user_unfreezes_with_a_receipt_at_their_highest_level,
    test_account.test_five_wrong_codes_block_the_user_for_half_an_hour,
    test_account.test_three_wrong_faces_demand_another_factor,
    test_account.test_a_success_forgets_the_row_of_failures,
    test_account.test_a_second_device_waits_out_its_probation,
    test_account.test_an_issued_code_ends_after_two_minutes,
    test_freeze.test_what_was_released_before_a_freeze_is_void_after_the_unfreeze_as_well,
    test_freeze.test_a_proof_of_another_account_act_is_void_after_a_freeze,
    test_freeze.test_an_owner_who_gets_codes_from_the_shop_unfreezes_with_one,
    test_lost_phone.test_a_recovery_code_and_the_face_put_a_new_phone_in_the_place_of_the_lost_one,
    test_lost_phone.test_five_wrong_tries_block_the_user_and_end_the_recovery,
    test_overview.test_an_overview_ends_after_a_quarter_of_an_hour,
    test_stop.test_the_fiftieth_failure_stops_everything,
    test_stop.test_two_operators_lift_it,
    test_stop.test_successes_leave_no_trace_of_themselves_and_five_failures_lock,
)

OWNED: tuple[Callable[[Bench, Holder], None], ...] = (
    test_nobody_climbs.test_who_showed_the_secret_suspends_the_device_and_the_owner_takes_it_back,
    test_nobody_climbs.test_two_operators_take_it_back,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__[5:])
def test_under_a_clock_that_runs(bench: Bench, story: Callable[[Bench], None]) -> None:
    story(bench)


@pytest.mark.parametrize("story", OWNED, ids=lambda story: story.__name__[5:])
def test_an_owner_under_a_clock_that_runs(bench: Bench, story: Callable[[Bench, Holder], None]) -> None:
    story(bench, Holder(bench, face="ann"))
