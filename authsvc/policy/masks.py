"""The document's rules as bit masks: for every interval of every input, the rules that it does not rule out.

Bit n is rule n, strictest first. One lookup per input and an AND over them tells the rules that apply, at a cost that
hardly depends on how many there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from authsvc.factor import Category
from authsvc.policy.conditions import Axis, Condition
from authsvc.policy.inputs import FLAGS, RISKIEST, Inputs
from authsvc.policy.rules import Rule
from authsvc.subject import Novelty

_OTHER = "\0"
"""Stands for a word that no rule mentions."""


@dataclass(frozen=True, slots=True)
class Masks:
    """One table per input. `amounts` are the cuts at which `by_amount` changes; a cut belongs to what follows it.

    `looks_further` is false where no rule looks at more than amount, risk and device: then nothing else is looked up.
    `times` are the cuts of how many times the usual an amount is; of the habit's flags only those are there that a rule looks at,
    each with the mask where it is absent and where it is present.
    """

    amounts: tuple[int, ...]
    by_amount: tuple[int, ...]
    by_risk: tuple[int, ...]
    by_device: dict[Novelty, int]
    by_type: dict[str, int]
    by_channel: dict[str | None, int]
    by_reason: dict[str, int]
    by_synced: dict[bool | None, int]
    by_proven: dict[tuple[Category, ...], int]
    by_wish: tuple[int, int]
    times: tuple[int, ...]
    by_times: tuple[int, ...]
    by_flag: tuple[tuple[str, int, int], ...]
    other_type: int
    other_channel: int
    no_reason: int
    looks_further: bool

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> Masks:
        table = _Table(rules)
        amounts = tuple(sorted(table.amount_cuts() - {0}))
        times = tuple(sorted(table.times_cuts()))
        return cls(
            amounts=amounts,
            by_amount=tuple(table.mask(Axis.AMOUNT, amount) for amount in (0, *amounts)),
            by_risk=tuple(table.mask(Axis.RISK, risk) for risk in range(RISKIEST + 1)),
            by_device={novelty: table.mask(Axis.DEVICE, novelty) for novelty in Novelty},
            by_type={word: table.mask(Axis.TYPE, word) for word in table.words(Axis.TYPE)},
            by_channel={word: table.mask(Axis.CHANNEL, word) for word in (None, *table.words(Axis.CHANNEL))},
            by_reason={
                word: table.mask(Axis.RISK_REASONS, (word,)) for word in table.words(Axis.RISK_REASONS)
            },
            by_synced={
                stated: table.mask(Axis.SYNCED, stated is not False) for stated in (None, True, False)
            },
            by_proven={proven: table.mask(Axis.PROVEN, proven) for proven in _orders_of_proof()},
            by_wish=(table.mask(Axis.VERIFY_ALWAYS, False), table.mask(Axis.VERIFY_ALWAYS, True)),
            times=times,
            by_times=tuple(table.mask(Axis.AMOUNT_UNUSUAL, each) for each in (1, *times)),
            by_flag=tuple(
                (name, table.mask(axis, False), table.mask(axis, True))
                for name in FLAGS
                if (axis := Axis(f"habit.{name}")) in table.axes
            ),
            other_type=table.mask(Axis.TYPE, _OTHER),
            other_channel=table.mask(Axis.CHANNEL, _OTHER),
            no_reason=table.mask(Axis.RISK_REASONS, ()),
            looks_further=not table.axes <= {Axis.AMOUNT, Axis.RISK, Axis.DEVICE},
        )

    def matching(self, inputs: Inputs, amount: int) -> int:
        """The rules that apply; `amount` is in the smallest unit of the reference currency."""
        risk = inputs.risk_score
        mask = (
            self.by_amount[bisect_right(self.amounts, amount)]
            & self.by_risk[risk if risk is not None and 0 <= risk <= RISKIEST else RISKIEST]
            & self.by_device[inputs.novelty]
        )
        return mask & self._by_the_rest(inputs) if self.looks_further else mask

    @property
    def looks_at_habits(self) -> bool:
        return bool(self.times or self.by_flag)

    def company(self, number: int) -> int:
        """The rules that match wherever rule `number` does: on each input alone, and so on all of them together."""
        bit, company = 1 << number, -1
        for mask in self._tables():
            company &= mask if mask & bit else -1
        return company & ~bit

    def _tables(self) -> Iterator[int]:
        """Every entry of every table, but for revoked devices, on which no document decides."""
        yield from self.by_amount
        yield from self.by_risk
        yield from (mask for novelty, mask in self.by_device.items() if novelty is not Novelty.REVOKED)
        yield from (*self.by_type.values(), self.other_type)
        yield from (*self.by_channel.values(), self.other_channel)
        yield from (self.no_reason, *(self.no_reason | mask for mask in self.by_reason.values()))
        yield from (*self.by_synced.values(), *self.by_wish)
        yield from self.by_proven.values()
        yield from self.by_times
        for _, absent, present in self.by_flag:
            yield from (absent, present)

    def _by_the_rest(self, inputs: Inputs) -> int:
        mask = (
            self.by_type.get(inputs.type, self.other_type)
            & self.by_channel.get(inputs.channel, self.other_channel)
            & self.by_synced[inputs.device_synced]
            & self.by_wish[inputs.verify_always]
        )
        if self.times or self.by_flag:
            mask &= self._by_habits(inputs)
        return mask & self._by_reasons(inputs.risk_reasons) & self._by_proof(inputs.proven)

    def _by_habits(self, inputs: Inputs) -> int:
        mask = self.by_times[bisect_right(self.times, inputs.times_usual)]
        for name, absent, present in self.by_flag:
            mask &= absent if getattr(inputs, name) is False else present
        return mask

    def _by_reasons(self, reasons: tuple[str, ...]) -> int:
        mask = self.no_reason
        for reason in reasons:
            mask |= self.by_reason.get(reason, 0)
        return mask

    def _by_proof(self, proven: tuple[Category, ...]) -> int:
        mask = self.by_proven.get(proven)
        return self.by_proven[tuple(dict.fromkeys(proven))] if mask is None else mask


class _Table:
    """Conditions by the input they bound, each with the bit of its rule."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._all = (1 << len(rules)) - 1
        self._on: dict[Axis, list[tuple[int, Condition]]] = defaultdict(list)
        for number, rule in enumerate(rules):
            for condition in rule.conditions:
                self._on[condition.axis].append((1 << number, condition))

    def mask(self, axis: Axis, value: object) -> int:
        failed = 0
        for bit, condition in self._on[axis]:
            if not condition.admits(value):
                failed |= bit
        return self._all & ~failed

    @property
    def axes(self) -> set[Axis]:
        return {axis for axis, conditions in self._on.items() if conditions}

    def amount_cuts(self) -> set[int]:
        return {condition.bound + condition.loosens for _, condition in self._on[Axis.AMOUNT]}

    def times_cuts(self) -> set[int]:
        return {condition.bound for _, condition in self._on[Axis.AMOUNT_UNUSUAL]}

    def words(self, axis: Axis) -> set[str]:
        return {word for _, condition in self._on[axis] for word in condition.bound}


def _orders_of_proof() -> Iterator[tuple[Category, ...]]:
    for size in range(len(Category) + 1):
        yield from permutations(Category, size)
