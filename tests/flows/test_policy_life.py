"""A policy's life: drafted, proved, approved by another person, active for everybody, and taken back in one step."""

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
from authsvc.policy_life.service import PolicyService
from tests.support.policies import ANN, BOB, CAI, EVE, SAM, WEAKER, milder, numbered, shipped, stricter
from tests.support.service import Bench, Here


@pytest.fixture
def policies(bench: Bench) -> PolicyService:
    return bench.services.policies


def analyzed(policies: PolicyService, text: str, author: Operator = ANN) -> Version:
    version = policies.draft(author, text, note="for a test")
    policies.validate(author, version.id)
    return policies.analyze(author, version.id)


def approved(policies: PolicyService, text: str, *accepting: str) -> Version:
    return policies.approve(BOB, analyzed(policies, text).id, accepting)


def etag(policies: PolicyService) -> str:
    return policies.active(BOB).publication.etag


def activated(policies: PolicyService, text: str, *accepting: str) -> Publication:
    return policies.activate(BOB, approved(policies, text, *accepting).id, etag(policies))


def policy_lines(bench: Bench) -> list[dict[str, Any]]:
    """The audit lines about policies, in the order in which they were written."""
    links = bench.wired.store.ledger.read(lambda tx: tuple(tx.audit.links()))
    lines = [json.loads(link.body) for link in links]
    return [line for line in lines if line["action"].startswith("policy.")]


def test_an_empty_store_is_seeded_with_the_shipped_document(bench: Bench, policies: PolicyService) -> None:
    active = policies.active(EVE)
    assert (active.version.state, active.version.number) == (State.ACTIVE, 1)
    assert active.version.source.text == shipped()
    assert (active.publication.number, active.publication.back_to) == (1, None)
    decision = bench.decide(bench.payment())
    assert decision["policy"] == {"id": "default", "version": 1, "digest": active.publication.digest}
    assert [line["action"] for line in policy_lines(bench)] == ["policy.seed"]


def test_a_later_start_keeps_what_was_published(bench: Bench, policies: PolicyService) -> None:
    publication = activated(policies, stricter(2))
    again = Bench(bench.settings, bench.clock)
    try:
        assert again.services.policies.active(ANN).publication == publication
        assert again.decide(again.payment())["policy"]["version"] == 2
    finally:
        again.close()


def test_a_version_goes_from_draft_to_active_and_decides(bench: Bench, policies: PolicyService) -> None:
    phone = bench.enroll()
    assert bench.decide(bench.payment(90_000), phone.device)["level"] == "none"
    version = policies.draft(ANN, stricter(2), note="ask everybody")
    assert version.state is State.DRAFT
    assert policies.validate(ANN, version.id).state is State.VALIDATED
    version = policies.analyze(ANN, version.id, Profile.SEED)
    assert (version.state, version.examined is not None and version.examined.errors) == (State.ANALYZED, ())
    assert policies.approve(BOB, version.id, note="agreed").state is State.APPROVED
    publication = policies.activate(BOB, version.id, etag(policies), note="go")
    assert policies.version(ANN, version.id).state is State.ACTIVE
    assert [each.number for each in policies.history(EVE)] == [2, 1]
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


def test_a_rollback_is_one_step_and_one_more_is_one_more(bench: Bench, policies: PolicyService) -> None:
    second = activated(policies, stricter(2))
    third = activated(policies, stricter(3))
    assert policies.roll_back(BOB, third.etag).digest == second.digest
    assert policies.version(BOB, third.version_id).state is State.ROLLED_BACK
    assert bench.decide(bench.payment())["policy"]["version"] == 2
    first = policies.roll_back(BOB, etag(policies))
    assert bench.decide(bench.payment())["policy"]["version"] == 1
    with pytest.raises(PolicyConflict, match="nothing to go back to"):
        policies.roll_back(BOB, first.etag)


def test_what_was_taken_back_is_drafted_and_approved_anew(policies: PolicyService) -> None:
    publication = activated(policies, stricter(2))
    policies.roll_back(BOB, publication.etag)
    with pytest.raises(PolicyStep):
        policies.activate(BOB, publication.version_id, etag(policies))
    assert activated(policies, stricter(2)).digest == publication.digest


def test_nobody_approves_a_version_of_their_own(bench: Bench, policies: PolicyService) -> None:
    version = analyzed(policies, stricter(2), CAI)
    with pytest.raises(NotPermitted, match="another person"):
        policies.approve(CAI, version.id)
    assert policies.version(CAI, version.id).state is State.ANALYZED
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
        (ANN, lambda policies, who, version: policies.approve(who, version.id)),
        (ANN, lambda policies, who, version: policies.activate(who, version.id, etag(policies))),
        (ANN, lambda policies, who, version: policies.roll_back(who, etag(policies))),
        (BOB, lambda policies, who, version: policies.draft(who, shipped())),
        (EVE, lambda policies, who, version: policies.draft(who, shipped())),
        (EVE, lambda policies, who, version: policies.validate(who, version.id)),
        (EVE, lambda policies, who, version: policies.analyze(who, version.id)),
        (EVE, lambda policies, who, version: policies.start_shadow(who, version.id)),
        (EVE, lambda policies, who, version: policies.stop_shadow(who, version.id)),
        (EVE, lambda policies, who, version: policies.start_backtest(who, version.id)),
        (EVE, lambda policies, who, version: policies.approve(who, version.id)),
        (EVE, lambda policies, who, version: policies.activate(who, version.id, etag(policies))),
        (EVE, lambda policies, who, version: policies.roll_back(who, etag(policies))),
        (SAM, lambda policies, who, version: policies.activate(who, version.id, etag(policies))),
    ],
)
def test_a_role_that_does_not_allow_a_step_is_refused_and_that_is_audited(
    bench: Bench,
    policies: PolicyService,
    operator: Operator,
    step: Callable[[PolicyService, Operator, Version], object],
) -> None:
    version = approved(policies, stricter(2))
    before = policies.active(ANN)
    with pytest.raises(NotPermitted):
        step(policies, operator, version)
    assert (policies.active(ANN), policies.version(ANN, version.id)) == (before, version)
    refused = policy_lines(bench)[-1]
    assert (refused["actor"], refused["result"]) == (f"operator:{operator.id}", "refused")


def test_an_activation_names_the_publication_that_it_replaces(bench: Bench, policies: PolicyService) -> None:
    version, seen = approved(policies, stricter(2)), etag(policies)
    other = approved(policies, stricter(3))
    policies.activate(BOB, version.id, seen)
    with pytest.raises(PolicyConflict) as refused:
        policies.activate(BOB, other.id, seen)
    assert refused.value.extra["active"] == etag(policies)
    assert policy_lines(bench)[-1]["details"]["refused"] == "policy-conflict"


def test_what_was_approved_is_a_change_from_one_policy_and_from_no_other(policies: PolicyService) -> None:
    version, other = approved(policies, stricter(2)), approved(policies, stricter(3))
    policies.activate(BOB, version.id, etag(policies))
    with pytest.raises(PolicyConflict, match="analyze and approve it again"):
        policies.activate(BOB, other.id, etag(policies))
    policies.analyze(ANN, other.id)
    with pytest.raises(PolicyStep):
        policies.activate(BOB, other.id, etag(policies))
    policies.approve(BOB, other.id)
    assert policies.activate(BOB, other.id, etag(policies)).number == 3


def test_an_approval_needs_an_analysis_against_the_active_policy(policies: PolicyService) -> None:
    version = analyzed(policies, stricter(3))
    activated(policies, stricter(2))
    with pytest.raises(PolicyConflict, match="analyze it again"):
        policies.approve(BOB, version.id)


def test_a_change_that_weakens_is_approved_by_name_or_not_at_all(
    bench: Bench, policies: PolicyService
) -> None:
    version = analyzed(policies, milder(2))
    assert version.examined is not None
    assert WEAKER in version.examined.errors
    with pytest.raises(PolicyInvalid) as refused:
        policies.approve(BOB, version.id)
    assert refused.value.extra["findings"] == [WEAKER]
    assert policies.approve(BOB, version.id, (WEAKER,)).state is State.APPROVED
    assert policy_lines(bench)[-1]["details"]["accepted"] == [WEAKER]


def test_what_did_not_finish_is_approved_by_nobody_and_by_no_name(
    policies: PolicyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "_analyst", Here(most_cells=5))
    version = analyzed(policies, stricter(2))
    assert version.examined is not None
    assert "not-finished" in version.examined.errors
    for accepting in ((), version.examined.errors):
        with pytest.raises(PolicyInvalid, match="did not finish"):
            policies.approve(BOB, version.id, accepting)
    assert policies.active(BOB).version.number == 1


def test_a_laxer_threshold_weakens_though_no_cell_shows_it(policies: PolicyService) -> None:
    text = numbered(2).replace('fmr = "1 in 10000"', 'fmr = "1 in 100"')
    version = analyzed(policies, text)
    assert version.examined is not None
    assert version.examined.errors == (WEAKER,)


def test_what_makes_a_document_weaker_than_it_reads_is_never_accepted(policies: PolicyService) -> None:
    weaker = numbered(2).replace('    ["voice", "otp"],\n', '    ["voice", "device_key", "otp"],\n')
    weaker = weaker.replace('sets = [["face", "device_uv"]', 'sets = [["voice", "otp"]')
    version = policies.draft(ANN, weaker)
    policies.validate(ANN, version.id)
    version = policies.analyze(ANN, version.id)
    assert version.examined is not None
    assert "weaker-set" in version.examined.errors
    with pytest.raises(PolicyInvalid, match="weaker-set"):
        policies.approve(BOB, version.id, version.examined.errors)


@pytest.mark.parametrize("step", ["analyze", "approve", "activate", "shadow", "backtest"])
def test_a_draft_takes_no_step_before_it_is_validated(policies: PolicyService, step: str) -> None:
    version = policies.draft(ANN, stricter(2))
    steps: dict[str, Callable[[], object]] = {
        "analyze": lambda: policies.analyze(ANN, version.id),
        "approve": lambda: policies.approve(BOB, version.id),
        "activate": lambda: policies.activate(BOB, version.id, etag(policies)),
        "shadow": lambda: policies.start_shadow(ANN, version.id),
        "backtest": lambda: policies.start_backtest(ANN, version.id),
    }
    with pytest.raises(PolicyStep):
        steps[step]()


def test_a_document_that_breaks_its_own_promise_stays_a_draft(bench: Bench, policies: PolicyService) -> None:
    version = policies.draft(
        ANN, shipped().replace('level = "otp"', 'level = "face"', 1).replace("version = 1", "version = 2")
    )
    with pytest.raises(PolicyInvalid) as refused:
        policies.validate(ANN, version.id)
    assert refused.value.extra["findings"]
    assert policies.version(ANN, version.id).state is State.DRAFT
    assert policy_lines(bench)[-1]["result"] == "refused"


def test_a_text_that_is_no_table_is_no_draft(policies: PolicyService) -> None:
    with pytest.raises(PolicyInvalid):
        policies.draft(ANN, "not = [toml")
    with pytest.raises(PolicyInvalid):
        policies.draft(ANN, "[1]", "json")


def test_a_number_belongs_to_one_document_for_good(policies: PolicyService) -> None:
    version = policies.draft(ANN, stricter(1))
    with pytest.raises(PolicyInvalid, match="the next free number is 2"):
        policies.validate(ANN, version.id)


def test_a_text_is_looked_at_without_being_saved(policies: PolicyService) -> None:
    before = policies.versions(ANN)
    look = policies.look_at(ANN, milder(2))
    assert look.found is not None
    assert look.found["errors"] == [WEAKER]
    assert look.found["difference"]["regions"]
    assert policies.look_at(ANN, "format = 1").faults
    assert policies.versions(ANN) == before
    with pytest.raises(NotPermitted):
        policies.look_at(EVE, milder(2))


def test_one_payment_is_explained_by_a_version_that_is_not_live(policies: PolicyService) -> None:
    version = policies.draft(ANN, stricter(2))
    payment = {
        "type": "transfer",
        "amount_minor": 100,
        "currency": "CNY",
        "novelty": "trusted",
        "risk_score": 3,
    }
    assert policies.explain(ANN, version.id, payment).outcome.fired == ("always-a-code",)
    with pytest.raises(InvalidRequest):
        policies.explain(ANN, version.id, {"amount": 1})


def test_versions_are_told_page_by_page_the_newest_first(bench: Bench, policies: PolicyService) -> None:
    drafts = []
    for number in range(2, 6):
        bench.clock.advance(timedelta(seconds=1))
        drafts.append(policies.draft(ANN, numbered(number)).id)
    page = policies.versions(ANN, limit=3)
    rest = policies.versions(ANN, after=page[-1].id, limit=3)
    assert [each.id for each in (*page, *rest)][:4] == drafts[::-1]
    assert len(rest) == 2


def test_what_is_not_there_is_not_found(policies: PolicyService) -> None:
    missing: tuple[Callable[[], object], ...] = (
        lambda: policies.version(ANN, "pol_none"),
        lambda: policies.validate(ANN, "pol_none"),
        lambda: policies.analyze(ANN, "pol_none"),
        lambda: policies.backtest(ANN, "pol_none", "bkt_none"),
        lambda: policies.shadow(ANN, policies.active(ANN).version.id),
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
    policies = bench.services.policies
    strict = numbered(2).replace('fmr = "1 in 10000"', 'fmr = "1 in 100000"')
    version = policies.draft(ANN, strict)

    with pytest.raises(PolicyInvalid) as refused:
        policies.validate(ANN, version.id)

    assert "`1 in 100000` needs 3000000 impostor pairs" in refused.value.detail
    assert "`1 in 100000` needs" in str(policies.look_at(ANN, strict).faults[0]["message"])
    face = next(each for each in policies.thresholds(ANN, version.id) if each.target_fmr == "1 in 100000")
    assert (face.point, face.model.manifest.id) == (None, "dlib-resnet-v1")
    assert policies.validate(ANN, policies.draft(ANN, numbered(2)).id).state is State.VALIDATED
