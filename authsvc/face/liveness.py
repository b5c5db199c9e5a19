"""Is there a living person in front of the camera? A gate of its own, never added to the comparison score.

Where nothing is installed that could tell, the honest answer is UNDECIDED, and UNDECIDED does not pass.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from authsvc.biometric.words import Gates, Liveness, LivenessGate, LivenessResult
from authsvc.errors import ConfigurationError
from authsvc.face.acquisition import Frame
from authsvc.face.active import ActiveChallenge
from authsvc.face.capture import CaptureContext
from authsvc.face.part import Part

_log = logging.getLogger(__name__)
_STRICTEST_FIRST = (Liveness.ATTACK, Liveness.UNDECIDED, Liveness.BONA_FIDE)


class LivenessDetector(Protocol):
    """Presentation attack detection over all frames of one capture, in order."""

    @property
    def id(self) -> str: ...

    @property
    def gates(self) -> tuple[LivenessGate, ...]:
        """Which kinds of gate this is: none for what detects nothing."""

    @property
    def least_context(self) -> float:
        """The least multiple of the face's size that must be in the picture; 0 where any will do."""

    def load(self) -> None:
        """Open the weights, if there are any; raises ModelUnusable."""

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        """BONA_FIDE, ATTACK or UNDECIDED, with the numbers behind it; only BONA_FIDE passes."""


class NoDetector:
    """Nothing is installed: nothing can be said."""

    id = "none"
    gates: tuple[LivenessGate, ...] = ()
    least_context = 0.0

    def load(self) -> None:
        return None

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        return LivenessResult(Liveness.UNDECIDED)


class AllOf:
    """Several detectors as gates in a row: all must say BONA_FIDE, one ATTACK is an attack. Scores are never added."""

    def __init__(self, detectors: Sequence[LivenessDetector]) -> None:
        if not detectors:
            raise ConfigurationError("a row of no liveness detectors would let everything pass")
        self.detectors = tuple(detectors)
        self.gates = tuple(gate for detector in detectors for gate in detector.gates)
        self.id = "+".join(detector.id for detector in detectors)
        self.least_context = max(detector.least_context for detector in detectors)

    def load(self) -> None:
        for detector in self.detectors:
            detector.load()

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        return both(*(detector.judge(frames, context) for detector in self.detectors))


def only(detector: LivenessDetector, asked: Gates) -> LivenessDetector:
    """The gates of a detector that are asked for. Where one of them is missing nothing can be said, and so nobody passes."""
    if asked is None or isinstance(detector, UnsafeNoPad):
        return detector
    parts = detector.detectors if isinstance(detector, AllOf) else (detector,)
    chosen = [part for part in parts if not set(part.gates).isdisjoint(asked)]
    found = {gate for part in chosen for gate in part.gates}
    return AllOf(chosen) if chosen and found.issuperset(asked) else NoDetector()


def passive_part(detector: LivenessDetector) -> LivenessDetector | None:
    """Of the gates in a row those that look at frames by themselves, without knowing what was asked."""
    parts = detector.detectors if isinstance(detector, AllOf) else (detector,)
    passive = [part for part in parts if LivenessGate.PASSIVE in part.gates]
    return AllOf(passive) if passive else None


def judge_parts(detector: LivenessDetector, parts: Sequence[Part], dimension: int) -> LivenessResult:
    """What the gates in a row say of an active capture: the active one of all parts, the passive ones of the first."""
    gates = detector.detectors if isinstance(detector, AllOf) else (detector,)
    results = [gate.judge_parts(parts, dimension) for gate in gates if isinstance(gate, ActiveChallenge)]
    if passive_part(detector) is not None:
        results.append((parts[0].passive if parts else None) or LivenessResult(Liveness.UNDECIDED))
    return both(*results) if results else LivenessResult(Liveness.UNDECIDED)


def both(*results: LivenessResult) -> LivenessResult:
    """The strictest verdict of all, with every detector's numbers."""
    verdicts = {result.verdict for result in results}
    strictest = next(verdict for verdict in _STRICTEST_FIRST if verdict in verdicts)
    evidence = {name: value for result in results for name, value in result.evidence.items()}
    return LivenessResult(strictest, tuple(name for result in results for name in result.detectors), evidence)


class UnsafeNoPad:
    """Takes every capture for a living person: a photograph held to the camera passes. For development only.

    Its name stands in health, in every comparison and in every receipt that rests on it.
    """

    id = "UNSAFE_NO_PAD"
    gates: tuple[LivenessGate, ...] = ()
    least_context = 0.0

    def load(self) -> None:
        _log.warning("UNSAFE_NO_PAD is on: a photograph passes for a person; for development alone")

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        _log.warning("UNSAFE_NO_PAD: a face capture of %d frames was not examined for attacks", len(frames))
        return LivenessResult(Liveness.BONA_FIDE, (self.id,))
