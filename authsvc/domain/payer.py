"""What the decision path reads of a payer in one look, and what their habits say of a payment."""

from __future__ import annotations

from typing import NamedTuple

from authsvc.device.credential import Device
from authsvc.domain.account import Account
from authsvc.domain.decision import Decision, Habit
from authsvc.habit.form import Packed
from authsvc.habit.signals import signals
from authsvc.habit.words import Act, Signal
from authsvc.subject import Novelty

NOT_SHOWN = "\0"
"""Stands for a device of which an id is stated and nothing shown: no habit ever knows it."""

SEEN = (Novelty.TRUSTED, Novelty.PROBATION)
"""How new a device is that showed its own secret."""


class Payer(NamedTuple):
    """`habits` None: nothing was learned. `recent` counts other payments of the last hour that were asked for.

    `consumed` says that a receipt for this very payment was consumed before.
    """

    account: Account | None = None
    device: Device | None = None
    habits: Packed | None = None
    recent: int = 0
    consumed: bool = False


def habit_of(payer: Payer, act: Act) -> Habit:
    """What is kept with the decision about this payment."""
    said = signals(payer.habits, act)
    return Habit(said.present, tuple(said.unknown), act.recent, act.place)


def is_unlike(habit: Habit) -> bool:
    """Whether the payer should hear of a payment: unlike theirs in its amount, or in two ways; one alone is everyday life."""
    return len(habit.present) >= 2 or Signal.AMOUNT_UNUSUAL in habit.present  # As it says.


def act_of(decision: Decision) -> Act:
    """A payment that was decided, as habits see it."""
    payment, habit, channel = decision.payment, decision.habit, decision.inputs.get("channel")
    return Act(
        at=decision.created_at,
        kind=payment.type,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        payee=payment.payee.id,
        device=decision.device_id if Novelty(decision.novelty) in SEEN else None,
        channel=None if channel is None else str(channel),
        place=None if habit is None else habit.place,
        recent=1 if habit is None else habit.recent,
    )
