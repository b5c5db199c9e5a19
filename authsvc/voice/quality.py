"""Is this recording good enough to be compared? Judged before anything else is, because noise also matches noise.

The limits are those that were measured on spoiled copies of clean speech; each is told to the person as a hint, and all of
them at once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.hints import Hint, is_telephone
from authsvc.voice.speech import FRAME, Speech

_SURE_SPEECH, _SURE_NOISE = 0.6, 0.2
_SURELY = 2.0
"""The quietest moment between words is at most twice as loud as the room; the rest of it is speech."""
_TINY = 1e-12
_PRISTINE_DB = 45.0
_MOST_SNR = 60.0
"""Pauses of exact zeros are no better than a quiet room."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of one recording.

    `seconds` of the recording and `speech` of it in seconds; `snr` in dB, at most 60, within 3 dB of the truth; `clipped` the
    share of samples near the loudest; `level` of the speech in dBFS; `upper_band` and `lower_band` the levels of 4.2 to
    7 kHz and of 90 to 230 Hz against 0.5 to 3.4 kHz in dB: where neither is left, a telephone band was recorded.
    """

    seconds: float
    speech: float
    snr: float
    clipped: float
    level: float
    upper_band: float
    lower_band: float = 0.0

    def numbers(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}

    @property
    def is_telephone(self) -> bool:
        return is_telephone(self.upper_band, self.lower_band)

    @property
    def is_pristine(self) -> bool:
        """Less noise than is left in a room that echoes."""
        return self.snr >= _PRISTINE_DB


@dataclass(frozen=True, slots=True)
class Gate:
    """The limits for one purpose."""

    speech: float
    snr: float
    clipped: float = 0.005
    level: float = -45
    seconds: float = 12

    def hints(self, quality: Quality) -> tuple[Hint, ...]:
        """Everything that is wrong; nothing when the recording may be compared."""
        if quality.speech == 0:
            return (Hint.NO_SPEECH,)
        checks = (
            (quality.speech < self.speech, Hint.TOO_SHORT),
            (quality.seconds > self.seconds, Hint.TOO_LONG),
            (quality.level < self.level, Hint.TOO_QUIET),
            (quality.snr < self.snr, Hint.TOO_NOISY),
            (quality.clipped > self.clipped, Hint.CLIPPED),
        )
        return tuple(hint for broken, hint in checks if broken)


ENROLLMENT = Gate(speech=2.5, snr=15)
VERIFICATION = Gate(speech=1.5, snr=10)


def measure(speech: Speech) -> Quality:
    """Every measure of one recording."""
    samples = speech.recording.samples
    power = _frame_power(samples)
    spoken = power[speech.probabilities > _SURE_SPEECH]
    loud = float(spoken.mean()) if spoken.size else float(power.mean())
    lower, upper = _outer_bands(speech.only)
    return Quality(
        seconds=speech.recording.seconds,
        speech=speech.seconds,
        snr=_snr(power, speech, loud),
        clipped=speech.recording.clipped,
        level=_decibels(loud),
        upper_band=upper,
        lower_band=lower,
    )


def _snr(power: Samples, speech: Speech, loud: float) -> float:
    silent = power[speech.probabilities < _SURE_NOISE]
    # The median: one frame of speech that the detector misses would decide a mean.
    noise = float(np.median(silent)) if silent.size >= 3 else float(np.quantile(power, 0.05))
    # Before and behind the speech it may be quieter than under it: a recorder that is switched on, a pause of an editor.
    between = power[_is_between(speech)]
    if between.size:
        noise = max(noise, float(np.quantile(between, 0.01)) / _SURELY)
    return min(_decibels(max(loud - noise, _TINY)) - _decibels(noise), _MOST_SNR)


def _is_between(speech: Speech) -> NDArray[np.bool_]:
    """From the first speech to the last."""
    spoken = speech.probabilities > _SURE_SPEECH
    return np.logical_or.accumulate(spoken) & np.logical_or.accumulate(spoken[::-1])[::-1]


def _frame_power(samples: Samples) -> Samples:
    frames = np.pad(samples, (0, -samples.size % FRAME)).reshape(-1, FRAME)
    mean: Samples = (frames.astype(np.float64) ** 2).mean(axis=1)
    return mean


def _outer_bands(samples: Samples) -> tuple[float, float]:
    """The levels under and over the middle of a telephone's band, against that middle, in dB."""
    spectrum = np.abs(np.fft.rfft(samples, 1 << (samples.size - 1).bit_length())) ** 2
    hertz = np.linspace(0, SAMPLE_RATE / 2, spectrum.size)
    lower, middle, upper = (
        _decibels(float(spectrum[(hertz >= low) & (hertz < high)].mean()))
        for low, high in ((90, 230), (500, 3400), (4200, 7000))
    )
    return lower - middle, upper - middle


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, _TINY)))
