"""Which templates meet which probes: samples of people into all genuine and all impostor comparisons.

As in production, a template is the mean of k samples and a probe the mean of m frames; no sample stands in both. Knows
vectors and people, and neither faces nor voices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.vectors import Vectors, unit
from authsvc.lab.all_pairs import Scores, Side, histogram_of_strangers, strangers_reaching
from authsvc.lab.intervals import Counts, PairErrors

_Chosen = tuple[Vectors, ...]

MOST_PROBES = 10
"""Of one person, so that nobody counts for hundreds."""

_NOBODY: Counts = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One person's samples in an arbitrary order, each as it may serve: for a template, for a probe, or not at all (None)."""

    enrollment: Sequence[Vectors | None]
    verification: Sequence[Vectors | None]


@dataclass(frozen=True, slots=True, eq=False)
class Fused(Side):
    """Rows, each made of one or more vectors of a person."""

    least_alike: Scores
    """The smallest score between any two of the vectors that a row was made of; 1 for a single one."""

    def among(self, people: NDArray[np.bool_]) -> Fused:
        return self.only(np.flatnonzero(people[self.people]))

    def only(self, rows: Sequence[int] | Counts) -> Fused:
        kept = np.asarray(rows, dtype=np.int64)
        return Fused(self.vectors[kept], self.people[kept], self.least_alike[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """All comparisons of one kind: k samples a template, m frames a probe.

    Each probe meets the template of everybody else (impostor), and one of its own person without a common sample
    (genuine, in `genuine` and `genuine_people`). Scores are similarities in [-1, 1].
    """

    samples: int
    frames: int
    people: int
    templates: Fused
    probes: Fused
    genuine: Scores
    genuine_people: Counts

    @property
    def impostor_pairs(self) -> int:
        return self.impostors(np.inf).trials

    def among(self, people: NDArray[np.bool_]) -> Trials:
        """The same between these people only, who keep their numbers."""
        kept = people[self.genuine_people]
        return replace(
            self,
            templates=self.templates.among(people),
            probes=self.probes.among(people),
            genuine=self.genuine[kept],
            genuine_people=self.genuine_people[kept],
        )

    def histogram(self) -> Counts:
        """How many impostor scores lie in each step of RESOLUTION, from -1 up."""
        return histogram_of_strangers(self.probes, self.templates)

    def impostors(self, threshold: float) -> PairErrors:
        """The impostor comparisons that reach the threshold, by pair of people."""
        probe_of, template_of, _ = self.impostor_tail(threshold)
        pairs, errors = np.unique(probe_of * self.people + template_of, return_counts=True)
        return self.pair_errors(pairs // self.people, pairs % self.people, errors)

    def pair_errors(self, probe_of: Counts, template_of: Counts, errors: Counts) -> PairErrors:
        probes = np.bincount(self.probes.people, minlength=self.people)
        templates = np.bincount(self.templates.people, minlength=self.people)
        return PairErrors(probe_of, template_of, errors, probes, templates)

    def impostor_tail(self, threshold: float) -> tuple[Counts, Counts, Scores]:
        """Person of the probe, person of the template and score of every impostor comparison at `threshold` and above."""
        some = self.probes if threshold <= 1 else self.probes.only(())
        return strangers_reaching(threshold, some, self.templates)


def all_trials(people: Sequence[Samples], samples: int, frames: int) -> Trials:
    """Every comparison that these people allow, for templates of `samples` and probes of `frames`.

    A person's samples are taken round and round: each turn makes a template of the first k and a probe of the next m.
    Who has too few for a turn still meets the others with what there is.
    """
    turns: list[tuple[int, _Chosen, _Chosen]] = []
    alone: list[tuple[int, _Chosen, _Chosen]] = []
    first_turns: list[int] = []
    for number, person in enumerate(people):
        of_one = [(number, *turn) for turn in _turns(person, samples, frames)]
        first_turns += [len(turns)] if of_one else []
        turns += of_one
        alone += [] if of_one else [(number, *_turn_of_too_few(person, samples, frames))]
    paired = [_fused([(number, turn[side]) for number, *turn in turns]) for side in (0, 1)]
    left = [_fused([(number, turn[side]) for number, *turn in alone if turn[side]]) for side in (0, 1)]
    return Trials(
        samples,
        frames,
        len(people),
        _together(paired[0].only(first_turns), left[0]),
        _together(paired[1], left[1]),
        np.clip(np.einsum("nd,nd->n", *(each.vectors for each in paired)), -1, 1).astype(np.float64),
        paired[0].people,
    )


def _turns(person: Samples, samples: int, frames: int) -> list[tuple[_Chosen, _Chosen]]:
    """Templates and probes of this person, no two turns alike, at most MOST_PROBES from all over the samples."""
    count = len(person.enrollment)
    turns: dict[tuple[frozenset[int], frozenset[int]], tuple[_Chosen, _Chosen]] = {}
    for first in range(0, count, max(1, count // MOST_PROBES)):
        order = [(first + step) % count for step in range(count)]
        template = _usable(person.enrollment, order, samples)
        probe = _usable(person.verification, [one for one in order if one not in template], frames)
        if template and probe:
            turns.setdefault((frozenset(template), frozenset(probe)), (_values(template), _values(probe)))
    return list(turns.values())[:MOST_PROBES]


def _turn_of_too_few(person: Samples, samples: int, frames: int) -> tuple[_Chosen, _Chosen]:
    """What of a template and a probe can be made, though not both of different samples; empty is what cannot."""
    order = range(len(person.enrollment))
    template = _usable(person.enrollment, order, samples)
    return _values(template), _values(_usable(person.verification, order, frames))


def _usable(vectors: Sequence[Vectors | None], order: Iterable[int], count: int) -> dict[int, Vectors]:
    """The first `count` samples in this order that will do, by number; none where there are fewer."""
    found = ((number, vectors[number]) for number in order)
    chosen = [(number, vector) for number, vector in found if vector is not None][:count]
    return dict(chosen) if len(chosen) == count else {}


def _values(chosen: dict[int, Vectors]) -> _Chosen:
    return tuple(chosen.values())


def _fused(rows: Sequence[tuple[int, _Chosen]]) -> Fused:
    """Each row fused, all at once: there are hundreds of thousands of them."""
    if not rows:
        return Fused(np.empty((0, 0), dtype=np.float32), _NOBODY, np.zeros(0))
    chosen = np.array([vectors for _, vectors in rows], dtype=np.float32)
    least = np.einsum("nid,njd->nij", chosen, chosen).min(axis=(1, 2))
    people = np.array([number for number, _ in rows], dtype=np.int64)
    return Fused(unit(chosen.mean(axis=1)), people, np.clip(least, -1, 1).astype(np.float64))


def _together(one: Fused, other: Fused) -> Fused:
    """Both, in the order of their people."""
    if not len(one.people) or not len(other.people):
        return one if len(one.people) else other
    order = np.argsort(np.concatenate([one.people, other.people]), kind="stable")
    return Fused(
        np.concatenate([one.vectors, other.vectors])[order],
        np.concatenate([one.people, other.people])[order],
        np.concatenate([one.least_alike, other.least_alike])[order],
    )
