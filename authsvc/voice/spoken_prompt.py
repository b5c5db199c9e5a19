"""The prompt that a person reads: random digits, in Mandarin or in English. Words without arrays, for the web process."""

from __future__ import annotations

import secrets
from enum import StrEnum

DIGITS = 6
ENROLLMENT_DIGITS = 8
"""Of a phrase that makes a template: six read at ease are two seconds of speech, and an enrollment phrase wants 2.5."""

PHRASES = 5
"""How many prompts an enrollment reads, one after the other."""


class Language(StrEnum):
    """In which words the digits are read; the page shows digits, not words."""

    ENGLISH = "en"
    MANDARIN = "zh"

    @classmethod
    def of(cls, locale: str) -> Language:
        return cls.MANDARIN if locale.lower().startswith("zh") else cls.ENGLISH

    @property
    def tag(self) -> str:
        """As a page names it (BCP 47)."""
        return "zh-CN" if self is Language.MANDARIN else "en"


def new_digits(count: int = DIGITS) -> str:
    """Digits that nobody can foresee."""
    return "".join(secrets.choice("0123456789") for _ in range(count))
