"""The conditions that rules and exemptions are made of: one key of the document, one input, one bound.

This table is the only place that says what a condition means; the engine's masks, the reasons of a decision, `explain`
and `analyze` are all derived from it. An input that is not known satisfies what tightens and fails what loosens.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from authsvc.factor import Category
from authsvc.policy.currency import UNBOUNDED
from authsvc.policy.inputs import FLAGS, Inputs
from authsvc.subject import Novelty


class Axis(Enum):
    """An input that conditions bound, in the order of `Seen`; the value is its path in a request, as reasons name it."""

    AMOUNT = "transaction.amount_minor"
    RISK = "risk.score"
    DEVICE = "device.novelty"
    TYPE = "transaction.type"
    CHANNEL = "context.channel"
    RISK_REASONS = "risk.reasons"
    SYNCED = "device.synced"
    PROVEN = "proven"
    VERIFY_ALWAYS = "user.verify_always"
    AMOUNT_UNUSUAL = "habit.amount_unusual"
    PAYEE_NEW = "habit.payee_new"
    HOUR_UNUSUAL = "habit.hour_unusual"
    WEEKDAY_UNUSUAL = "habit.weekday_unusual"
    BURST = "habit.burst"
    DORMANT = "habit.dormant"
    PLACE_NEW = "habit.place_new"
    DEVICE_UNUSED = "habit.device_unused"
    CHANNEL_UNUSED = "habit.channel_unused"
    GAIT_UNLIKE = "habit.gait_unlike"


class Seen(NamedTuple):
    """Inputs as conditions read them: the amount converted, what is missing replaced."""

    amount: int
    risk: int
    novelty: Novelty
    type: str
    channel: str | None
    risk_reasons: tuple[str, ...]
    synced: bool
    proven: tuple[Category, ...]
    verify_always: bool
    amount_unusual: int
    payee_new: bool
    hour_unusual: bool
    weekday_unusual: bool
    burst: bool
    dormant: bool
    place_new: bool
    device_unused: bool
    channel_unused: bool
    gait_unlike: bool

    @classmethod
    def of(cls, inputs: Inputs, amount: int) -> Seen:
        return cls(
            amount,
            inputs.risk,
            inputs.novelty,
            inputs.type,
            inputs.channel,
            inputs.risk_reasons,
            inputs.device_synced is not False,
            inputs.proven,
            inputs.verify_always,
            inputs.times_usual,
            *(getattr(inputs, name) is not False for name in FLAGS),
        )

    def on(self, axis: Axis) -> Any:  # Any: each axis has its own type, and only its own conditions read it.
        return self[_POSITION[axis]]

    def as_json(self, axis: Axis) -> object:
        """The value as plain JSON; an amount that could not be converted says so."""
        value = self.on(axis)
        return "not convertible" if axis is Axis.AMOUNT and value == UNBOUNDED else plain(value)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is as strict as it is: the rule, what it looked at, what was there, and the document's bound."""

    rule: str
    field: str
    value: object
    bound: object

    def to_json(self) -> dict[str, object]:
        return {"rule": self.rule, "field": self.field, "is": self.value, "bound": self.bound}


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a rule or an exemption with its bound."""

    key: str
    bound: Any  # Any: checked against its key by the document's schema before it comes here.

    @property
    def axis(self) -> Axis:
        return _MEANING[self.key][0]

    @property
    def loosens(self) -> bool:
        """Whether a riskier value can fail it: right for an exemption, never for a rule."""
        return self.key in LOOSENING

    def admits(self, value: object) -> bool:
        """Whether one value of its axis satisfies it."""
        return _MEANING[self.key][1](value, self.bound)

    def holds(self, seen: Seen) -> bool:
        return self.admits(seen.on(self.axis))

    def reason(self, rule: str, seen: Seen) -> Reason:
        return Reason(rule, self.axis.value, seen.as_json(self.axis), plain(self.bound))


def plain(value: object) -> object:
    """A value of an input or a bound in the types that JSON has."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value.value if isinstance(value, Enum) else value


def _any_of(stated: Container[object], bound: tuple[str, ...]) -> bool:
    return any(word in stated for word in bound)


Test = Callable[[Any, Any], bool]  # Any: as in Condition.

_MEANING: Mapping[str, tuple[Axis, Test]] = {
    "amount_at_least": (Axis.AMOUNT, lambda amount, bound: amount >= bound),
    "amount_at_most": (Axis.AMOUNT, lambda amount, bound: amount <= bound),
    "risk_at_least": (Axis.RISK, lambda risk, bound: risk >= bound),
    "risk_at_most": (Axis.RISK, lambda risk, bound: risk <= bound),
    "device_at_least": (Axis.DEVICE, lambda novelty, bound: novelty.rank >= bound.rank),
    "device_worse_than": (Axis.DEVICE, lambda novelty, bound: novelty.rank > bound.rank),
    "device_at_most": (Axis.DEVICE, lambda novelty, bound: novelty.rank <= bound.rank),
    "type_in": (Axis.TYPE, lambda kind, bound: kind in bound),
    "channel_in": (Axis.CHANNEL, lambda channel, bound: channel is None or channel in bound),
    "channel_among": (Axis.CHANNEL, lambda channel, bound: channel in bound),
    "risk_reason_in": (Axis.RISK_REASONS, _any_of),
    "synced": (Axis.SYNCED, lambda synced, bound: synced),
    "proven_lacks": (Axis.PROVEN, lambda proven, bound: bound not in proven),
    "verify_always": (Axis.VERIFY_ALWAYS, lambda wished, bound: wished),
    "amount_unusual_at_least": (Axis.AMOUNT_UNUSUAL, lambda times, bound: times >= bound),
    **{name: (Axis(f"habit.{name}"), lambda present, bound: present) for name in FLAGS},
}
LOOSENING = frozenset({"amount_at_most", "risk_at_most", "device_at_most", "channel_among"})
KEYS = tuple(_MEANING)

HABIT_AXES = tuple(axis for axis in Axis if axis.value.startswith("habit."))
"""What a payer's habits say of a payment."""

_POSITION = {axis: position for position, axis in enumerate(Axis)}
