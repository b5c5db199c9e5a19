"""From an uploaded recording to a phrase that may be compared, or the hints that say why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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

_WHISPERED_HEARD, _WHISPERED_S = 0.3, 0.08
"""Of a whisper some digits are heard, and next to no speech: a third of them, and under 80 ms for each."""


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """One recording: its speech, what was measured, how the digits were read, and what speaks against it.

    `otherwise` reads them in the other language.
    """

    speech: Speech
    quality: Quality
    reading: Reading
    otherwise: Callable[[], Reading]
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
    otherwise = partial(read, log_probabilities, digits, language.other, speech.duration)
    hints = _whispered(gate.hints(quality), speech, reading, digits) or _reading_hints(reading, digits)
    return Phrase(speech, quality, reading, otherwise, Fingerprint.of(data, speech.recording), hints)


def _whispered(hints: tuple[Hint, ...], speech: Speech, reading: Reading, digits: str) -> tuple[Hint, ...]:
    """The detector hears no voice in a whisper and finds it too short; the recogniser hears the digits all the same."""
    is_heard = reading.heard >= _WHISPERED_HEARD * len(digits)
    is_short = hints and set(hints) <= {Hint.NO_SPEECH, Hint.TOO_SHORT}
    is_whispered = is_heard and is_short and speech.seconds < _WHISPERED_S * len(digits)
    return (Hint.TOO_QUIET,) if is_whispered else hints


def _reading_hints(reading: Reading, digits: str) -> tuple[Hint, ...]:
    if reading.heard < _LEAST_HEARD * len(digits):
        return (Hint.SPEAK_ALL_DIGITS,)
    return (Hint.TOO_FAST,) if reading.seconds_per_digit < LEAST_SECONDS_PER_DIGIT else ()
