"""The tests that a policy document carries: what its authors promise for payments that they wrote down."""

from __future__ import annotations

from authsvc.errors import InvalidRequest
from authsvc.policy.document import EmbeddedTest
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs


def failure_of(policy: Policy, test: EmbeddedTest) -> str | None:
    """How the policy breaks the promise of one test, or None when it keeps it."""
    try:
        outcome = policy.evaluate(Inputs.from_snapshot(test.payment))
    except InvalidRequest as error:
        return error.detail
    expected = test.expect
    if outcome.level is not expected.level:
        return f"expected level `{expected.level}`, got `{outcome.level}` from {', '.join(outcome.fired) or 'no rule'}"
    if "exemption" in expected.model_fields_set and outcome.exemption != expected.exemption:
        return f"expected exemption `{expected.exemption}`, got `{outcome.exemption}`"
    if expected.fired is not None and set(outcome.fired) != set(expected.fired):
        return f"expected the rules {list(expected.fired)} to fire, got {list(outcome.fired)}"
    return None
