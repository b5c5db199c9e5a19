"""The policy's life over HTTP, for operators: drafted, proved, tried, approved by another person, activated, rolled back."""

from __future__ import annotations

from authsvc.domain.operator import Act
from authsvc.policy_life.steps import Activate, Approve, RollBack, StartBacktest, StartShadow
from authsvc.policy_life.views import (
    backtest_view,
    comparison_view,
    publication_view,
    version_line,
    version_view,
)
from authsvc.web import policy_answers, policy_requests
from authsvc.web.body import JsonBody
from authsvc.web.credentials import if_match
from authsvc.web.operations import Call, Plane, Room
from authsvc.web.replies import Reply, json_reply, stored_reply
from authsvc.web.requests import Nothing

policies = Room("policies", Plane.OPERATOR)

POLICIES = "/v1/policies"
VERSION = f"{POLICIES}/{{version_id}}"
BACKTEST = f"{VERSION}/backtests/{{backtest_id}}"

# -- Looking ------------------------------------------------------------------------------------------------------------


@policies.get(POLICIES, policy_answers.VersionLines, act=Act.READ_POLICY, query=policy_requests.VersionsAfter)
def list_policy_versions(call: Call) -> Reply:
    """Every version of the policy, the newest first."""
    found = call.services.policies.versions(call.operator, call.query.after, call.query.limit)
    following = found[-1].id if len(found) == call.query.limit else None
    return json_reply({"versions": [version_line(each) for each in found], "next": following})


@policies.get(f"{POLICIES}/active", policy_answers.Active, act=Act.READ_POLICY)
def get_active_policy(call: Call) -> Reply:
    """What decides now.

    The header `ETag` names this publication; `If-Match` takes it back when another version is activated.
    """
    active = call.services.policies.active(call.operator)
    body = {"publication": publication_view(active.publication), "version": version_view(active.version)}
    return json_reply(body)._replace(headers=(("ETag", f'"{active.publication.etag}"'),))


@policies.get(
    f"{POLICIES}/history",
    policy_answers.History,
    act=Act.READ_POLICY,
    query=policy_requests.PublicationsBefore,
)
def get_policy_history(call: Call) -> Reply:
    """The publication log: which version decided from when on, by whose act."""
    found = call.services.policies.history(call.operator, call.query.before, call.query.limit)
    following = found[-1].number if len(found) == call.query.limit else None
    return json_reply({"publications": [publication_view(each) for each in found], "next": following})


@policies.get(VERSION, policy_answers.Version, act=Act.READ_POLICY)
def get_policy_version(call: Call) -> Reply:
    """One version with its document and what its analysis found."""
    return json_reply(version_view(call.services.policies.version(call.operator, call.path["version_id"])))


# -- Proving ------------------------------------------------------------------------------------------------------------


@policies.sending(
    "POST",
    POLICIES,
    JsonBody(policy_requests.DraftWanted, most=policy_requests.LARGEST_DOCUMENT + 64 * 1024),
    policy_answers.Version,
    act=Act.DRAFT_POLICY,
    once=True,
    answers={201: policy_answers.Version},
    problems=("policy-invalid",),
)
def draft_policy(call: Call, wanted: policy_requests.DraftWanted) -> Reply:
    """Write a document down as a new version.

    A version never changes; an edit is another draft.
    """
    return stored_reply(
        call.services.policies.perform_once(call.operator, call.once, wanted.command()), created=201
    )


@policies.sending(
    "POST",
    f"{VERSION}/validate",
    JsonBody(Nothing, optional=True),
    policy_answers.Version,
    act=Act.TRY_POLICY,
    problems=("policy-invalid", "policy-step"),
)
def validate_policy(call: Call, wanted: Nothing) -> Reply:
    """Hold a draft against the schema, its bounds and its own tests.

    What is wrong with it is told as `findings`, each with its place in the document.
    """
    return json_reply(version_view(call.services.policies.validate(call.operator, call.path["version_id"])))


@policies.sending(
    "POST",
    f"{VERSION}/analyze",
    JsonBody(policy_requests.AnalysisWanted, optional=True),
    policy_answers.Version,
    act=Act.TRY_POLICY,
    problems=("policy-invalid", "policy-step", "policy-conflict"),
)
def analyze_policy(call: Call, wanted: policy_requests.AnalysisWanted) -> Reply:
    """Account for every cell of a version, alone and beside the active policy.

    An approval that the version had is void. What takes more than the service's bound is not finished, and cannot be approved.
    """
    version = call.services.policies.analyze(call.operator, call.path["version_id"], wanted.profile)
    return json_reply(version_view(version))


@policies.sending(
    "POST",
    f"{VERSION}/simulate",
    JsonBody(policy_requests.SimulationWanted),
    policy_answers.Explanation,
    act=Act.TRY_POLICY,
    problems=("policy-invalid",),
)
def simulate_policy(call: Call, wanted: policy_requests.SimulationWanted) -> Reply:
    """What a version would ask of one payment, and the smallest change that would change it."""
    explanation = call.services.policies.explain(call.operator, call.path["version_id"], wanted.payment)
    return json_reply(explanation.to_json())


# -- Trying -------------------------------------------------------------------------------------------------------------


@policies.sending(
    "POST",
    f"{VERSION}/backtests",
    JsonBody(policy_requests.BacktestWanted, optional=True),
    policy_answers.Backtest,
    act=Act.TRY_POLICY,
    once=True,
    answers={201: policy_answers.Backtest},
    problems=("policy-step",),
)
def start_policy_backtest(call: Call, wanted: policy_requests.BacktestWanted) -> Reply:
    """Replay recorded decisions against a version, in a process of its own."""
    command = StartBacktest(call.path["version_id"], wanted.days or policy_requests.EVERYTHING)
    return stored_reply(call.services.policies.perform_once(call.operator, call.once, command), created=201)


@policies.get(f"{VERSION}/backtests", policy_answers.Backtests, act=Act.READ_POLICY)
def list_policy_backtests(call: Call) -> Reply:
    """A version's backtests, the newest first."""
    found = call.services.policies.backtests(call.operator, call.path["version_id"])
    return json_reply({"backtests": [backtest_view(each) for each in found]})


@policies.get(BACKTEST, policy_answers.Backtest, act=Act.READ_POLICY)
def get_policy_backtest(call: Call) -> Reply:
    """One backtest: how far it is, and its report once it is done."""
    path = call.path
    return json_reply(
        backtest_view(call.services.policies.backtest(call.operator, path["version_id"], path["backtest_id"]))
    )


@policies.delete(BACKTEST, policy_answers.Backtest, act=Act.TRY_POLICY)
def cancel_policy_backtest(call: Call) -> Reply:
    """Stop a backtest; one that is over stays as it is."""
    path, policies = call.path, call.services.policies
    return json_reply(
        backtest_view(policies.cancel_backtest(call.operator, path["version_id"], path["backtest_id"]))
    )


@policies.sending(
    "POST",
    f"{VERSION}/shadow",
    JsonBody(Nothing, optional=True),
    policy_answers.ShadowRun,
    act=Act.TRY_POLICY,
    once=True,
    answers={201: policy_answers.ShadowRun},
    problems=("policy-step",),
)
def start_policy_shadow(call: Call, wanted: Nothing) -> Reply:
    """Evaluate a version beside the active policy on live decisions; its answers are counted and never used."""
    command = StartShadow(call.path["version_id"])
    return stored_reply(call.services.policies.perform_once(call.operator, call.once, command), created=201)


@policies.get(f"{VERSION}/shadow", policy_answers.ShadowComparison, act=Act.READ_POLICY)
def get_policy_shadow(call: Call) -> Reply:
    """What a version would have answered, beside what was answered."""
    report = call.services.policies.shadow(call.operator, call.path["version_id"])
    return json_reply(comparison_view(report.run, report.comparison))


@policies.delete(f"{VERSION}/shadow", policy_answers.Version, act=Act.TRY_POLICY)
def stop_policy_shadow(call: Call) -> Reply:
    """End the comparison; what was counted stays."""
    return json_reply(
        version_view(call.services.policies.stop_shadow(call.operator, call.path["version_id"]))
    )


# -- Deciding -----------------------------------------------------------------------------------------------------------


@policies.sending(
    "POST",
    f"{VERSION}/approve",
    JsonBody(policy_requests.ApprovalWanted, optional=True),
    policy_answers.Version,
    act=Act.APPROVE_POLICY,
    once=True,
    problems=("policy-step", "policy-invalid", "policy-conflict"),
)
def approve_policy(call: Call, wanted: policy_requests.ApprovalWanted) -> Reply:
    """Find a version fit; nobody approves one of their own.

    An error that the analysis found must be accepted by name, and some can never be.
    """
    command = Approve(call.path["version_id"], wanted.accept or (), wanted.note or "")
    return stored_reply(call.services.policies.perform_once(call.operator, call.once, command), created=200)


@policies.sending(
    "POST",
    f"{VERSION}/activate",
    JsonBody(policy_requests.Noted, optional=True),
    policy_answers.Publication,
    act=Act.ACTIVATE_POLICY,
    once=True,
    if_match=True,
    problems=("policy-step", "policy-conflict"),
)
def activate_policy(call: Call, wanted: policy_requests.Noted) -> Reply:
    """Let an approved version decide from now on; every worker does so within a second."""
    command = Activate(call.path["version_id"], if_match(call.request), wanted.note or "")
    return stored_reply(call.services.policies.perform_once(call.operator, call.once, command), created=200)


@policies.sending(
    "POST",
    f"{POLICIES}/rollback",
    JsonBody(policy_requests.Noted, optional=True),
    policy_answers.Publication,
    act=Act.ACTIVATE_POLICY,
    once=True,
    if_match=True,
    problems=("policy-conflict",),
)
def roll_back_policy(call: Call, wanted: policy_requests.Noted) -> Reply:
    """Let the version before the active one decide again: one step, always."""
    command = RollBack(if_match(call.request), wanted.note or "")
    return stored_reply(call.services.policies.perform_once(call.operator, call.once, command), created=200)
