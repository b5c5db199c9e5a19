"""The policy service: everything an operator may do with the policy, for the HTTP API, the console and the command line.

Every method takes the signed-in operator first. What looks and tries changes nothing. What takes a step (`draft`, `validate`,
`analyze`, `start_shadow`, `start_backtest`, `approve`, `activate`, `roll_back` and their undoing) writes an audit line, of a
refusal too, and then raises what refused it:

- NotPermitted: the operator's roles do not allow it, or nobody may approve a version of their own;
- PolicyInvalid: the document is not fit for use; `extra["findings"]` says why;
- PolicyStep: the version is not at this point of its life; PolicyConflict: another policy has become active in between;
- NotFound, InvalidRequest as everywhere.

A change of the policy, from beginning to end:

    version = policies.draft(ann, text, note="ask for a face from 500 yuan on")
    version = policies.validate(ann, version.id)
    version = policies.analyze(ann, version.id, Profile.SEED)    # version.examined: findings, and every cell that changes
    policies.explain(ann, version.id, payment)                   # what if
    policies.start_backtest(ann, version.id, days=90)            # a job; policies.backtest(…) shows how far it is
    policies.start_shadow(ann, version.id)                       # policies.shadow(…) compares it with live decisions
    version = policies.approve(bob, version.id, accepting=("weaker-than-active",))
    policies.activate(bob, version.id, if_match=policies.active(bob).publication.etag)
    policies.roll_back(bob, if_match=policies.active(bob).publication.etag)

The API asks for its steps through `answer`, which keeps the answer for the Idempotency-Key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from authsvc.clock import Clock
from authsvc.domain.once import Answer, Answers, Once
from authsvc.domain.operator import Act, Operator
from authsvc.domain.store import Ledger, Transaction
from authsvc.errors import AuthsvcError, NotFound, NotPermitted, PolicyInvalid
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.examination import Past
from authsvc.policy.explain import Explanation, explain
from authsvc.policy.inputs import Inputs
from authsvc.policy.jobs import Backtesting
from authsvc.policy.life import Form, Publication, ShadowRun, State, Version
from authsvc.policy.profiles import Profile
from authsvc.policy.shadow import Comparison
from authsvc.policy.thresholds import Model, Threshold, thresholds
from authsvc.policy_life.active import ActivePolicy
from authsvc.policy_life.analyst import Analyst
from authsvc.policy_life.lab_proof import LabGate, LabProof
from authsvc.policy_life.publishing import Done, must_be_seeded, must_find, perform
from authsvc.policy_life.steps import (
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
from authsvc.policy_life.views import view_of

LARGEST_PAGE = 200

Found = TypeVar("Found")


LOOKED_BACK = timedelta(days=30)
SAMPLED = 1_000
"""What a text is tried on while it is written: enough to tell per cents, and read within a few hundredths of a second."""


@dataclass(frozen=True, slots=True)
class Active:
    """What decides now: the publication that made it so, whose `etag` `If-Match` names, and the version itself."""

    publication: Publication
    version: Version


@dataclass(frozen=True, slots=True)
class Look:
    """A text that nobody has saved: what is wrong with it as a document, or else what an examination found."""

    faults: tuple[Mapping[str, object], ...] = ()
    found: Mapping[str, Any] | None = (
        None  # Any: JSON, `report`, `difference` and `errors` of `policy.examination`.
    )


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """The last time a version ran beside the active policy; `run.stopped_at` is None while it does."""

    run: ShadowRun
    comparison: Comparison


class PolicyService:
    """`models` are the matchers in use, which a document's false match rates are held against; with `lab` an activation
    requires a lab report, and a rollback does not: it is the way out.
    """

    def __init__(
        self,
        ledger: Ledger,
        active: ActivePolicy,
        answers: Answers,
        analyst: Analyst,
        clock: Clock,
        models: Callable[[], Sequence[Model]] = tuple,
        lab: LabGate | None = None,
    ) -> None:
        self._ledger = ledger
        self._active = active
        self._answers = answers
        self._analyst = analyst
        self._clock = clock
        self._models = models
        self._lab = lab

    # -- Looking ----------------------------------------------------------------------------------------------------

    def versions(self, operator: Operator, after: str | None = None, limit: int = 50) -> tuple[Version, ...]:
        """The newest first; `after` is the id of the last one of the page before."""
        return self._read(operator, lambda tx: tx.life.page(after, min(limit, LARGEST_PAGE)))

    def version(self, operator: Operator, version_id: str) -> Version:
        return self._read(operator, lambda tx: must_find(tx, version_id))

    def active(self, operator: Operator) -> Active:
        def query(tx: Transaction) -> Active:
            publication = must_be_seeded(tx).publication
            return Active(publication, must_find(tx, publication.version_id))

        return self._read(operator, query)

    def history(
        self, operator: Operator, before: int | None = None, limit: int = 50
    ) -> tuple[Publication, ...]:
        """The publication log, the newest first."""
        return self._read(operator, lambda tx: tx.life.history(before, min(limit, LARGEST_PAGE)))

    def policy(self, operator: Operator, version_id: str) -> Policy:
        """A version compiled, also one that may not be used, to show what it does; raises PolicyInvalid."""
        source = self.version(operator, version_id).source
        return loading.from_text(source.text, source.form, for_analysis=True)

    def active_policy(self, operator: Operator) -> Policy:
        """The very policy that decides in this process now."""
        _must_may(operator, Act.READ_POLICY)
        return self._active()

    def thresholds(self, operator: Operator, version_id: str) -> tuple[Threshold, ...]:
        """What a version's false match rates are as scores of the models in use, or why they cannot be."""
        return thresholds(self.policy(operator, version_id).document, self._models())

    def lab_proof(self, operator: Operator) -> LabProof | None:
        """What the lab report says that an activation requires; None where none is required."""
        _must_may(operator, Act.READ_POLICY)
        return None if self._lab is None else self._lab.look()

    def shadow(self, operator: Operator, version_id: str) -> ShadowReport:
        """How a version compares with live decisions; raises NotFound for one that never ran beside them."""

        def query(tx: Transaction) -> ShadowReport:
            run = tx.shadows.last_run(must_find(tx, version_id).id)
            if run is None:
                raise NotFound("this version was never evaluated beside the active policy")
            return ShadowReport(run, tx.shadows.comparison(run.id))

        return self._read(operator, query)

    def backtests(self, operator: Operator, version_id: str) -> tuple[Backtesting, ...]:
        """A version's backtests, the newest first."""
        return self._read(operator, lambda tx: tx.backtests.of_version(must_find(tx, version_id).id))

    def backtest(self, operator: Operator, version_id: str, backtest_id: str) -> Backtesting:
        """One backtest: how far it is (`share`), and its `report` once it is done."""

        def query(tx: Transaction) -> Backtesting:
            job = tx.backtests.find(backtest_id)
            if job is None or job.version_id != version_id:
                raise NotFound("no such backtest")
            return job

        return self._read(operator, query)

    # -- Trying, which changes nothing ------------------------------------------------------------------------------

    def explain(self, operator: Operator, version_id: str, payment: Mapping[str, object]) -> Explanation:
        """What a version would say to one payment, an input snapshot, and the smallest change that changes it."""
        return explain(self.policy(operator, version_id), Inputs.from_snapshot(payment))

    def look_at(
        self, operator: Operator, text: str, form: Form = "toml", profile: Profile | None = None
    ) -> Look:
        """Examine a text beside the active policy without saving it, as an editor does, and try it on a sample of the past."""
        _must_may(operator, Act.TRY_POLICY)
        try:
            candidate = loading.from_text(text, form, models=self._models())
        except PolicyInvalid as error:
            return Look(faults=_findings(error))
        return Look(found=self._analyst.examine(candidate, self._active(), profile, self._past()))

    def _past(self) -> Past:
        """Decisions of the last days. Their ids are drawn by chance, so the first ones by id are a sample of them all."""
        until = self._clock.now()
        since = until - LOOKED_BACK

        def query(tx: Transaction) -> Past:
            lines = tx.backtests.sampled(since, until, SAMPLED)
            return Past(tx.backtests.documents(), lines, tx.backtests.total(since, until))

        return self._ledger.read(query)

    # -- Steps ------------------------------------------------------------------------------------------------------

    def draft(self, operator: Operator, text: str, form: Form = "toml", note: str = "") -> Version:
        """Write a text down as a new version; raises PolicyInvalid for one that is not even TOML or JSON."""
        return self._done(Version, operator, Draft(text, form, note))

    def validate(self, operator: Operator, version_id: str) -> Version:
        """Raises PolicyInvalid with every fault of the document, its own failing tests among them."""
        return self._done(Version, operator, Validate(version_id))

    def analyze(self, operator: Operator, version_id: str, profile: Profile | None = None) -> Version:
        """Account for every cell of a version, alone and beside the active policy; an approval that it had is void."""
        if not operator.may(Act.TRY_POLICY):
            return self._done(Version, operator, RecordAnalysis(version_id, "", {}))
        version, active = self.version(operator, version_id), self._active()
        if version.state not in _ANALYZABLE:
            return self._done(Version, operator, RecordAnalysis(version_id, active.digest, _NOTHING_FOUND))
        candidate = loading.from_text(version.source.text, version.source.form)
        found = self._analyst.examine(candidate, active, profile)
        return self._done(Version, operator, RecordAnalysis(version_id, active.digest, found))

    def start_shadow(self, operator: Operator, version_id: str) -> ShadowRun:
        """Evaluate a version beside the active policy; whoever was there before makes room."""
        run = self._done(ShadowRun, operator, StartShadow(version_id))
        self._active.refresh()
        return run

    def stop_shadow(self, operator: Operator, version_id: str) -> Version:
        return self._done(Version, operator, StopShadow(version_id))

    def start_backtest(self, operator: Operator, version_id: str, days: int = 3650) -> Backtesting:
        """Ask for a replay of the decisions of the last `days` days; a process of its own takes it up."""
        return self._done(Backtesting, operator, StartBacktest(version_id, days))

    def cancel_backtest(self, operator: Operator, version_id: str, backtest_id: str) -> Backtesting:
        return self._done(Backtesting, operator, CancelBacktest(version_id, backtest_id))

    def approve(
        self, operator: Operator, version_id: str, accepting: tuple[str, ...] = (), note: str = ""
    ) -> Version:
        """Find a version fit, findings named in `accepting` included; another person than its author must."""
        return self._done(Version, operator, Approve(version_id, accepting, note))

    def activate(self, operator: Operator, version_id: str, if_match: str, note: str = "") -> Publication:
        """Let an approved version decide; `if_match` is the etag of the active publication as it was seen."""
        return self._published(operator, Activate(version_id, if_match, note))

    def roll_back(self, operator: Operator, if_match: str, note: str = "") -> Publication:
        """Let the version before the active one decide again."""
        return self._published(operator, RollBack(if_match, note))

    def perform_once(self, operator: Operator, once: Once, command: Command) -> Answer:
        """Take a step for the API: its answer, or its refusal, is kept for the Idempotency-Key."""
        now, command = self._clock.now(), self._equipped(command)

        def effect(tx: Transaction) -> Answer:
            outcome = perform(tx, operator, command, now)
            if isinstance(outcome, AuthsvcError):
                return Answer.refusal(outcome)
            return Answer.of(view_of(outcome))

        answer = self._ledger.transact(
            lambda tx: self._answers.run(tx, f"operator/{operator.id}", once, now, lambda: effect(tx))
        )
        self._active.refresh()
        return answer

    # -- How it works -----------------------------------------------------------------------------------------------

    def _read(self, operator: Operator, query: Callable[[Transaction], Found]) -> Found:
        _must_may(operator, Act.READ_POLICY)
        return self._ledger.read(query)

    def _done(self, expected: type[Found], operator: Operator, command: Command) -> Found:
        """Take a step; a refusal is raised once its audit line is durable."""
        now: datetime = self._clock.now()
        command = self._equipped(command)
        outcome: Done | AuthsvcError = self._ledger.transact(lambda tx: perform(tx, operator, command, now))
        if isinstance(outcome, AuthsvcError):
            raise outcome
        if not isinstance(outcome, expected):
            raise TypeError(f"{type(command).__name__} answered a {type(outcome).__name__}")
        return outcome

    def _equipped(self, command: Command) -> Command:
        """A validation knows the models that are in use here, and an activation what the lab has shown, whoever asked for it."""
        match command:
            case Validate():
                return replace(command, models=self._models())
            case Activate():
                return replace(command, lab=None if self._lab is None else self._lab.look())
        return command

    def _published(self, operator: Operator, command: Command) -> Publication:
        publication = self._done(Publication, operator, command)
        self._active.refresh()
        return publication


_ANALYZABLE = frozenset({State.VALIDATED, State.ANALYZED, State.SHADOWING, State.APPROVED})
_NOTHING_FOUND: Mapping[str, Any] = {"report": {}, "difference": {}, "errors": ()}


def _must_may(operator: Operator, act: Act) -> None:
    if not operator.may(act):
        raise NotPermitted(f"the roles of `{operator.id}` do not allow this")


def _findings(error: PolicyInvalid) -> tuple[Mapping[str, object], ...]:
    findings = error.extra["findings"]
    return tuple(findings) if isinstance(findings, list) else ()
