"""One factor of one challenge as its verifier is asked about it: the stored payment, and what the policy demands of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from authsvc.biometric.words import Gates, Modality
from authsvc.domain.account_table import ACTS, PROVED
from authsvc.domain.challenge import ATTEMPTS
from authsvc.domain.decision import Decision
from authsvc.domain.ids import twin
from authsvc.domain.standing import KEYS
from authsvc.factor import Factor, KeyUse, Step
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import FactorSet, Level
from authsvc.policy.ways import Way
from authsvc.subject import Novelty


def step_of(
    decision: Decision, factor: Factor, policy: Policy, wanted: Collection[FactorSet] | None = None
) -> Step:
    """The step with the target that a biometric comparison is judged at, and the liveness gates and gestures of its level.

    `wanted` are the sets that it may become part of, all that the challenge offers where none are given.
    """
    modality = Modality(factor.value) if factor.is_server_side_biometric else None
    target = None if modality is None else policy.target_fmr(modality)
    level, is_face = Level(decision.level), factor is Factor.FACE
    liveness = policy.liveness(level) if is_face else None
    gestures = policy.gestures(level) if is_face else None
    keys = _keys(decision, policy, wanted) if factor in KEYS else KeyUse()
    return replace(_step(decision, target, liveness), gestures=gestures, keys=keys)


def young_key_counts(way: Way, novelty: str, kind: str) -> bool:
    """A new phone never proves itself, and its key never answers for a trusted one.

    Beside a face or a voice, up to an amount, it counts as any other factor on probation does.
    """
    return way.admits_probation and way.is_biometric and novelty != Novelty.TRUSTED and kind not in PROVED


def _keys(decision: Decision, policy: Policy, wanted: Collection[FactorSet] | None) -> KeyUse:
    act = ACTS.get(decision.payment.type) if decision.payment.type in PROVED else None
    if act is not None:
        return KeyUse(suspended=act.suspended)
    offered = () if decision.challenge is None else decision.challenge.sets
    sets = offered if wanted is None else wanted
    ways = policy.ways_for(Level(decision.level), Inputs.from_snapshot(decision.inputs))
    asked = [way for way in ways if way.set in sets and not set(KEYS).isdisjoint(way.set)]
    return KeyUse(young=any(young_key_counts(way, decision.novelty, decision.payment.type) for way in asked))


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
        attempt=0 if decision.challenge is None else ATTEMPTS - decision.challenge.attempts_remaining,
    )
