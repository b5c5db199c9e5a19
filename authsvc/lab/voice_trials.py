"""Which voices meet which: every template against every probe, one phrase and two averaged, under one condition.

A template is a reference of k phrases in production's own parts, and a probe's quality says which part it meets. Each person
is enrolled several times with others of their phrases, and no phrase stands on both sides; where a person was recorded in
several sessions, no session does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.manifest import OperatingPoint
from authsvc.biometric.vectors import Vectors, unit
from authsvc.lab.all_pairs import BINS, Scores, bin_of
from authsvc.lab.intervals import Counts, PairErrors
from authsvc.lab.iso19795 import Errors
from authsvc.voice.quality import Quality
from authsvc.voice.references import PARTS, Reference, Share, part_for

SEED = 20261122
MOST_PROBES = 20
"""Of one person against each template, so that nobody counts for hundreds, and hundreds of people stay countable."""

_BLOCK = 1 << 20

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One phrase as it would be verified: its vector and what was measured of it."""

    vector: Vectors
    quality: Quality


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """`used` are the numbers of the owner's phrases that it was made of."""

    owner: int
    reference: Reference
    used: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class _Attempts:
    """What is shown to a template, one row each: the first phrase alone, and its mean with a second one.

    The parts say which one of a reference is met: the quality of the phrase that was spoken last decides.
    """

    people: Counts
    first: Vectors
    both: Vectors
    first_parts: Counts
    last_parts: Counts

    @classmethod
    def of(cls, pairs: Sequence[tuple[int, Probe, Probe]], dimension: int) -> _Attempts:
        first = np.array([one.vector for _, one, _ in pairs], dtype=np.float32).reshape(-1, dimension)
        last = np.array([other.vector for _, _, other in pairs], dtype=np.float32).reshape(-1, dimension)
        return cls(
            np.array([person for person, _, _ in pairs], dtype=np.int64),
            first,
            unit(first + last),
            np.array([PARTS.index(part_for(one.quality)) for _, one, _ in pairs], dtype=np.int64),
            np.array([PARTS.index(part_for(other.quality)) for _, _, other in pairs], dtype=np.int64),
        )

    def among(self, chosen: Mask) -> _Attempts:
        return _Attempts(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def joined(cls, several: Sequence[_Attempts]) -> _Attempts:
        return cls(*(np.concatenate([getattr(one, field.name) for one in several]) for field in fields(cls)))


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Scores of attempts with the same templates: by the first phrase, and by two averaged; and the parts that were met."""

    first: Scores
    both: Scores
    first_parts: Counts
    last_parts: Counts


Decide = Callable[[Compared], Mask]
"""Whether each of these scores is accepted."""

Points = Sequence[OperatingPoint]
"""One for each part, in the order of PARTS."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceTrials:
    """All comparisons under one condition, in the form that `iso19795` reads, for `phrases` of 1 or 2."""

    people: int
    phrases: int
    templates: tuple[Template, ...]
    attempts: _Attempts
    own: Compared
    genuine_people: Counts

    @property
    def genuine(self) -> Scores:
        return self.own.first if self.phrases == 1 else self.own.both

    def histogram(self) -> Counts:
        """How many impostor scores lie in each step, from -1 up."""
        counts = np.zeros(BINS, dtype=np.int64)
        for strangers, _, scores in self._blocks():
            found = scores.first if self.phrases == 1 else scores.both
            counts += np.bincount(bin_of(found[strangers]), minlength=BINS)
        return counts

    def impostors(self, threshold: float) -> PairErrors:
        return self._false_matches(
            lambda scores: (scores.first if self.phrases == 1 else scores.both) >= threshold
        )

    def at(self, points: Points) -> Errors:
        """Errors where each part has a threshold of its own."""
        thresholds = _thresholds(points)

        def accepts(scores: Compared) -> Mask:
            one = self.phrases == 1
            parts = scores.first_parts if one else scores.last_parts
            return np.asarray((scores.first if one else scores.both) >= thresholds[parts])

        return self._judged(accepts, float(thresholds.max()))

    def asked_again(self, singles: Points, pairs: Points) -> tuple[Errors, float]:
        """Errors of the rule that ships, and how many owners are asked for a second phrase.

        The first phrase is accepted, or refused, or a second one is asked and the two are judged together.
        """
        accept_from, both_from = _thresholds(singles), _thresholds(pairs)
        ask_from = np.array([one.threshold if one.retry_from is None else one.retry_from for one in singles])

        def asks(scores: Compared) -> Mask:
            parts = scores.first_parts
            return np.asarray((scores.first >= ask_from[parts]) & (scores.first < accept_from[parts]))

        def accepts(scores: Compared) -> Mask:
            surely = scores.first >= accept_from[scores.first_parts]
            return np.asarray(surely | (asks(scores) & (scores.both >= both_from[scores.last_parts])))

        asked = float(asks(self.own).mean()) if self.own.first.size else 0.0
        return self._judged(accepts, float(accept_from.max())), asked

    def _judged(self, accepts: Decide, threshold: float) -> Errors:
        genuine = np.bincount(self.genuine_people, minlength=self.people)
        refused = np.bincount(self.genuine_people[~accepts(self.own)], minlength=self.people)
        return Errors(threshold, self._false_matches(accepts), refused, genuine)

    def among_part(self, part: str) -> VoiceTrials:
        """Those attempts alone whose last phrase meets this part."""
        own, number = self.own, PARTS.index(part)
        chosen = own.last_parts == number
        return replace(
            self,
            attempts=self.attempts.among(self.attempts.last_parts == number),
            own=_chosen(own, chosen),
            genuine_people=self.genuine_people[chosen],
        )

    def among(self, people: Mask) -> VoiceTrials:
        """The same with these people only, who keep their numbers."""
        chosen = people[self.genuine_people]
        return replace(
            self,
            templates=tuple(one for one in self.templates if people[one.owner]),
            attempts=self.attempts.among(people[self.attempts.people]),
            own=_chosen(self.own, chosen),
            genuine_people=self.genuine_people[chosen],
        )

    def _false_matches(self, matches: Decide) -> PairErrors:
        found = np.zeros((self.people, self.people), dtype=np.int64)
        for strangers, owners, scores in self._blocks():
            rows, columns = np.nonzero(strangers & matches(scores))
            np.add.at(found, (self.attempts.people[columns], owners[rows]), 1)
        probe_of, template_of = np.nonzero(found)
        probes = np.bincount(self.attempts.people, minlength=self.people)
        templates = np.bincount([one.owner for one in self.templates], minlength=self.people)
        return PairErrors(probe_of, template_of, found[probe_of, template_of], probes, templates)

    def _blocks(self) -> Iterator[tuple[Mask, Counts, Compared]]:
        """Templates against all attempts, about a million at a time, so that memory does not grow with their number.

        Which of them are a stranger's, the templates' owners, and the scores, a row for each template.
        """
        height = max(1, _BLOCK // max(1, len(self.attempts.people)))
        for start in range(0, len(self.templates), height):
            block = self.templates[start : start + height]
            owners = np.array([one.owner for one in block], dtype=np.int64)
            yield owners[:, None] != self.attempts.people, owners, _compare(block, self.attempts)


def _chosen(own: Compared, chosen: Mask) -> Compared:
    return Compared(*(getattr(own, field.name)[chosen] for field in fields(own)))


def pooled(several: Sequence[VoiceTrials]) -> VoiceTrials:
    """Trials of the same people and templates under several conditions, as one."""
    own = [one.own for one in several]
    return replace(
        several[0],
        attempts=_Attempts.joined([one.attempts for one in several]),
        own=Compared(*(np.concatenate([getattr(one, it.name) for one in own]) for it in fields(Compared))),
        genuine_people=np.concatenate([one.genuine_people for one in several]),
    )


def make_templates(
    shares: Sequence[Sequence[Share]],
    phrases: int,
    draws: int,
    sessions: Sequence[Sequence[str]] | None = None,
) -> tuple[Template, ...]:
    """Everybody with a phrase more than a template is made of, enrolled `draws` times by chance, each time in one session.

    Who has but one session is enrolled out of it, and the phrases that are left are the probes.
    """
    chance = np.random.default_rng(SEED)
    made = []
    for owner, own in enumerate(shares):
        sittings = _sittings(range(len(own)) if sessions is None else sessions[owner], phrases)
        for draw in range(draws if len(own) > phrases and sittings else 0):
            sitting = sittings[draw % len(sittings)]
            chosen = chance.choice(sitting, size=phrases, replace=False)
            reference = Reference.of([own[number] for number in chosen])
            used = chosen if len(sitting) == len(own) else sitting
            made.append(Template(owner, reference, frozenset(map(int, used))))
    return tuple(made)


def _sittings(sessions: Sequence[object], phrases: int) -> list[list[int]]:
    """The numbers of the phrases of each session that has enough of them; all together where there is one session, or none."""
    numbers: dict[object, list[int]] = {}
    for number, session in enumerate(sessions):
        numbers.setdefault(session, []).append(number)
    if len(numbers) in (1, len(sessions)):
        return [list(range(len(sessions)))]
    return [own for own in numbers.values() if len(own) >= phrases]


def voice_trials(
    probes: Sequence[Sequence[Probe]], templates: Sequence[Template], phrases: int, dimension: int
) -> VoiceTrials:
    """The comparisons of these people's probes, in the order of their shares, by one phrase or by two averaged."""
    chance = np.random.default_rng(SEED + 1)
    everybody = [
        (person, one, other)
        for person, own in enumerate(probes)
        for one, other in _attempts(own, phrases, chance)[:MOST_PROBES]
    ]
    own = [
        (template, one, other)
        for template in templates
        for one, other in _attempts(_left(probes, template), phrases, chance)[:MOST_PROBES]
    ]
    scores = [
        _compare((template,), _Attempts.of([(0, one, other)], dimension)) for template, one, other in own
    ]
    compared = Compared(
        np.array([score.first[0, 0] for score in scores]),
        np.array([score.both[0, 0] for score in scores]),
        np.array([score.first_parts[0] for score in scores], dtype=np.int64),
        np.array([score.last_parts[0] for score in scores], dtype=np.int64),
    )
    people = np.array([template.owner for template, _, _ in own], dtype=np.int64)
    return VoiceTrials(
        len(probes), phrases, tuple(templates), _Attempts.of(everybody, dimension), compared, people
    )


def _left(probes: Sequence[Sequence[Probe]], template: Template) -> list[Probe]:
    own = probes[template.owner]
    return [probe for number, probe in enumerate(own) if number not in template.used]


def _attempts(
    probes: Sequence[Probe], phrases: int, chance: np.random.Generator
) -> list[tuple[Probe, Probe]]:
    """Each probe alone, or neighbours in an order of chance."""
    if phrases == 1:
        return [(probe, probe) for probe in probes]
    order = [probes[number] for number in chance.permutation(len(probes))]
    return list(zip(order[0::2], order[1::2], strict=False))


def _compare(templates: Sequence[Template], attempts: _Attempts) -> Compared:
    """Every template with every attempt, through the part of the reference that is met."""
    parts = np.stack([template.reference.parts for template in templates])
    return Compared(
        _scores(parts, attempts.first, attempts.first_parts),
        _scores(parts, attempts.both, attempts.last_parts),
        attempts.first_parts,
        attempts.last_parts,
    )


def _scores(parts: Vectors, vectors: Vectors, met: Counts) -> Scores:
    """`templates x vectors`; `parts` are `templates x parts x dimension`."""
    scores = np.empty((len(parts), len(vectors)))
    for part in range(parts.shape[1]):
        columns = met == part
        scores[:, columns] = parts[:, part] @ vectors[columns].T
    return np.clip(scores, -1, 1)


def _thresholds(points: Points) -> Scores:
    return np.array([point.threshold for point in points])
