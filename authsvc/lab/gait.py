"""How well are people told apart by how they walk? Everybody's template against everybody's windows, people apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from authsvc.errors import InvalidRequest
from authsvc.gait.cycles_engine import gait_of, score, together
from authsvc.gait.words import Gait
from authsvc.lab.all_pairs import BINS, Scores, bin_of
from authsvc.lab.gait_corpus import Walk, read_corpus
from authsvc.lab.intervals import Counts, PairErrors, rounded
from authsvc.lab.iso19795 import curve, equal_error_rate

WINDOW = 10.0
"""Seconds of one probe; a template is of as many times that as `ENROLLS` says."""

ENROLLS = 3


@dataclass(frozen=True, slots=True, eq=False)
class GaitTrials:
    """`scores` has a row for each probe and a column for each person's template."""

    scores: Scores
    probe_of: Counts

    @property
    def people(self) -> int:
        return int(self.scores.shape[1])

    @property
    def genuine(self) -> Scores:
        return self.scores[np.arange(len(self.probe_of)), self.probe_of]

    @property
    def genuine_people(self) -> Counts:
        return self.probe_of

    def histogram(self) -> Counts:
        found: Counts = np.bincount(bin_of(self.scores[self._impostor]), minlength=BINS)
        return found

    def impostors(self, threshold: float) -> PairErrors:
        errors = np.zeros((self.people, self.people), dtype=np.int64)
        np.add.at(errors, self.probe_of, (self.scores >= threshold) & self._impostor)
        probe, template = errors.nonzero()
        probes = np.bincount(self.probe_of, minlength=self.people)
        return PairErrors(
            probe, template, errors[probe, template], probes, np.ones(self.people, dtype=np.int64)
        )

    @property
    def _impostor(self) -> NDArray[np.bool_]:
        others: NDArray[np.bool_] = self.probe_of[:, None] != np.arange(self.people)[None, :]
        return others


def measure(folder: Path) -> Mapping[str, object]:
    """Raises InvalidRequest for a folder that is in no known layout, or has not two people who walk for long enough."""
    corpus = read_corpus(folder)
    people: defaultdict[str, list[Walk]] = defaultdict(list)
    for walk in corpus.walks:
        people[walk.person].append(walk)
    enrolled = [(own, split) for own in people.values() if (split := _split(own)) is not None]
    if len(enrolled) < 2:
        raise InvalidRequest(
            f"{len(enrolled)} people in `{folder.name}` walk for long enough; expected two at least"
        )
    templates = [template for _, (template, _) in enrolled]
    probes = [(number, probe) for number, (_, (_, own)) in enumerate(enrolled) for probe in own]
    scores = np.array([[score(template, probe) for template in templates] for _, probe in probes])
    trials = GaitTrials(scores, np.array([number for number, _ in probes], dtype=np.int64))
    return {
        "layout": corpus.layout,
        "people": len(people),
        "enrolled": len(enrolled),
        "sessions_apart": all(_sessions(own) > 1 for own, _ in enrolled),
        "window_seconds": WINDOW,
        "template_windows": ENROLLS,
        **_rates(trials),
    }


def _rates(trials: GaitTrials) -> Mapping[str, object]:
    found = curve(trials)
    if found is None:
        raise InvalidRequest("nobody has a window beside the template")
    rate = equal_error_rate(trials, found)
    return {
        "genuine": found.genuine_pairs,
        "impostor": found.impostor_pairs,
        "eer": rounded(rate.rate),
        "eer_threshold": rate.threshold,
        "eer_interval": [rounded(end) for end in rate.interval],
    }


def _split(walks: Sequence[Walk]) -> tuple[Gait, list[Gait]] | None:
    """The template and the probes of one person; of several sessions the first one enrolls and the others are tried."""
    first = walks[0].session
    apart = _sessions(walks) > 1
    before = [each for walk in walks if not apart or walk.session == first for each in _windows(walk)]
    after = [each for walk in walks if apart and walk.session != first for each in _windows(walk)]
    own, tried = (before[:ENROLLS], after) if apart else (before[:ENROLLS], before[ENROLLS:])
    if len(own) < ENROLLS or not tried:
        return None
    return together(own), tried


def _sessions(walks: Sequence[Walk]) -> int:
    return len({walk.session for walk in walks})


def _windows(walk: Walk) -> list[Gait]:
    """Those in which somebody walks evenly, one after the other without overlap."""
    size = int(WINDOW * walk.rate)
    cuts = range(0, len(walk.acceleration) - size + 1, size)
    found = (gait_of(walk.acceleration[at : at + size].tolist(), walk.rate) for at in cuts)
    return [each for each in found if each is not None]
