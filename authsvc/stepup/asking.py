"""One factor of one challenge as its verifier is asked about it: the stored payment, and what the policy demands of it."""

from __future__ import annotations

from authsvc.biometric.words import Gates, Modality
from authsvc.domain.decision import Decision
from authsvc.factor import Factor, Step
from authsvc.ids import twin
from authsvc.policy.engine import Policy
from authsvc.policy.level import Level


def step_of(decision: Decision, factor: Factor, policy: Policy) -> Step:
    """The step with the target that a biometric comparison is judged at, and the liveness gates of its level."""
    modality = Modality(factor.value) if factor.is_server_side_biometric else None
    target = None if modality is None else policy.target_fmr(modality)
    liveness = policy.liveness(Level(decision.level)) if factor is Factor.FACE else None
    return _step(decision, target, liveness)


def place_of(decision: Decision) -> Step:
    """The step as far as it says whose evidence of which challenge this is; nothing is judged by it."""
    return _step(decision, None, None)


def _step(decision: Decision, target_fmr: str | None, liveness: Gates) -> Step:
    return Step(
        decision_id=decision.id,
        challenge_id=twin(decision.id, "chl"),
        subject=decision.payment.subject,
        payment=decision.payment,
        binding=decision.binding,
        locale=decision.locale,
        device_id=decision.device_id,
        target_fmr=target_fmr,
        liveness=liveness,
    )
