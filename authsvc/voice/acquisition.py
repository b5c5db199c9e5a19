"""From an uploaded recording to a phrase that may be compared, or the hints that say why not."""

from __future__ import annotations

from dataclasses import dataclass

from authsvc.voice.audio import decode
from authsvc.voice.engine import DigitRecogniser, SpeechDetector
from authsvc.voice.fingerprint import Fingerprint
from authsvc.voice.hints import Hint
from authsvc.voice.prompt import LEAST_SECONDS_PER_DIGIT, Reading, read
from authsvc.voice.quality import Gate, Quality, measure
from authsvc.voice.speech import Speech, find_speech
from authsvc.voice.spoken_prompt import Language

_LEAST_HEARD = 0.5
"""Of fewer than half of its digits, a phrase was not read: the person is asked again and nothing is judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """One recording: its speech, what was measured, how the digits were read, and what speaks against it."""

    speech: Speech
    quality: Quality
    reading: Reading
    fingerprint: Fingerprint
    hints: tuple[Hint, ...]


@dataclass(frozen=True, slots=True)
class Ears:
    """What listens: where somebody speaks, and which digits."""

    detector: SpeechDetector
    recogniser: DigitRecogniser

    def load(self) -> None:
        self.detector.load()
        self.recogniser.load()


def acquire(data: bytes, digits: str, language: Language, ears: Ears, gate: Gate) -> Phrase:
    """Decode, find the speech, judge its quality, and listen for the digits. Raises as `audio.decode` does."""
    speech = find_speech(decode(data), ears.detector)
    quality = measure(speech)
    log_probabilities = ears.recogniser.log_probabilities(speech.span)
    reading = read(log_probabilities, digits, language, speech.duration)
    hints = gate.hints(quality) or _reading_hints(reading, digits)
    return Phrase(speech, quality, reading, Fingerprint.of(data, speech.recording), hints)


def _reading_hints(reading: Reading, digits: str) -> tuple[Hint, ...]:
    if reading.heard < _LEAST_HEARD * len(digits):
        return (Hint.SPEAK_ALL_DIGITS,)
    return (Hint.TOO_FAST,) if reading.seconds_per_digit < LEAST_SECONDS_PER_DIGIT else ()
