"""DET curves as a picture that can also be read: normal-deviate axes, a title and a description, and the numbers beside.

Plain SVG without scripts or outside references. Curves differ in dashes as well as in colour. Every colour is a
presentation attribute, so that the file stands alone and a page's stylesheet may still answer a dark background.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from statistics import NormalDist

_LEAST, _MOST = 1e-6, 0.5
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 5e-2, 0.2, 0.5)
_SIDE, _LEFT, _TOP, _WITHOUT_ROWS, _WITH_ROWS = 420, 84, 64, 540, 980
_STYLES = (("#0b3d91", ""), ("#a4161a", "7 4"), ("#1b5e20", "2 4"), ("#4a148c", "11 4 2 4"))
_NORMAL = NormalDist()

Rates = tuple[float, float]
"""FMR and FNMR, or the two ends of an interval; fractions."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An operating point: its rates as fractions, None where they were not measured, and the interval of its FNMR."""

    label: str
    fmr: float
    fnmr: float | None
    fnmr_interval: Rates | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of comparison. Without `points` there was no curve to draw, and the marks stand alone."""

    label: str
    points: Sequence[Rates]
    marks: tuple[Mark, ...]
    pairs: str = ""


AXES = ("false match rate (FMR), percent", "false non-match rate (FNMR), percent")
"""What is said across and upwards."""


def det_svg(
    title: str,
    description: str,
    series: Sequence[Series],
    *,
    key: str = "det",
    rows: bool = True,
    axes: tuple[str, str] = AXES,
) -> str:
    """An SVG document; `description` is what somebody who cannot see it is read, besides the table.

    `key` keeps apart the ids of several pictures on one page; without `rows` the numbers stand elsewhere on it.
    """
    lines = [row for one in series for row in _rows(one)] if rows else []
    height = max(_TOP + _SIDE + 70, _TOP + 24 * (len(lines) + 2))
    width = _WITH_ROWS if rows else _WITHOUT_ROWS
    named = f'role="img" aria-labelledby="{key}-title {key}-description" class="det"'
    looks = 'font-family="sans-serif" font-size="13" fill="#111"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {named} {looks}>',
            f'<title id="{key}-title">{escape(title)}</title>',
            f'<desc id="{key}-description">{escape(description)}</desc>',
            f'<rect class="paper" width="{width}" height="{height}" fill="#fff"/>',
            f'<text x="{_LEFT}" y="32" font-size="17" font-weight="bold">{escape(title)}</text>',
            *_axes(*axes),
            *(line for number, one in enumerate(series) for line in _drawn(number, one)),
            *(_key(number, one) for number, one in enumerate(series) if rows or len(series) > 1),
            *(_text(_LEFT + _SIDE + 40, _TOP + 24 * line, row) for line, row in enumerate(lines)),
            "</svg>\n",
        ]
    )


def _axes(across: str, upwards: str) -> Iterator[str]:
    right, bottom = _LEFT + _SIDE, _TOP + _SIDE
    for rate in _TICKS:
        # What is rarer than the axes reach, none at all included, is drawn at their ends.
        x, y, shown = _x(rate), _y(rate), "0" if rate == _LEAST else percent(rate)
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}M{_LEFT} {y:.1f}H{right}" stroke="#ccc" fill="none"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{shown}</text>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>'
    yield _text(_LEFT + 90, bottom + 46, across)
    yield f'<text transform="translate(22 {bottom - 70}) rotate(-90)">{escape(upwards)}</text>'


def _drawn(number: int, series: Series) -> Iterator[str]:
    colour, dashes = _STYLES[number % len(_STYLES)]
    line = f'class="line-{number % len(_STYLES)}" stroke="{colour}" stroke-width="2" fill="none"'
    if series.points:
        points = " ".join(f"{_x(fmr):.1f},{_y(fnmr):.1f}" for fmr, fnmr in series.points)
        yield f'<polyline points="{points}" {line} stroke-dasharray="{dashes}"/>'
    for mark in series.marks:
        if mark.fnmr is not None:
            yield from _marked(mark, _x(mark.fmr), _y(mark.fnmr), line, colour)


def _key(number: int, series: Series) -> str:
    """Which line, or which dots where there is no line, is which."""
    colour, dashes = _STYLES[number % len(_STYLES)]
    x, y = _LEFT + _SIDE - 130, _TOP + 24 + 20 * number
    sample = f'<circle cx="{x + 20}" cy="{y - 4}" r="5" class="dot" fill="{colour}"/>'
    if series.points:
        line = f'class="line-{number % len(_STYLES)}" stroke="{colour}" stroke-width="2" fill="none"'
        sample = f'<path d="M{x} {y - 4}h40" {line} stroke-dasharray="{dashes}"/>'
    return sample + _text(x + 50, y, series.label)


def _marked(mark: Mark, x: float, y: float, line: str, colour: str) -> Iterator[str]:
    """A dot, and a whisker for the interval of the FNMR where it is known."""
    if mark.fnmr_interval is not None:
        low, high = (_y(end) for end in mark.fnmr_interval)
        yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}M{x - 5:.1f} {low:.1f}h10M{x - 5:.1f} {high:.1f}h10" {line}/>'
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" class="dot" fill="{colour}"/>'


def _rows(series: Series) -> Iterator[str]:
    """What the picture shows, in words."""
    yield f"{series.label}: {series.pairs}"
    for mark in series.marks:
        fnmr = "not measured" if mark.fnmr is None else f"{percent(mark.fnmr)} %"
        yield f"● {mark.label}: FMR {percent(mark.fmr)} %, FNMR {fnmr}"


def _x(rate: float) -> float:
    return _LEFT + _SIDE * _share(rate)


def _y(rate: float) -> float:
    return _TOP + _SIDE * (1 - _share(rate))


def _share(rate: float) -> float:
    """Where on an axis a rate lies, from 0 to 1; what is below one in a million lies at its end."""
    low, high = _NORMAL.inv_cdf(_LEAST), _NORMAL.inv_cdf(_MOST)
    return (_NORMAL.inv_cdf(min(max(rate, _LEAST), _MOST)) - low) / (high - low)


def percent(rate: float) -> str:
    """A fraction as a percentage of three digits, without the sign."""
    return f"{rate * 100:.3g}" if rate >= 1e-6 or rate == 0 else f"{rate * 100:.1e}"


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y}">{escape(text)}</text>'
