"""The prompt that a person reads: random digits, in Mandarin or in English. Words without arrays, for the web process."""

from __future__ import annotations

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
    def other(self) -> Language:
        return Language.ENGLISH if self is Language.MANDARIN else Language.MANDARIN

    @property
    def tag(self) -> str:
        """As a page names it (BCP 47)."""
        return "zh-CN" if self is Language.MANDARIN else "en"


def new_digits(seed: bytes, count: int = DIGITS) -> str:
    """Digits that nobody can foresee who does not know the seed, and always the same for one: asking again draws no others."""
    return f"{int.from_bytes(seed, 'big') % 10**count:0{count}d}"
