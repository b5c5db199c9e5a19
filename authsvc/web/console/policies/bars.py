"""Shares as bars, an accessible SVG: a title, a description, and every number beside its bar. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HIGH, _LEFT, _RIGHT = 440, 34, 100, 140


@dataclass(frozen=True, slots=True)
class Bar:
    """`share` is 0 to 1, None of nothing; `said` is the number in words, `mark` a colour class of the style sheet."""

    label: str
    share: float | None
    said: str
    mark: str = "mark-3"


def bars_svg(key: str, title: str, bars: Sequence[Bar]) -> str:
    """The bars from 0 to 100 per cent; `key` keeps apart the ids of several pictures on one page."""
    said = "; ".join(f"{bar.label}: {bar.said}" for bar in bars)
    height = _HIGH * len(bars) + 8
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart bars" viewBox="0 0 {_WIDTH} {height}" role="img" ',
            f'aria-labelledby="{key}-title {key}-description"><title id="{key}-title">{escape(title)}</title>',
            f'<desc id="{key}-description">{escape(said)}</desc>',
            *(part for number, bar in enumerate(bars) for part in _drawn(number, bar)),
            "</svg>",
        )
    )


def _drawn(number: int, bar: Bar) -> Iterator[str]:
    y, wide = 4 + number * _HIGH, _WIDTH - _LEFT - _RIGHT
    yield f'<text x="{_LEFT - 10}" y="{y + 19}" text-anchor="end">{escape(bar.label)}</text>'
    yield f'<rect class="track" x="{_LEFT}" y="{y}" width="{wide}" height="{_HIGH - 8}" rx="4"/>'
    length = wide * min(1.0, max(0.0, bar.share or 0.0))
    yield f'<rect class="{bar.mark}" x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_HIGH - 8}" rx="4"/>'
    yield f'<text x="{_LEFT + wide + 10}" y="{y + 19}">{escape(bar.said)}</text>'
