"""Gait by its cycles: two steps found by autocorrelation, cut out, aligned and averaged to one template.

After Derawi, Nickel, Bours and Busch (IIH-MSP 2010) and Moe-Nilssen and Helbostad (J. Biomech. 2004): a cycle is as long as
the lag of the strongest autocorrelation of the acceleration's magnitude, which does not depend on how a phone lies in a pocket.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from math import isfinite, log, sqrt
from operator import mul
from statistics import median

from authsvc.errors import InvalidRequest
from authsvc.gait.words import POINTS, Gait, Recording, Walked

Signal = list[float]

RATE = 50.0
"""Hertz to which every recording is brought."""

SHORTEST, LONGEST = 0.8, 1.6
"""Seconds of a cycle, which is two steps."""

LEAST_CYCLES = 4
LEAST_REGULARITY = 0.4
"""Autocorrelation at the lag of a cycle below which nobody walks evenly."""

STRAY = 0.1
"""How far, as a share of a cycle, the next one may begin from where it is expected."""

KEPT = 0.75
"""Of the cycles those nearest to the first average are kept: a turn or a kerb is no part of how somebody walks."""

TRACE, TRACE_EVERY, TRACE_SHIFTS, COPIED = 160, 2, 8, 0.97
"""Of a recording's beginning so many points are remembered, each so many samples after the one before. A copy is so much alike
at one of so many shifts, a third of a second, forwards or backwards."""


def walked(recording: Recording) -> Walked | None:
    """None where nobody walks evenly for long enough."""
    found = gait_of(recording.samples, recording.rate)
    return None if found is None else Walked(found, _trace(_magnitude(recording.samples, recording.rate)))


def gait_of(acceleration: Sequence[Sequence[float]], rate: float) -> Gait | None:
    """Of three accelerations a sample at `rate` Hz in any unit; None where nobody walks evenly for long enough.

    Raises InvalidRequest for what is no such recording.
    """
    signal = _magnitude(acceleration, rate)
    lag = _cycle_length(signal)
    if lag is None:
        return None
    cycles = [_normal(_drawn(each, POINTS)) for each in _cut(signal, lag)]
    if len(cycles) < LEAST_CYCLES:
        return None
    first = _average(cycles)
    cycles.sort(key=lambda each: -_dot(each, first))
    return Gait(tuple(_average(cycles[: max(LEAST_CYCLES, int(len(cycles) * KEPT))])), lag / RATE)


def score(template: Gait, probe: Gait) -> float:
    """Similarity from -1 to 1: the correlation of the cycles at the best of all shifts, less for another cadence."""
    best = max(_shifted(template.cycle, probe.cycle))
    return max(-1.0, min(1.0, best - abs(log(template.seconds / probe.seconds))))


def together(own: Sequence[Gait]) -> Gait:
    """One template of several, each turned to fit the first."""
    turned = [own[0].cycle, *(_turned(own[0].cycle, each.cycle) for each in own[1:])]
    mean = [sum(each) / len(turned) for each in zip(*turned, strict=True)]
    return Gait(tuple(_normal(mean)), median(each.seconds for each in own))


def is_copy(trace: str, remembered: Sequence[str]) -> bool:
    """Whether a recording is one of those that were remembered, with noise upon it or a little later."""
    own = _points(trace)
    return any(_alike(own, _points(each)) for each in remembered)


def _magnitude(acceleration: Sequence[Sequence[float]], rate: float) -> Signal:
    """The length of the acceleration, RATE times a second, about its mean."""
    if not 10 <= rate <= 1_000:
        raise InvalidRequest("expected a recording at 10 to 1000 Hz")
    try:
        length = [sqrt(x * x + y * y + z * z) for x, y, z in acceleration]
    except (TypeError, ValueError):
        raise InvalidRequest("expected three accelerations a sample") from None
    if not all(map(isfinite, length)):
        raise InvalidRequest("expected finite accelerations")
    seconds = (len(length) - 1) / rate
    return _about_mean(_drawn(length, int(seconds * RATE) + 1, rate / RATE)) if length else []


def _cycle_length(signal: Signal) -> int | None:
    """In samples; None for what is too short or too uneven."""
    first, last = int(SHORTEST * RATE), int(LONGEST * RATE)
    power = _dot(signal, signal) / len(signal) if signal else 0.0
    if len(signal) < last * LEAST_CYCLES or power < 1e-6:
        return None
    # Unbiased, or long lags would always seem less alike than short ones.
    alike = [_dot(signal[lag:], signal) / (len(signal) - lag) / power for lag in range(first, last + 1)]
    best = max(range(len(alike)), key=alike.__getitem__)
    return first + best if alike[best] >= LEAST_REGULARITY else None


def _cut(signal: Signal, lag: int) -> Iterator[Signal]:
    """Cycle after cycle, each begun where it is most like the first one."""
    model, stray = _about_mean(signal[:lag]), max(1, int(lag * STRAY))
    at = 0
    while at + lag + stray <= len(signal):
        begins = range(max(0, at - stray), at + stray + 1)
        at = max(begins, key=lambda each: _dot(signal[each : each + lag], model))
        yield signal[at : at + lag]
        at += lag


def _drawn(signal: Sequence[float], points: int, step: float = 0.0) -> Signal:
    """So many points of a signal, from its beginning on every `step` samples, or to its end; between two of them in a line."""
    last = len(signal) - 1
    step = step or last / (points - 1)
    found = []
    for number in range(points):
        at = min(number * step, float(last))
        whole = min(int(at), max(0, last - 1))
        here = signal[whole]
        found.append(here + (signal[min(whole + 1, last)] - here) * (at - whole))
    return found


def _about_mean(signal: Sequence[float]) -> Signal:
    mean = sum(signal) / len(signal)
    return [each - mean for each in signal]


def _normal(signal: Sequence[float]) -> Signal:
    """About its mean, with a deviation of 1."""
    level = _about_mean(signal)
    deviation = max(sqrt(_dot(level, level) / len(level)), 1e-9)
    return [each / deviation for each in level]


def _average(cycles: list[Signal]) -> Signal:
    return _normal([median(each) for each in zip(*cycles, strict=True)])


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    """As far as the shorter one goes."""
    return sum(map(mul, one, other), 0.0)


def _shifted(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """The correlation of two cycles for each place where the second may begin."""
    twice = (*other, *other)
    return [_dot(one, twice[shift : shift + POINTS]) / POINTS for shift in range(POINTS)]


def _turned(model: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    found = _shifted(model, other)
    shift = max(range(POINTS), key=found.__getitem__)
    return (*other[shift:], *other[:shift])


def _trace(signal: Signal) -> str:
    """What tells a recording again: its course in bytes, which say less than a template."""
    points = _normal(signal[: TRACE * TRACE_EVERY : TRACE_EVERY])
    return base64.b64encode(bytes(max(0, min(255, round(each * 40) + 128)) for each in points)).decode()


def _points(trace: str) -> Signal:
    return _about_mean([float(each) for each in base64.b64decode(trace)])


def _alike(one: Signal, other: Signal) -> bool:
    found = []
    for shift in range(-TRACE_SHIFTS, TRACE_SHIFTS + 1):
        here, there = (one[shift:], other) if shift >= 0 else (one, other[-shift:])
        size = min(len(here), len(there))
        here, there = here[:size], there[:size]
        power = sqrt(_dot(here, here) * _dot(there, there))
        found.append(_dot(here, there) / power if power else 0.0)
    return max(found) >= COPIED
