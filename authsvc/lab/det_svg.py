"""DET curves as a picture that can also be read: normal-deviate axes, a title and a description, and the numbers beside.

Plain SVG without scripts or outside references. Curves differ in dashes as well as in colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from statistics import NormalDist

import numpy as np

from authsvc.lab.iso19795 import Curve

_LEAST, _MOST = 1e-6, 0.5
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 5e-2, 0.2, 0.5)
_SIDE, _LEFT, _TOP = 420, 84, 64
_STYLES = (("#0b3d91", ""), ("#a4161a", "7 4"), ("#1b5e20", "2 4"), ("#4a148c", "11 4 2 4"))
_SEEN_AND_READ = (
    'role="img" aria-labelledby="title description" font-family="sans-serif" font-size="13" fill="#111"'
)
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Mark:
    """A shipped operating point: its rates as fractions, None where they were not measured."""

    label: str
    fmr: float
    fnmr: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    label: str
    curve: Curve
    marks: tuple[Mark, ...]


def det_svg(title: str, description: str, series: Sequence[Series]) -> str:
    """An SVG document; `description` is what somebody who cannot see it is read, besides the table."""
    rows = [row for one in series for row in _rows(one)]
    height = max(_TOP + _SIDE + 70, _TOP + 24 * (len(rows) + 2))
    body = [*_axes(), *(line for number, one in enumerate(series) for line in _drawn(number, one))]
    table = [_text(_LEFT + _SIDE + 40, _TOP + 24 * line, row) for line, row in enumerate(rows)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 {height}" {_SEEN_AND_READ}>',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            f'<rect width="980" height="{height}" fill="#fff"/>',
            f'<text x="{_LEFT}" y="32" font-size="17" font-weight="bold">{escape(title)}</text>',
            *body,
            *table,
            "</svg>\n",
        ]
    )


def _axes() -> Iterator[str]:
    right, bottom = _LEFT + _SIDE, _TOP + _SIDE
    for rate in _TICKS:
        # What is rarer than the axes reach, none at all included, is drawn at their ends.
        x, y, shown = _x(rate), _y(rate), "0" if rate == _LEAST else _percent(rate)
        yield f'<path d="M{x:.1f} {_TOP}V{bottom}M{_LEFT} {y:.1f}H{right}" stroke="#ccc" fill="none"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{shown}</text>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>'
    yield _text(_LEFT + 90, bottom + 46, "false match rate (FMR), percent")
    yield (
        f'<text transform="translate(22 {bottom - 70}) rotate(-90)">false non-match rate (FNMR), percent</text>'
    )


def _drawn(number: int, series: Series) -> Iterator[str]:
    colour, dashes = _STYLES[number % len(_STYLES)]
    points = " ".join(f"{_x(fmr):.1f},{_y(fnmr):.1f}" for fmr, fnmr in _corners(series.curve))
    line = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}" fill="none"'
    yield f'<polyline points="{points}" {line}/>'
    for mark in series.marks:
        if mark.fnmr is not None:
            yield f'<circle cx="{_x(mark.fmr):.1f}" cy="{_y(mark.fnmr):.1f}" r="5" fill="{colour}"/>'
    x, y = _LEFT + _SIDE - 130, _TOP + 24 + 20 * number
    yield f'<path d="M{x} {y - 4}h40" {line}/>'
    yield _text(x + 50, y, series.label)


def _rows(series: Series) -> Iterator[str]:
    """What the picture shows, in words."""
    pairs = f"{series.curve.genuine_pairs} genuine, {series.curve.impostor_pairs} impostor pairs"
    yield f"{series.label}: {pairs}"
    for mark in series.marks:
        fnmr = "not measured" if mark.fnmr is None else f"{_percent(mark.fnmr)} %"
        yield f"● {mark.label}: FMR {_percent(mark.fmr)} %, FNMR {fnmr}"


def _corners(curve: Curve) -> Iterator[tuple[float, float]]:
    """Where the curve changes within the picture."""
    changes = np.abs(np.diff(curve.fmr, prepend=2)) + np.abs(np.diff(curve.fnmr, prepend=2))
    steps = np.flatnonzero((changes != 0) & (curve.fmr <= _MOST) & (curve.fnmr <= _MOST))
    # A line of thousands of points looks no better than one of some hundred.
    chosen = steps[np.unique(np.linspace(0, len(steps) - 1, 600).astype(int))] if len(steps) else steps
    for step in chosen:
        yield float(curve.fmr[step]), float(curve.fnmr[step])


def _x(rate: float) -> float:
    return _LEFT + _SIDE * _share(rate)


def _y(rate: float) -> float:
    return _TOP + _SIDE * (1 - _share(rate))


def _share(rate: float) -> float:
    """Where on an axis a rate lies, from 0 to 1; what is below one in a million lies at its end."""
    low, high = _NORMAL.inv_cdf(_LEAST), _NORMAL.inv_cdf(_MOST)
    return (_NORMAL.inv_cdf(min(max(rate, _LEAST), _MOST)) - low) / (high - low)


def _percent(rate: float) -> str:
    return f"{rate * 100:.3g}" if rate >= 1e-6 or rate == 0 else f"{rate * 100:.1e}"


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y}">{escape(text)}</text>'
