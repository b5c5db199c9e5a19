"""Is a person speaking now? Fresh digits, spoken within a minute, that are no copy of earlier recordings, whole or in pieces.

That is all that can be said: it stops yesterday's recording and not a voice that is made up on the spot. No spoof detector
that was tried tells synthetic from human speech on sounds that it was not trained on; one may be added, and its score can
only make the answer stricter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from authsvc.biometric.words import Liveness, LivenessResult
from authsvc.voice.engine import Samples
from authsvc.voice.fingerprint import Likeness
from authsvc.voice.prompt import Limits, Reading
from authsvc.voice.spoken_prompt import Language


class SpoofDetector(Protocol):
    """Scores how human a recording sounds; higher is more human."""

    @property
    def id(self) -> str: ...

    def load(self) -> None:
        """Open the weights; raises ModelUnusable."""

    def score(self, speech: Samples) -> float:
        """On the detector's own scale."""

    def is_suspicious(self, score: float) -> bool: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the prompt was read, and how alike the recording is to earlier ones."""

    reading: Reading
    likeness: Likeness


class PromptedLiveness:
    """BONA_FIDE only for the asked digits in a sound that was not heard before; a copy is an ATTACK."""

    id = "prompt"

    def __init__(
        self, limits: Mapping[Language, Limits], spoof_detectors: Sequence[SpoofDetector] = ()
    ) -> None:
        self._limits = limits
        self._spoof_detectors = tuple(spoof_detectors)

    def load(self) -> None:
        for detector in self._spoof_detectors:
            detector.load()

    def judge(self, evidence: Evidence, speech: Samples) -> LivenessResult:
        scores = {detector.id: detector.score(speech) for detector in self._spoof_detectors}
        suspicious = [it.id for it in self._spoof_detectors if it.is_suspicious(scores[it.id])]
        numbers = {
            "prompt": evidence.reading.score,
            "worst_digit": evidence.reading.digit,
            "one_fewer": evidence.reading.fewer,
            "one_more": evidence.reading.more,
            "digits_heard": float(evidence.reading.heard),
            "seconds_per_digit": evidence.reading.seconds_per_digit,
            **asdict(evidence.likeness),
            **scores,
        }
        return LivenessResult(self._verdict(evidence, suspicious), (self.id, "copy", *scores), numbers)

    def is_misread(self, reading: Reading) -> bool:
        """Whether other digits were spoken than those that were asked."""
        return not reading.is_of_these_digits(self._limits)

    def _verdict(self, evidence: Evidence, suspicious: Sequence[str]) -> Liveness:
        if evidence.likeness.is_copy:
            return Liveness.ATTACK
        if suspicious or self.is_misread(evidence.reading):
            return Liveness.UNDECIDED
        return Liveness.BONA_FIDE
