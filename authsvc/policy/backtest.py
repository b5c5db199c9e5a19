"""What a candidate policy would have answered to decisions that were taken, from their own recorded inputs.

First every decision is reproduced with the policy that took it: a backtest that cannot repeat the past says nothing of
the future, so the first mismatch ends it and is shown. Streaming: memory does not grow with the number of decisions, and
a backtest that stops can be taken up where it stopped (`Backtest.state`, `Backtest.resumed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from authsvc.errors import InvalidRequest
from authsvc.policy.currency import UNBOUNDED
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.recorded import Excluded, Recorded, Unreadable
from authsvc.policy.tally import Tally, report


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A decision that its own policy does not repeat: what was recorded, and what comes out now."""

    id: str
    recorded: Mapping[str, object]
    repeated: Mapping[str, object]
    inputs: Inputs

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "recorded": dict(self.recorded),
            "repeated": dict(self.repeated),
            "inputs": self.inputs.to_snapshot(),
        }


class Backtest:
    """A candidate against the past; `policies` are those that took the decisions, by digest."""

    def __init__(self, candidate: Policy, policies: Iterable[Policy], tally: Tally | None = None) -> None:
        self.candidate = candidate
        self.policies = {policy.digest: policy for policy in policies}
        self.tally = Tally() if tally is None else tally
        self.mismatch: Mismatch | None = None

    @classmethod
    def resumed(cls, candidate: Policy, policies: Iterable[Policy], state: Mapping[str, Any]) -> Backtest:
        """Where an earlier one stopped. Any: JSON, from `state`. `tally.read` says how many lines to skip.

        Raises InvalidRequest for the state of another candidate.
        """
        if state["candidate"] != candidate.digest:
            raise InvalidRequest("the state is that of a backtest of another document")
        return cls(candidate, policies, Tally.from_json(state["tally"]))

    def state(self) -> dict[str, object]:
        """What `resumed` needs, as JSON; its size does not depend on how many decisions were read."""
        return {"candidate": self.candidate.digest, "tally": self.tally.to_json()}

    def run(self, decisions: Iterable[Recorded | Unreadable | Excluded]) -> Mismatch | None:
        """Take in decisions until they end or one cannot be reproduced, which is then returned."""
        for decision in decisions:
            if not self.take(decision):
                break
        return self.mismatch

    def take(self, decision: Recorded | Unreadable | Excluded) -> bool:
        """Take in one decision; false when it cannot be reproduced, and then it is not counted as read."""
        if isinstance(decision, Unreadable):
            self.tally.skip(f"unreadable {decision.reason}")
        elif isinstance(decision, Excluded):
            self.tally.skip(decision.reason)
        elif (policy := self.policies.get(decision.policy)) is None:
            self.tally.skip("decided by a policy that is not at hand")
        else:
            before = policy.evaluate(decision.inputs)
            self.mismatch = _mismatch(decision, before)
            if self.mismatch is not None:
                return False
            self._compare(decision, before)
        self.tally.read += 1
        return True

    def _compare(self, decision: Recorded, before: Outcome) -> None:
        after = self.candidate.evaluate(decision.inputs)
        self.tally.count(decision, before, after, self._amount(decision))

    def _amount(self, decision: Recorded) -> int | None:
        """In the smallest unit of the candidate's reference currency; None when that is not known."""
        amount = self.candidate.seen(decision.inputs).amount
        return None if amount == UNBOUNDED else amount

    def report(self) -> dict[str, object]:
        """The whole result as JSON; amounts are in the smallest unit of the candidate's reference currency."""
        return {
            "candidate": {
                "id": self.candidate.id,
                "version": self.candidate.version,
                "digest": self.candidate.digest,
                "currency": self.candidate.document.reference_currency,
            },
            "mismatch": None if self.mismatch is None else self.mismatch.to_json(),
            **report(self.tally),
        }


def _mismatch(decision: Recorded, repeated: Outcome) -> Mismatch | None:
    same_answer = repeated.level is decision.level and repeated.exemption == decision.exemption
    if same_answer and (decision.fired is None or repeated.fired == decision.fired):
        return None
    return Mismatch(
        decision.id,
        {"level": decision.level.value, "exemption": decision.exemption, "fired": decision.fired},
        {"level": repeated.level.value, "exemption": repeated.exemption, "fired": repeated.fired},
        decision.inputs,
    )
