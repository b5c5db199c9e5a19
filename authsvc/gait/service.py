"""What a recording says of a payer: like what was enrolled, unlike it, or not to be told."""

from __future__ import annotations

from collections.abc import Sequence

from authsvc.biometric.words import Template
from authsvc.gait.cycles_engine import is_copy, score
from authsvc.gait.words import MODEL, Gait, Likeness, Walked

LIKE, UNLIKE = 0.9, 0.8
"""Scores from which on two walks are alike, and below which they are not. Chosen on made-up walkers: no rate is known."""


def likeness(walked: Walked, template: Template, remembered: Sequence[str]) -> Likeness:
    """A recording that was used before is unlike: whoever walks can walk again."""
    if template.model != MODEL:
        return Likeness.UNKNOWN
    if is_copy(walked.trace, remembered):
        return Likeness.UNLIKE
    found = score(Gait.unpacked(template.vector), walked.gait)
    if found >= LIKE:
        return Likeness.LIKE
    return Likeness.UNLIKE if found < UNLIKE else Likeness.UNKNOWN
