"""Why a payer is asked, in one of four coarse words, where the backend wants the payer to know.

The precise reasons name rules and bounds and stay the backend's: whoever read them would learn what to stay below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from authsvc.domain.decision import Decision
from authsvc.policy.conditions import HABIT_AXES

Why = Literal["device", "amount", "unusual", "wished"]

_WORDS: Mapping[str, Why] = {
    "device.novelty": "device",
    "device.synced": "device",
    "transaction.amount_minor": "amount",
    "risk.score": "unusual",
    "risk.reasons": "unusual",
    "user.verify_always": "wished",
    **dict.fromkeys((axis.value for axis in HABIT_AXES), "unusual"),
}


def why(decision: Decision) -> list[Why]:
    """The words in their fixed order, whatever the order of the rules; none unless the backend asked for them."""
    return words(decision) if decision.passed.show_why else []


def words(decision: Decision) -> list[Why]:
    """The same, whatever the backend wants: a warning without its reason warns nobody."""
    found = {_word(str(reason.get("field"))) for reason in decision.reasons}
    return [word for word in get_args(Why) if word in found]


def _word(field: str) -> Why | None:
    return "unusual" if field.startswith("habit.") else _WORDS.get(field)
