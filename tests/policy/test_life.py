"""An analysis that did not finish proves nothing: no version is approved on it, and none that was goes live."""

from datetime import UTC, datetime
from typing import Any

import pytest

from authsvc.errors import PolicyInvalid
from authsvc.policy.life import Approval, Examined, Source, State, Version

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
WHOLE = {"complete": True}
APPROVAL = Approval("bob", NOON, ("weaker-than-active", "not-finished", "not-comparable"))


def version(
    state: State, report: dict[str, Any], difference: dict[str, Any], errors: tuple[str, ...] = ()
) -> Version:
    examined = Examined("sha256:active", NOON, "ann", report, difference, errors)
    return Version("pol_1", Source("", "toml", "sha256:new"), "ann", "", NOON, state, examined=examined)


UNFINISHED: list[tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    ({"complete": False}, WHOLE, ()),
    (WHOLE, {"complete": False}, ()),
    (WHOLE, {}, ()),
    ({}, WHOLE, ()),
    ({"complete": 1}, WHOLE, ()),
    (WHOLE, WHOLE, ("not-finished",)),
    ({"complete": False}, {}, ("not-comparable",)),
]


@pytest.mark.parametrize(("report", "difference", "errors"), UNFINISHED)
def test_what_did_not_finish_is_not_approved_whatever_is_accepted(
    report: dict[str, Any], difference: dict[str, Any], errors: tuple[str, ...]
) -> None:
    analyzed = version(State.ANALYZED, report, difference, errors)
    assert isinstance(analyzed.approved(APPROVAL, "sha256:active"), PolicyInvalid)


@pytest.mark.parametrize(("report", "difference", "errors"), UNFINISHED)
def test_what_was_approved_unfinished_before_is_not_activated(
    report: dict[str, Any], difference: dict[str, Any], errors: tuple[str, ...]
) -> None:
    approved = version(State.APPROVED, report, difference, errors)
    assert isinstance(approved.activated("sha256:active"), PolicyInvalid)


@pytest.mark.parametrize(
    ("difference", "errors"), [(WHOLE, ()), ({}, ("not-comparable",)), (WHOLE, ("weaker-than-active",))]
)
def test_what_finished_is_approved_and_activated(difference: dict[str, Any], errors: tuple[str, ...]) -> None:
    approved = version(State.ANALYZED, WHOLE, difference, errors).approved(APPROVAL, "sha256:active")
    assert isinstance(approved, Version)
    active = approved.activated("sha256:active")
    assert isinstance(active, Version)
    assert active.state is State.ACTIVE
