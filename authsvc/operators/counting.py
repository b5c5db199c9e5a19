"""What one audit line, or one event, counts as on the console's first page. Pure, so that a figure can be taken again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authsvc.biometric.drift import step_of

Body = Mapping[str, Any]  # Any: a decoded audit line.

DECISION = "decision"
"""`decision:<status>:<level>` as it was decided first."""

CHALLENGE = "challenge"
"""`challenge:<how it ended>`, `refused` for each try that was not the last."""

FACTOR = "factor"
"""`factor:<factor>:passed|failed|attack|undecided` for each factor that was judged; the last two are liveness."""

LOCKED = "locked"
"""`locked:refused` for each try that came while the payer was locked out."""

SCORE = "score"
"""`score:<factor>:<digest of the model>:<step>` for each comparison that passed, in the steps of `authsvc.biometric.drift`."""

TIME = "time"
"""`time:<seconds>` for each challenge that was passed: the first of SECONDS within which its payer was through."""

WARNING = "warning"
"""`warning:<kind>:shown|acknowledged|stopped|left|unseen`: how often a warning was read, and what became of the payment."""

SIGNAL = "signal"
"""`signal:<name>` for each thing in which a payment was unlike its payer's habits, `signal:asked` for each payment."""

ASKED = "asked"

SECONDS = (2, 4, 6, 8, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300)

OPERATOR = "operator"
"""`operator:refused` for each act that a role did not allow, and each sign-in that failed."""

_DIGEST = 12
"""Digits of a model's digest that a name keeps."""


@dataclass(frozen=True, slots=True)
class Figure:
    """How often something was counted in the five minutes from `at` on."""

    at: datetime
    name: str
    count: int


def counted(bodies: Iterable[Body]) -> Counter[str]:
    """The names of everything that these lines count as."""
    return Counter(name for body in bodies for name in names_of(body))


def names_of(body: Body) -> Iterator[str]:
    action, result, details = body["action"], body["result"], body["details"]
    if isinstance(warning := details.get("warning"), dict):
        yield from _of_warning(action, warning)
    if action == "decision.decide":
        yield f"{DECISION}:{result}:{details.get('level', '')}"
        yield from (f"{SIGNAL}:{name}" for name in (ASKED, *details.get("signals", ())))
    elif action == "decision.complete":
        yield f"{CHALLENGE}:{result}"
        if result == "authenticated" and isinstance(details.get("seconds"), int):
            yield f"{TIME}:{_within(details['seconds'])}"
        if details.get("admitted") is False:
            yield f"{LOCKED}:refused"
        for proof in (*details.get("results", ()), *details.get("proofs", ())):
            yield from _of_proof(proof)
    elif action in ("decision.decline", "decision.expire", "decision.cancel", "decision.reconsider"):
        yield f"{CHALLENGE}:{result}"
    elif action in ("operator.act", "operator.sign-in") and result == "refused":
        yield f"{OPERATOR}:refused"


def _of_warning(action: str, warning: Body) -> Iterator[str]:
    """`shown` once, and how it ended: the payer went on, it stopped the payment, or they left it there."""
    kind = warning.get("kind")
    if action == "decision.warn":
        yield f"{WARNING}:{kind}:shown"
    elif action == "decision.answer-warning":
        yield f"{WARNING}:{kind}:acknowledged"
    elif action in ("decision.decline", "decision.expire") and warning.get("state") != "acknowledged":
        stopped = warning.get("state") == "stopped"
        yield f"{WARNING}:{kind}:{'stopped' if stopped else 'left' if warning.get('shown_at') else 'unseen'}"


def _within(seconds: int) -> int:
    return next((bound for bound in SECONDS if seconds <= bound), SECONDS[-1])


def _digits(model: object) -> str:
    return str(model).rpartition(":")[2][:_DIGEST]


def _of_proof(proof: Body) -> Iterator[str]:
    factor, passed = proof.get("factor"), proof.get("passed") is True
    liveness = str(proof.get("liveness", "")).lower()
    outcome = "passed" if passed else liveness if liveness in ("attack", "undecided") else "failed"
    yield f"{FACTOR}:{factor}:{outcome}"
    score = proof.get("score")
    if passed and isinstance(score, int | float) and -1 <= score <= 1:
        yield f"{SCORE}:{factor}:{_digits(proof.get('model'))}:{step_of(score)}"
