"""The steps of a policy's life as operators ask for them: one command each, who may ask, and what the audit calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authsvc.domain.operator import Act
from authsvc.policy.life import Form
from authsvc.policy.thresholds import Model
from authsvc.policy_life.lab_proof import LabProof


@dataclass(frozen=True, slots=True)
class Draft:
    """Write a document down as a new version; whether it is any good is asked later."""

    text: str
    form: Form = "toml"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Validate:
    """Hold a draft against the schema, its bounds and its own tests, and its false match rates against the `models` in use."""

    version_id: str
    models: Sequence[Model] = ()


@dataclass(frozen=True, slots=True)
class RecordAnalysis:
    """Keep what the analysis of a version found; computed before, since that takes longer than a transaction may."""

    version_id: str
    against: str
    found: Mapping[str, Any]  # Any: JSON, from `policy.examination`.


@dataclass(frozen=True, slots=True)
class StartShadow:
    """Evaluate a version beside the active policy from now on; there is one such place."""

    version_id: str


@dataclass(frozen=True, slots=True)
class StopShadow:
    version_id: str


@dataclass(frozen=True, slots=True)
class StartBacktest:
    """Replay the decisions of the last `days` days against a version."""

    version_id: str
    days: int = 3650


@dataclass(frozen=True, slots=True)
class CancelBacktest:
    version_id: str
    backtest_id: str


@dataclass(frozen=True, slots=True)
class Approve:
    """Find a version fit. `accepting` names the findings that may stand; some can never be accepted."""

    version_id: str
    accepting: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Activate:
    """Let an approved version decide from now on, in place of the publication that `if_match` names.

    `lab` is what the lab report that is required says; None where none is.
    """

    version_id: str
    if_match: str
    note: str = ""
    lab: LabProof | None = None


@dataclass(frozen=True, slots=True)
class RollBack:
    """Let the version before the active one decide again: one step, always."""

    if_match: str
    note: str = ""


Command = (
    Draft
    | Validate
    | RecordAnalysis
    | StartShadow
    | StopShadow
    | StartBacktest
    | CancelBacktest
    | Approve
    | Activate
    | RollBack
)

NEEDS: Mapping[type, Act] = {
    Draft: Act.DRAFT_POLICY,
    Validate: Act.TRY_POLICY,
    RecordAnalysis: Act.TRY_POLICY,
    StartShadow: Act.TRY_POLICY,
    StopShadow: Act.TRY_POLICY,
    StartBacktest: Act.TRY_POLICY,
    CancelBacktest: Act.TRY_POLICY,
    Approve: Act.APPROVE_POLICY,
    Activate: Act.ACTIVATE_POLICY,
    RollBack: Act.ACTIVATE_POLICY,
}

AUDITED_AS: Mapping[type, str] = {
    Draft: "policy.draft",
    Validate: "policy.validate",
    RecordAnalysis: "policy.analyze",
    StartShadow: "policy.shadow",
    StopShadow: "policy.stop-shadow",
    StartBacktest: "policy.backtest",
    CancelBacktest: "policy.cancel-backtest",
    Approve: "policy.approve",
    Activate: "policy.activate",
    RollBack: "policy.roll-back",
}
