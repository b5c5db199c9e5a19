"""The policy of one document: what must the payer prove for these inputs, and why.

Pure: no clock, no chance, no I/O; the same inputs always get the same answer. The strictest matching rule wins. Above
every document stand three rules that none can change: a frozen account and a revoked device are denied, and a blocked
account is denied wherever anything would be asked of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from authsvc.biometric.words import Gates, Modality
from authsvc.factor import Factor
from authsvc.policy.conditions import Axis, Reason, Seen
from authsvc.policy.document import Document
from authsvc.policy.exemptions import bounds_met, lifts
from authsvc.policy.gestures import gestures_at
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import CHALLENGES, FactorSet, Level
from authsvc.policy.liveness import gates_at
from authsvc.policy.masks import Masks
from authsvc.policy.rules import Exemption, Rule
from authsvc.policy.warnings import emphasis_of
from authsvc.policy.ways import Way, sets_of
from authsvc.subject import Novelty

NO_RULE = Level.FACE_FINGERPRINT
"""What is asked where no rule applies and the document has no default."""

# Looked up once: reading a member off its enumeration costs CPython 3.11 as much as a whole mask.
_NONE, _DENY, _REVOKED = Level.NONE, Level.DENY, Novelty.REVOKED

NOTHING_TO_PROVE: tuple[FactorSet, ...] = ((),)


class Policy:
    """A compiled document; bit n of a mask is `rules[n]`, strictest first.

    `digest` is that of the document's RFC 8785 canonical JSON: `sha256:` and 64 hexadecimal digits.
    """

    def __init__(self, document: Document, canonical: bytes) -> None:
        self.document = document
        self.id = document.id
        self.version = document.version
        self.canonical = canonical
        self.digest = f"sha256:{hashlib.sha256(canonical).hexdigest()}"
        self.rules = tuple(sorted(document.rules, key=lambda rule: -rule.level.rank))
        self._masks = Masks.of(self.rules)
        self._warning = sum(1 << n for n, rule in enumerate(self.rules) if rule.warning is not None)
        self._levels = _levels_by_lowest_bit(self.rules, document.default)
        self._convert = document.conversion
        face = document.biometrics.get(Modality.FACE)
        self._liveness = {level: gates_at({} if face is None else face.asked, level) for level in CHALLENGES}
        self._gestures = {
            level: gestures_at({} if face is None else face.asked_gestures, level) for level in CHALLENGES
        }
        self._exemptions = {
            level: tuple(each for each in document.exemptions if level.rank <= each.waives.rank)
            for level in CHALLENGES
        }

    def evaluate(self, inputs: Inputs) -> Outcome:
        """The answer for one payment. Never fails: what is missing or makes no sense reads as the riskier value."""
        amount = self._convert(inputs.amount_minor, inputs.currency)
        matched = self._masks.matching(inputs, amount)
        level = asked = self._levels[(matched & -matched).bit_length()]
        lifted_by = None
        if inputs.account_frozen or inputs.novelty is _REVOKED:
            level = _DENY
        elif asked is not _NONE and asked is not _DENY:
            lifted_by = self._lifting(asked, inputs, amount)
            level = _DENY if inputs.account_blocked else asked if lifted_by is None else _NONE
        return _outcome((level, lifted_by, asked, matched, inputs, self))

    @property
    def looks_at_habits(self) -> bool:
        """Whether any rule looks at how unlike the payer's habits a payment is."""
        return self._masks.looks_at_habits

    def ways_for(self, level: Level, inputs: Inputs | None = None) -> tuple[Way, ...]:
        """The ways of a level that asks; given inputs, those whose bounds admit that payment."""
        ways = self.document.levels[level].ways if level.asks else ()  # type: ignore[index]  # a challenge
        if inputs is None:
            return ways
        seen = self.seen(inputs)
        return tuple(way for way in ways if self._admits(way, seen))

    def sets_for(self, level: Level, inputs: Inputs | None = None) -> tuple[FactorSet, ...]:
        """The alternatives of a level; given inputs, those whose bounds admit that payment."""
        return NOTHING_TO_PROVE if level is Level.NONE else sets_of(self.ways_for(level, inputs))

    def shut_ways(self, level: Level, inputs: Inputs) -> Iterator[Reason]:
        """Why sets of a level are not open to a payment by any way, bound by bound."""
        seen, still_open = self.seen(inputs), set(self.sets_for(level, inputs))
        for way in self.ways_for(level):
            if way.set in still_open:
                continue
            yield from way.shut_by(level.value, seen)
            if self._falls_with_the_cloud(way, seen):
                limit = self.document.devices.synced_amount_at_most
                name = f"{level.value}:{'+'.join(way.set)}"
                yield Reason(name, "devices.synced_amount_at_most", seen.as_json(Axis.AMOUNT), limit)

    def target_fmr(self, modality: Modality) -> str:
        """The operating point that a modality is judged at, as `1 in 10000`; KeyError where the document asks none."""
        return self.document.biometrics[modality].fmr  # type: ignore[index]  # A walk is never asked for, and would be a KeyError.

    def liveness(self, level: Level) -> Gates:
        """The liveness gates that a face must pass at a level; None stands for all that are installed."""
        return self._liveness.get(level)

    def gestures(self, level: Level) -> int:
        """How many gestures a face must make at a level; 0 where nothing is asked."""
        return self._gestures.get(level, 0)

    @property
    def gestures_by_level(self) -> Mapping[Level, int]:
        """Those of the levels that have a set with a face."""
        return {
            level: self.gestures(level)
            for level in CHALLENGES
            if any(Factor.FACE in each for each in self.sets_for(level))
        }

    def seen(self, inputs: Inputs) -> Seen:
        """The inputs as conditions read them: amount converted, missing values replaced."""
        return Seen.of(inputs, self._convert(inputs.amount_minor, inputs.currency))

    def amount_cuts(self, spent: int = 0) -> set[int]:
        """The amounts (reference currency, smallest unit) from which on the answer may be another one.

        `spent` is the `low_value_sum` that a cumulative bound has used up already.
        """
        bounds = [way.amount_at_most for level in self.document.levels.values() for way in level.ways]
        bounds.append(self.document.devices.synced_amount_at_most)
        for exemption in self.document.exemptions:
            bounds.append(exemption.amount_at_most)
            if exemption.cumulative_at_most is not None:
                bounds.append(exemption.cumulative_at_most - spent)
        return {*self._masks.amounts, *(bound + 1 for bound in bounds if bound is not None)}

    def asked_by(self, matched: int) -> Level:
        """The level that a mask of rules asks for, before exemptions and built-in rules."""
        return self._levels[(matched & -matched).bit_length()]

    def warning(self, matched: int) -> Rule | None:
        """The rule of a mask whose warning is shown: a strict one first, then that of the strictest rule."""
        rules = self.matching(matched & self._warning)
        return min(rules, key=lambda rule: -emphasis_of(rule.warning), default=None)

    def matching(self, matched: int) -> Iterator[Rule]:
        """The rules of a mask, strictest first; among equals in the order of the document."""
        while matched:
            lowest = matched & -matched
            yield self.rules[lowest.bit_length() - 1]
            matched ^= lowest

    def company(self, number: int) -> Iterator[Rule]:
        """The other rules that match wherever `rules[number]` does, strictest first."""
        return self.matching(self._masks.company(number))

    def _lifting(self, asked: Level, inputs: Inputs, amount: int) -> Exemption | None:
        candidates = self._exemptions[asked]
        if not candidates:
            return None
        seen = Seen.of(inputs, amount)
        return next((each for each in candidates if lifts(each, inputs, seen)), None)

    def _admits(self, way: Way, seen: Seen) -> bool:
        return all(bound.holds(seen) for bound in way.bounds) and not self._falls_with_the_cloud(way, seen)

    def _falls_with_the_cloud(self, way: Way, seen: Seen) -> bool:
        limit = self.document.devices.synced_amount_at_most
        return limit is not None and seen.synced and seen.amount > limit and way.falls_with_the_cloud


# A tuple, because one is made for every decision and a frozen dataclass would cost as much as the evaluation itself.
class Outcome(NamedTuple):
    """The answer for one payment; `asked` is the level before any exemption or built-in rule."""

    level: Level
    lifted_by: Exemption | None
    asked: Level
    matched: int
    inputs: Inputs
    policy: Policy

    @property
    def exemption(self) -> str | None:
        """The kind of the exemption that lifted the challenge: `low_value`, `tra`, `secure_corporate`."""
        return None if self.lifted_by is None else self.lifted_by.kind.value

    @property
    def sets(self) -> tuple[FactorSet, ...]:
        """The alternatives that this payment may be proved with; empty means that nothing can prove it."""
        return self.policy.sets_for(self.level, self.inputs)

    @property
    def gestures(self) -> int:
        """How many gestures a face must make; 0 where none of the sets has one."""
        return self.policy.gestures(self.level) if any(Factor.FACE in each for each in self.sets) else 0

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways behind `sets`, which say besides what must be known of a capture."""
        return self.policy.ways_for(self.level, self.inputs)

    @property
    def shut(self) -> tuple[Reason, ...]:
        """Why other ways of this level are not open to this payment."""
        return tuple(self.policy.shut_ways(self.level, self.inputs))

    def usable_ways(
        self, strong: Collection[Factor], on_probation: Collection[Factor] = ()
    ) -> tuple[Way, ...]:
        """The ways that somebody with these factors may take; see `Way.is_usable`, and `sets_of` for their sets.

        A factor on probation counts only in ways that state an `amount_at_most`, which this payment is then within.
        """
        return tuple(way for way in self.ways if way.is_usable(strong, on_probation))

    @property
    def warning(self) -> Rule | None:
        """The rule whose warning the payer reads before any proof; None where nothing is asked or nobody warns."""
        return self.carried if self.level.asks else None

    @property
    def carried(self) -> Rule | None:
        """The same, also where an exemption has lifted the challenge: a stricter rule would bring it back with its warning."""
        return self.policy.warning(self.matched) if self.level is not Level.DENY and self.asked.asks else None

    @property
    def fired(self) -> tuple[str, ...]:
        """The ids of what applies: a built-in rule or an exemption, then all matching rules, strictest first."""
        above = [reason.rule for reason in self._built_in()]
        if self.lifted_by is not None:
            above.append(self.lifted_by.id)
        return (*above, *(rule.id for rule in self.policy.matching(self.matched)))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it is this level: the conditions of the rules that decided, in the order of the document."""
        seen = self.policy.seen(self.inputs)
        if self.lifted_by is not None:
            return tuple(bounds_met(self.lifted_by, self.inputs, seen))
        return tuple(self._built_in()) or tuple(self._deciding(seen))

    def _deciding(self, seen: Seen) -> Iterator[Reason]:
        rules = [rule for rule in self.policy.matching(self.matched) if rule.level is self.level]
        for rule in rules:
            yield from (condition.reason(rule.id, seen) for condition in rule.conditions)
        if not rules and self.level is not Level.NONE:
            name = "no-rule" if self.policy.document.default is None else "default"
            yield Reason(name, "rules", "no stricter rule applies", self.level.value)

    def _built_in(self) -> Iterator[Reason]:
        if self.inputs.account_frozen:
            yield Reason("account-frozen", "user.frozen", True, False)
        if self.inputs.novelty is Novelty.REVOKED:
            yield Reason("device-revoked", Axis.DEVICE.value, Novelty.REVOKED.value, Novelty.UNKNOWN.value)
        if self.inputs.account_blocked and self.asked.asks:
            yield Reason("account-blocked", "user.blocked", True, False)


# The constructor of a named tuple takes its fields apart once more, which would double the cost of an evaluation.
_outcome = partial(tuple.__new__, Outcome)


def _levels_by_lowest_bit(rules: Sequence[Rule], default: Level | None) -> tuple[Level, ...]:
    """Where no bit is set the default answers; else the first rule that matches is the strictest one."""
    if default is None:
        return (NO_RULE, *(rule.level for rule in rules))
    return (default, *(max(rule.level, default, key=lambda level: level.rank) for rule in rules))
