"""What somebody meant who typed something else: one wording for every place where names are typed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` to go behind what was not known, empty where nothing known is near."""
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean `{near[0]}`?" if near else ""
