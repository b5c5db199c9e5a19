"""A policy's life at its desk: drafted, proved, approved by another person, active for everybody, and taken back in one step."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.domain.operator import Operator
from authsvc.errors import (
    AuthsvcError,
    InvalidRequest,
    NotFound,
    NotPermitted,
    PolicyConflict,
    PolicyInvalid,
    PolicyStep,
)
from authsvc.policy.life import Publication, State, Version
from authsvc.policy.profiles import Profile
from authsvc.policy_life.service import PolicyDesk
from tests.support.policies import ANN, BOB, CAI, EVE, SAM, WEAKER, milder, numbered, shipped, stricter
from tests.support.service import Bench


@pytest.fixture
def desk(bench: Bench) -> PolicyDesk:
    return bench.services.policies


def analyzed(desk: PolicyDesk, text: str, author: Operator = ANN) -> Version:
    version = desk.draft(author, text, note="for a test")
    desk.validate(author, version.id)
    return desk.analyze(author, version.id)


def approved(desk: PolicyDesk, text: str, *accepting: str) -> Version:
    return desk.approve(BOB, analyzed(desk, text).id, accepting)


def etag(desk: PolicyDesk) -> str:
    return desk.active(BOB).publication.etag


def activated(desk: PolicyDesk, text: str, *accepting: str) -> Publication:
    return desk.activate(BOB, approved(desk, text, *accepting).id, etag(desk))


def policy_lines(bench: Bench) -> list[dict[str, Any]]:
    """The audit lines about policies, in the order in which they were written."""
    links = bench.wired.store.ledger.read(lambda tx: tuple(tx.audit.links()))
    lines = [json.loads(link.body) for link in links]
    return [line for line in lines if line["action"].startswith("policy.")]


def test_an_empty_store_is_seeded_with_the_shipped_document(bench: Bench, desk: PolicyDesk) -> None:
    active = desk.active(EVE)
    assert (active.version.state, active.version.number) == (State.ACTIVE, 1)
    assert active.version.source.text == shipped()
    assert (active.publication.number, active.publication.back_to) == (1, None)
    decision = bench.decide(bench.payment())
    assert decision["policy"] == {"id": "default", "version": 1, "digest": active.publication.digest}
    assert [line["action"] for line in policy_lines(bench)] == ["policy.seed"]


def test_a_later_start_keeps_what_was_published(bench: Bench, desk: PolicyDesk) -> None:
    publication = activated(desk, stricter(2))
    again = Bench(bench.settings, bench.clock)
    try:
        assert again.services.policies.active(ANN).publication == publication
        assert again.decide(again.payment())["policy"]["version"] == 2
    finally:
        again.close()


def test_a_version_goes_from_draft_to_active_and_decides(bench: Bench, desk: PolicyDesk) -> None:
    phone = bench.enroll()
    assert bench.decide(bench.payment(90_000), phone.device)["level"] == "none"
    version = desk.draft(ANN, stricter(2), note="ask everybody")
    assert version.state is State.DRAFT
    assert desk.validate(ANN, version.id).state is State.VALIDATED
    version = desk.analyze(ANN, version.id, Profile.SEED)
    assert (version.state, version.examined is not None and version.examined.errors) == (State.ANALYZED, ())
    assert desk.approve(BOB, version.id, note="agreed").state is State.APPROVED
    publication = desk.activate(BOB, version.id, etag(desk), note="go")
    assert desk.version(ANN, version.id).state is State.ACTIVE
    assert [each.number for each in desk.history(EVE)] == [2, 1]
    decided = bench.decide(bench.payment(90_000), phone.device)
    assert (decided["policy"]["digest"], decided["level"]) == (publication.digest, "otp")
    assert [(line["action"], line["actor"], line["result"]) for line in policy_lines(bench)] == [
        ("policy.seed", "shipped", "active"),
        ("policy.draft", "operator:op_ann", "done"),
        ("policy.validate", "operator:op_ann", "done"),
        ("policy.analyze", "operator:op_ann", "done"),
        ("policy.approve", "operator:op_bob", "done"),
        ("policy.activate", "operator:op_bob", "done"),
    ]


def test_a_rollback_is_one_step_and_one_more_is_one_more(bench: Bench, desk: PolicyDesk) -> None:
    second = activated(desk, stricter(2))
    third = activated(desk, stricter(3))
    assert desk.roll_back(BOB, third.etag).digest == second.digest
    assert desk.version(BOB, third.version_id).state is State.ROLLED_BACK
    assert bench.decide(bench.payment())["policy"]["version"] == 2
    first = desk.roll_back(BOB, etag(desk))
    assert bench.decide(bench.payment())["policy"]["version"] == 1
    with pytest.raises(PolicyConflict, match="nothing to go back to"):
        desk.roll_back(BOB, first.etag)


def test_what_was_taken_back_is_drafted_and_approved_anew(desk: PolicyDesk) -> None:
    publication = activated(desk, stricter(2))
    desk.roll_back(BOB, publication.etag)
    with pytest.raises(PolicyStep):
        desk.activate(BOB, publication.version_id, etag(desk))
    assert activated(desk, stricter(2)).digest == publication.digest


def test_nobody_approves_a_version_of_their_own(bench: Bench, desk: PolicyDesk) -> None:
    version = analyzed(desk, stricter(2), CAI)
    with pytest.raises(NotPermitted, match="another person"):
        desk.approve(CAI, version.id)
    assert desk.version(CAI, version.id).state is State.ANALYZED
    refused = policy_lines(bench)[-1]
    assert (refused["action"], refused["actor"], refused["result"]) == (
        "policy.approve",
        "operator:op_cai",
        "refused",
    )
    assert (refused["object"], refused["details"]["refused"]) == (version.id, "not-permitted")


@pytest.mark.parametrize(
    ("operator", "step"),
    [
        (ANN, lambda desk, who, version: desk.approve(who, version.id)),
        (ANN, lambda desk, who, version: desk.activate(who, version.id, etag(desk))),
        (ANN, lambda desk, who, version: desk.roll_back(who, etag(desk))),
        (BOB, lambda desk, who, version: desk.draft(who, shipped())),
        (EVE, lambda desk, who, version: desk.draft(who, shipped())),
        (EVE, lambda desk, who, version: desk.validate(who, version.id)),
        (EVE, lambda desk, who, version: desk.analyze(who, version.id)),
        (EVE, lambda desk, who, version: desk.start_shadow(who, version.id)),
        (EVE, lambda desk, who, version: desk.stop_shadow(who, version.id)),
        (EVE, lambda desk, who, version: desk.start_backtest(who, version.id)),
        (EVE, lambda desk, who, version: desk.approve(who, version.id)),
        (EVE, lambda desk, who, version: desk.activate(who, version.id, etag(desk))),
        (EVE, lambda desk, who, version: desk.roll_back(who, etag(desk))),
        (SAM, lambda desk, who, version: desk.activate(who, version.id, etag(desk))),
    ],
)
def test_a_role_that_does_not_allow_a_step_is_refused_and_that_is_audited(
    bench: Bench,
    desk: PolicyDesk,
    operator: Operator,
    step: Callable[[PolicyDesk, Operator, Version], object],
) -> None:
    version = approved(desk, stricter(2))
    before = desk.active(ANN)
    with pytest.raises(NotPermitted):
        step(desk, operator, version)
    assert (desk.active(ANN), desk.version(ANN, version.id)) == (before, version)
    refused = policy_lines(bench)[-1]
    assert (refused["actor"], refused["result"]) == (f"operator:{operator.id}", "refused")


def test_an_activation_names_the_publication_that_it_replaces(bench: Bench, desk: PolicyDesk) -> None:
    version, seen = approved(desk, stricter(2)), etag(desk)
    other = approved(desk, stricter(3))
    desk.activate(BOB, version.id, seen)
    with pytest.raises(PolicyConflict) as refused:
        desk.activate(BOB, other.id, seen)
    assert refused.value.extra["active"] == etag(desk)
    assert policy_lines(bench)[-1]["details"]["refused"] == "policy-conflict"


def test_what_was_approved_is_a_change_from_one_policy_and_from_no_other(desk: PolicyDesk) -> None:
    version, other = approved(desk, stricter(2)), approved(desk, stricter(3))
    desk.activate(BOB, version.id, etag(desk))
    with pytest.raises(PolicyConflict, match="analyze and approve it again"):
        desk.activate(BOB, other.id, etag(desk))
    desk.analyze(ANN, other.id)
    with pytest.raises(PolicyStep):
        desk.activate(BOB, other.id, etag(desk))
    desk.approve(BOB, other.id)
    assert desk.activate(BOB, other.id, etag(desk)).number == 3


def test_an_approval_needs_an_analysis_against_the_active_policy(desk: PolicyDesk) -> None:
    version = analyzed(desk, stricter(3))
    activated(desk, stricter(2))
    with pytest.raises(PolicyConflict, match="analyze it again"):
        desk.approve(BOB, version.id)


def test_a_change_that_weakens_is_approved_by_name_or_not_at_all(bench: Bench, desk: PolicyDesk) -> None:
    version = analyzed(desk, milder(2))
    assert version.examined is not None
    assert WEAKER in version.examined.errors
    with pytest.raises(PolicyInvalid) as refused:
        desk.approve(BOB, version.id)
    assert refused.value.extra["findings"] == [WEAKER]
    assert desk.approve(BOB, version.id, (WEAKER,)).state is State.APPROVED
    assert policy_lines(bench)[-1]["details"]["accepted"] == [WEAKER]


def test_a_laxer_threshold_weakens_though_no_cell_shows_it(desk: PolicyDesk) -> None:
    text = numbered(2).replace('fmr = "1 in 10000"', 'fmr = "1 in 100"')
    version = analyzed(desk, text)
    assert version.examined is not None
    assert version.examined.errors == (WEAKER,)


def test_what_makes_a_document_weaker_than_it_reads_is_never_accepted(desk: PolicyDesk) -> None:
    weaker = numbered(2).replace(
        '["device_uv", "otp"], ["voice", "otp"]', '["device_uv", "otp"], ["voice", "device_key", "otp"]'
    )
    weaker = weaker.replace('["face", "device_uv"]', '["voice", "otp"]')
    version = desk.draft(ANN, weaker)
    desk.validate(ANN, version.id)
    version = desk.analyze(ANN, version.id)
    assert version.examined is not None
    assert "weaker-set" in version.examined.errors
    with pytest.raises(PolicyInvalid, match="weaker-set"):
        desk.approve(BOB, version.id, version.examined.errors)


@pytest.mark.parametrize("step", ["analyze", "approve", "activate", "shadow", "backtest"])
def test_a_draft_takes_no_step_before_it_is_validated(desk: PolicyDesk, step: str) -> None:
    version = desk.draft(ANN, stricter(2))
    steps: dict[str, Callable[[], object]] = {
        "analyze": lambda: desk.analyze(ANN, version.id),
        "approve": lambda: desk.approve(BOB, version.id),
        "activate": lambda: desk.activate(BOB, version.id, etag(desk)),
        "shadow": lambda: desk.start_shadow(ANN, version.id),
        "backtest": lambda: desk.start_backtest(ANN, version.id),
    }
    with pytest.raises(PolicyStep):
        steps[step]()


def test_a_document_that_breaks_its_own_promise_stays_a_draft(bench: Bench, desk: PolicyDesk) -> None:
    version = desk.draft(
        ANN, shipped().replace('level = "otp"', 'level = "face"', 1).replace("version = 1", "version = 2")
    )
    with pytest.raises(PolicyInvalid) as refused:
        desk.validate(ANN, version.id)
    assert refused.value.extra["findings"]
    assert desk.version(ANN, version.id).state is State.DRAFT
    assert policy_lines(bench)[-1]["result"] == "refused"


def test_a_text_that_is_no_table_is_no_draft(desk: PolicyDesk) -> None:
    with pytest.raises(PolicyInvalid):
        desk.draft(ANN, "not = [toml")
    with pytest.raises(PolicyInvalid):
        desk.draft(ANN, "[1]", "json")


def test_a_number_belongs_to_one_document_for_good(desk: PolicyDesk) -> None:
    version = desk.draft(ANN, stricter(1))
    with pytest.raises(PolicyInvalid, match="the next free number is 2"):
        desk.validate(ANN, version.id)


def test_a_text_is_looked_at_without_being_saved(desk: PolicyDesk) -> None:
    before = desk.versions(ANN)
    look = desk.look_at(ANN, milder(2))
    assert look.found is not None
    assert look.found["errors"] == [WEAKER]
    assert look.found["difference"]["regions"]
    assert desk.look_at(ANN, "format = 1").faults
    assert desk.versions(ANN) == before
    with pytest.raises(NotPermitted):
        desk.look_at(EVE, milder(2))


def test_one_payment_is_explained_by_a_version_that_is_not_live(desk: PolicyDesk) -> None:
    version = desk.draft(ANN, stricter(2))
    payment = {
        "type": "transfer",
        "amount_minor": 100,
        "currency": "CNY",
        "novelty": "trusted",
        "risk_score": 3,
    }
    assert desk.explain(ANN, version.id, payment).outcome.fired == ("always-a-code",)
    with pytest.raises(InvalidRequest):
        desk.explain(ANN, version.id, {"amount": 1})


def test_versions_are_told_page_by_page_the_newest_first(bench: Bench, desk: PolicyDesk) -> None:
    drafts = []
    for number in range(2, 6):
        bench.clock.advance(timedelta(seconds=1))
        drafts.append(desk.draft(ANN, numbered(number)).id)
    page = desk.versions(ANN, limit=3)
    rest = desk.versions(ANN, after=page[-1].id, limit=3)
    assert [each.id for each in (*page, *rest)][:4] == drafts[::-1]
    assert len(rest) == 2


def test_what_is_not_there_is_not_found(desk: PolicyDesk) -> None:
    missing: tuple[Callable[[], object], ...] = (
        lambda: desk.version(ANN, "pol_none"),
        lambda: desk.validate(ANN, "pol_none"),
        lambda: desk.analyze(ANN, "pol_none"),
        lambda: desk.backtest(ANN, "pol_none", "bkt_none"),
        lambda: desk.shadow(ANN, desk.active(ANN).version.id),
    )
    for call in missing:
        with pytest.raises(NotFound):
            call()


def test_every_refusal_has_a_slug_of_its_own() -> None:
    kinds: tuple[type[AuthsvcError], ...] = (NotPermitted, PolicyStep, PolicyConflict, PolicyInvalid)
    assert len({kind.slug for kind in kinds}) == len(kinds)


def test_a_false_match_rate_that_no_model_in_use_supports_is_refused_at_validation(
    bench: Bench, model_dir: Path, tmp_path: Path
) -> None:
    """With the weights of the shipped models in place, as they are in service."""
    bench.settings.models.parent.mkdir(parents=True, exist_ok=True)
    bench.settings.models.symlink_to(model_dir)
    desk = bench.services.policies
    strict = numbered(2).replace('fmr = "1 in 10000"', 'fmr = "1 in 100000"')
    version = desk.draft(ANN, strict)

    with pytest.raises(PolicyInvalid) as refused:
        desk.validate(ANN, version.id)

    assert "`1 in 100000` needs 3000000 impostor pairs" in refused.value.detail
    assert "`1 in 100000` needs" in str(desk.look_at(ANN, strict).faults[0]["message"])
    face = next(each for each in desk.thresholds(ANN, version.id) if each.target_fmr == "1 in 100000")
    assert (face.point, face.model.manifest.id) == (None, "dlib-resnet-v1")
    assert desk.validate(ANN, desk.draft(ANN, numbered(2)).id).state is State.VALIDATED
