"""Gait by its cycles: two steps found by autocorrelation, cut out, aligned and averaged to one template.

After Derawi, Nickel, Bours and Busch (IIH-MSP 2010) and Moe-Nilssen and Helbostad (J. Biomech. 2004): a cycle is as long as
the lag of the strongest autocorrelation of the acceleration's magnitude, which does not depend on how a phone lies in a pocket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.errors import InvalidRequest

Samples = NDArray[np.float64]

RATE = 50.0
"""Hertz to which every recording is brought."""

SHORTEST, LONGEST = 0.8, 1.6
"""Seconds of a cycle, which is two steps."""

POINTS = 100
LEAST_CYCLES = 4
LEAST_REGULARITY = 0.4
"""Autocorrelation at the lag of a cycle below which nobody walks evenly."""

STRAY = 0.1
"""How far, as a share of a cycle, the next one may begin from where it is expected."""

KEPT = 0.75
"""Of the cycles those nearest to the first average are kept: a turn or a kerb is no part of how somebody walks."""


@dataclass(frozen=True, slots=True, eq=False)
class Gait:
    """A template or a probe: one cycle of POINTS values with mean 0 and deviation 1, and its length in seconds."""

    cycle: Samples
    seconds: float


def gait_of(acceleration: Samples, rate: float) -> Gait | None:
    """Of samples x 3 at `rate` Hz in any unit; None where nobody walks evenly for long enough.

    Raises InvalidRequest for what is no such recording.
    """
    signal = _magnitude(acceleration, rate)
    lag = _cycle_length(signal)
    if lag is None:
        return None
    cycles = [_normal(each) for each in _cut(signal, lag)]
    if len(cycles) < LEAST_CYCLES:
        return None
    first = _average(cycles)
    cycles.sort(key=lambda each: -float(each @ first))
    return Gait(_average(cycles[: max(LEAST_CYCLES, int(len(cycles) * KEPT))]), lag / RATE)


def score(template: Gait, probe: Gait) -> float:
    """Similarity from -1 to 1: the correlation of the cycles at the best of all shifts, less for another cadence."""
    shifted = np.fft.irfft(np.fft.rfft(template.cycle) * np.conj(np.fft.rfft(probe.cycle)), POINTS) / POINTS
    apart = abs(float(np.log(template.seconds / probe.seconds)))
    return max(-1.0, min(1.0, float(shifted.max()) - apart))


def _magnitude(acceleration: Samples, rate: float) -> Samples:
    samples = np.asarray(acceleration, dtype=np.float64)
    if (
        samples.ndim != 2
        or samples.shape[1] != 3
        or not np.isfinite(samples).all()
        or not 10 <= rate <= 1_000
    ):
        raise InvalidRequest("expected three finite accelerations a sample, at 10 to 1000 Hz")
    length = np.sqrt((samples**2).sum(axis=1))
    seconds = np.arange(len(length)) / rate
    even = np.arange(0, seconds[-1] if len(seconds) else 0, 1 / RATE)
    signal: Samples = np.interp(even, seconds, length) if len(even) else np.zeros(0)
    return signal - signal.mean() if len(signal) else signal


def _cycle_length(signal: Samples) -> int | None:
    """In samples; None for what is too short or too uneven."""
    first, last = int(SHORTEST * RATE), int(LONGEST * RATE)
    power = float((signal**2).mean()) if len(signal) else 0.0
    if len(signal) < last * LEAST_CYCLES or power < 1e-6:
        return None
    # Unbiased, or long lags would always seem less alike than short ones.
    alike = [float((signal[lag:] * signal[:-lag]).mean()) / power for lag in range(first, last + 1)]
    best = int(np.argmax(alike))
    return first + best if alike[best] >= LEAST_REGULARITY else None


def _cut(signal: Samples, lag: int) -> Iterator[Samples]:
    """Cycle after cycle, each begun where it is most like the first one."""
    model, stray = signal[:lag] - signal[:lag].mean(), max(1, int(lag * STRAY))
    at = 0
    while at + lag + stray <= len(signal):
        begins = range(max(0, at - stray), at + stray + 1)
        at = max(begins, key=lambda each: float(signal[each : each + lag] @ model))
        yield signal[at : at + lag]
        at += lag


def _normal(cycle: Samples) -> Samples:
    drawn = np.interp(np.linspace(0, len(cycle) - 1, POINTS), np.arange(len(cycle)), cycle)
    drawn = drawn - drawn.mean()
    normal: Samples = drawn / max(float(drawn.std()), 1e-9)
    return normal


def _average(cycles: list[Samples]) -> Samples:
    return _normal(np.median(np.array(cycles), axis=0))
