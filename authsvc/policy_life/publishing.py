"""How the steps of a policy's life are taken (`policy_steps`), each within a transaction.

`perform` is the only way in: it asks the table who may do it, carries it out, and writes the audit line, of a refusal as of
an act. A refusal is answered as a value, so that its audit line commits with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from authsvc.audit.chain import Entry, entry
from authsvc.domain.ids import new_id
from authsvc.domain.operator import Operator
from authsvc.domain.store import Transaction
from authsvc.errors import (
    AuthsvcError,
    InvalidRequest,
    NotFound,
    NotPermitted,
    PolicyConflict,
    PolicyInvalid,
    PolicyStep,
)
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.jobs import Backtesting
from authsvc.policy.life import (
    CANDIDATES,
    Approval,
    Current,
    Examined,
    Publication,
    Publishing,
    ShadowRun,
    Source,
    State,
    Version,
)
from authsvc.policy_life.lab_proof import LabProof
from authsvc.policy_life.steps import (
    AUDITED_AS,
    NEEDS,
    Activate,
    Approve,
    CancelBacktest,
    Command,
    Draft,
    RecordAnalysis,
    RollBack,
    StartBacktest,
    StartShadow,
    StopShadow,
    Validate,
)

LONGEST_BACKTEST = timedelta(days=3650)

Done = Version | Publication | ShadowRun | Backtesting
Outcome = Done | AuthsvcError


def perform(tx: Transaction, operator: Operator, command: Command, now: datetime) -> Outcome:
    """Carry a command out, or return why not; either way it stands in the audit."""
    if operator.may(NEEDS[type(command)]):
        outcome = _carried_out(tx, operator, command, now)
    else:
        outcome = NotPermitted(f"the roles of `{operator.id}` do not allow this")
    tx.record(_line(operator, command, outcome, now))
    return outcome


def _carried_out(tx: Transaction, operator: Operator, command: Command, now: datetime) -> Outcome:
    try:
        return _STEPS[type(command)](tx, operator, command, now)
    except (NotFound, InvalidRequest, PolicyInvalid) as refusal:
        # Whatever is raised here was raised before anything was written.
        return refusal


def seed(tx: Transaction, policy: Policy, source: Source, by: str, now: datetime) -> Publication | None:
    """Give an empty store the policy that the service was installed with; None where it has one."""
    version = Version(
        id=new_id("pol"),
        source=source,
        author=by,
        note="the policy that the service was installed with",
        created_at=now,
        state=State.ACTIVE,
        policy_id=policy.id,
        number=policy.version,
    )
    publication = Publication(1, version.id, policy.digest, Publishing.SEEDED, by, now, None)
    if not tx.life.seed(publication):
        return None
    tx.life.add(version)
    tx.life.claim_number(policy.id, policy.version, policy.digest)
    tx.policies.remember(policy.digest, policy.id, policy.version, policy.canonical.decode(), now)
    details = {"policy": policy.digest, "publication": publication.number}
    tx.record(entry(by, "policy.seed", None, version.id, "active", now, **details))
    return publication


# -- The steps ----------------------------------------------------------------------------------------------------------


def _draft(tx: Transaction, operator: Operator, command: Draft, now: datetime) -> Outcome:
    digest = loading.digest_of(command.text, command.form)
    source = Source(command.text, command.form, digest)
    version = Version(new_id("pol"), source, operator.id, command.note, now)
    tx.life.add(version)
    return version


def _validate(tx: Transaction, operator: Operator, command: Validate, now: datetime) -> Outcome:
    version = must_find(tx, command.version_id)
    policy = loading.from_text(version.source.text, version.source.form, models=command.models)
    following = version.validated(policy.id, policy.version)
    if isinstance(following, AuthsvcError):
        return following
    # Once a number names a document it names that one for good: receipts and audit lines quote it.
    owner = tx.life.claim_number(policy.id, policy.version, policy.digest)
    if owner != policy.digest:
        free = tx.life.highest_number(policy.id) + 1
        message = (
            f"version {policy.version} of `{policy.id}` is another document; the next free number is {free}"
        )
        return PolicyInvalid(message, findings=[_number_taken(message)])
    return tx.life.save(following)


def _record_analysis(tx: Transaction, operator: Operator, command: RecordAnalysis, now: datetime) -> Outcome:
    version = must_find(tx, command.version_id)
    found = command.found
    examined = Examined(
        command.against, now, operator.id, found["report"], found["difference"], tuple(found["errors"])
    )
    if version.state is State.SHADOWING:
        _end_shadow(tx, must_be_seeded(tx), now)
        version = must_find(tx, command.version_id)
    return _saved(tx, version.analyzed(examined))


def _start_shadow(tx: Transaction, operator: Operator, command: StartShadow, now: datetime) -> Outcome:
    version, current = must_find(tx, command.version_id), must_be_seeded(tx)
    following = version.become(State.SHADOWING)
    if isinstance(following, AuthsvcError):
        return following
    run = ShadowRun(
        id=new_id("shd"),
        version_id=version.id,
        digest=version.source.digest,
        against=current.publication.digest,
        by=operator.id,
        started_at=now,
    )
    _end_shadow(tx, current, now)
    tx.life.save(following)
    tx.life.begin_shadow(run)
    return run


def _stop_shadow(tx: Transaction, operator: Operator, command: StopShadow, now: datetime) -> Outcome:
    version, current = must_find(tx, command.version_id), must_be_seeded(tx)
    run = current.shadow
    if run is None or run.version_id != version.id:
        return NotFound("this version is not evaluated beside the active policy")
    _end_shadow(tx, current, now)
    return must_find(tx, version.id)


def _start_backtest(tx: Transaction, operator: Operator, command: StartBacktest, now: datetime) -> Outcome:
    version = must_find(tx, command.version_id)
    if version.state not in CANDIDATES:
        return PolicyStep(f"the version is {version.state}; analyze it first", state=version.state.value)
    if not timedelta(0) < timedelta(days=command.days) <= LONGEST_BACKTEST:
        return InvalidRequest(f"`days` must be between 1 and {LONGEST_BACKTEST.days}")
    job = Backtesting(
        id=new_id("bkt"),
        version_id=version.id,
        by=operator.id,
        created_at=now,
        since=now - timedelta(days=command.days),
        until=now,
    )
    tx.backtests.add(job)
    return job


def _cancel_backtest(tx: Transaction, operator: Operator, command: CancelBacktest, now: datetime) -> Outcome:
    job = tx.backtests.find(command.backtest_id)
    if job is None or job.version_id != command.version_id:
        return NotFound("no such backtest")
    return tx.backtests.cancel(job, now)


def _approve(tx: Transaction, operator: Operator, command: Approve, now: datetime) -> Outcome:
    version, current = must_find(tx, command.version_id), must_be_seeded(tx)
    approval = Approval(operator.id, now, tuple(sorted(set(command.accepting))), command.note)
    following = version.approved(approval, current.publication.digest)
    if isinstance(following, AuthsvcError):
        return following
    if version.state is State.SHADOWING and current.shadow is not None:
        tx.life.end_shadow(current.shadow, now)
    return tx.life.save(following)


def _activate(tx: Transaction, operator: Operator, command: Activate, now: datetime) -> Outcome:
    version, current = must_find(tx, command.version_id), must_be_seeded(tx)
    if current.publication.etag != command.if_match:
        return _not_any_more(current)
    following = version.activated(current.publication.digest)
    if isinstance(following, AuthsvcError):
        return following
    if command.lab is not None and command.lab.faults:
        return _not_shown(version, command.lab)
    policy = loading.from_text(version.source.text, version.source.form)
    publication = Publication(
        number=current.publication.number + 1,
        version_id=version.id,
        digest=policy.digest,
        how=Publishing.ACTIVATED,
        by=operator.id,
        at=now,
        back_to=current.publication.number,
        note=command.note,
    )
    return _published(tx, current, publication, following, State.SUPERSEDED, now)


def _roll_back(tx: Transaction, operator: Operator, command: RollBack, now: datetime) -> Outcome:
    current = must_be_seeded(tx)
    if current.publication.etag != command.if_match:
        return _not_any_more(current)
    earlier = (
        None if current.publication.back_to is None else tx.life.publication(current.publication.back_to)
    )
    if earlier is None:
        return PolicyConflict("the active policy is the first one: there is nothing to go back to")
    following = must_find(tx, earlier.version_id).become(State.ACTIVE)
    if isinstance(following, AuthsvcError):
        return following
    publication = Publication(
        number=current.publication.number + 1,
        version_id=earlier.version_id,
        digest=earlier.digest,
        how=Publishing.ROLLED_BACK,
        by=operator.id,
        at=now,
        back_to=earlier.back_to,
        note=command.note,
    )
    return _published(tx, current, publication, following, State.ROLLED_BACK, now)


def _published(
    tx: Transaction,
    current: Current,
    publication: Publication,
    following: Version,
    left: State,
    now: datetime,
) -> Outcome:
    """The one conditional write that every activation goes through: of two that name the same publication, one wins."""
    if not tx.life.publish(publication, expected=current.publication.number):
        return _not_any_more(must_be_seeded(tx))
    # A comparison with a policy that decides no longer would count two things as one.
    _end_shadow(tx, current, now)
    _must_save(tx, must_find(tx, current.publication.version_id).become(left))
    policy = loading.from_text(following.source.text, following.source.form)
    tx.policies.remember(policy.digest, policy.id, policy.version, policy.canonical.decode(), now)
    _must_save(tx, following)
    return publication


def _end_shadow(tx: Transaction, current: Current, now: datetime) -> None:
    """Whoever is evaluated beside the active policy is so no longer, and as far as it was before."""
    if current.shadow is None:
        return
    tx.life.end_shadow(current.shadow, now)
    version = must_find(tx, current.shadow.version_id)
    if version.state is State.SHADOWING:
        _must_save(tx, version.become(State.ANALYZED))


_STEPS: Mapping[type, Callable[..., Outcome]] = {
    Draft: _draft,
    Validate: _validate,
    RecordAnalysis: _record_analysis,
    StartShadow: _start_shadow,
    StopShadow: _stop_shadow,
    StartBacktest: _start_backtest,
    CancelBacktest: _cancel_backtest,
    Approve: _approve,
    Activate: _activate,
    RollBack: _roll_back,
}


# -- Shared -------------------------------------------------------------------------------------------------------------


def must_find(tx: Transaction, version_id: str) -> Version:
    """The version; raises NotFound."""
    version = tx.life.find(version_id)
    if version is None:
        raise NotFound("no such version of the policy")
    return version


def must_be_seeded(tx: Transaction) -> Current:
    """What decides now; raises NotFound on a store that no service has started on yet."""
    current = tx.life.current()
    if current is None:
        raise NotFound("no policy is active yet")
    return current


def _saved(tx: Transaction, following: Version | AuthsvcError) -> Version | AuthsvcError:
    return following if isinstance(following, AuthsvcError) else tx.life.save(following)


def _must_save(tx: Transaction, following: Version | AuthsvcError) -> None:
    """Save a step that the table has; one that it lacks here is a mistake of ours, and undoes the whole act."""
    if isinstance(following, AuthsvcError):
        raise LookupError(following.detail)
    tx.life.save(following)


def _not_shown(version: Version, lab: LabProof) -> PolicyStep:
    faults = [each.value for each in lab.faults]
    return PolicyStep(
        "a passing lab report of the current models is required before a policy becomes active",
        state=version.state.value,
        lab=faults,
    )


def _not_any_more(current: Current) -> PolicyConflict:
    return PolicyConflict(
        "the active policy is another one than `If-Match` names", active=current.publication.etag
    )


def _number_taken(message: str) -> Mapping[str, object]:
    return {
        "code": "invalid-document",
        "severity": "error",
        "message": message,
        "path": ["version"],
        "line": None,
    }


def _line(operator: Operator, command: Command, outcome: Outcome, now: datetime) -> Entry:
    actor, action, about = f"operator:{operator.id}", AUDITED_AS[type(command)], _about(command, outcome)
    if isinstance(outcome, AuthsvcError):
        refusal = {"refused": outcome.slug, "why": outcome.detail}
        return entry(actor, action, None, about, "refused", now, **refusal)
    return entry(actor, action, None, about, "done", now, **_told(outcome))


def _about(command: Command, outcome: Outcome) -> str:
    """The version that a command names, or that came of it; a refused draft or rollback is about the policy as such."""
    if not isinstance(command, Draft | RollBack):
        return command.version_id
    if isinstance(outcome, AuthsvcError):
        return "policy"
    return outcome.id if isinstance(outcome, Version) else outcome.version_id


def _told(done: Done) -> Mapping[str, object]:
    """What the audit keeps of an act: which document, and what it rests on."""
    if isinstance(done, Publication):
        return {"policy": done.digest, "publication": done.number, "how": done.how.value, "note": done.note}
    if isinstance(done, ShadowRun):
        return {"policy": done.digest, "shadow": done.id, "against": done.against}
    if isinstance(done, Backtesting):
        return {"backtest": done.id, "state": done.state.value}
    details: dict[str, object] = {"policy": done.source.digest, "state": done.state.value, "note": done.note}
    if done.approval is not None:
        details |= {"accepted": list(done.approval.accepted), "approval_note": done.approval.note}
    return details
