"""Chinese and English: which one this person reads, and every sentence in it.

Sentences stand in English in the templates; `locales/zh.po` holds the Chinese ones and is read as it is, so there is no
compiled file that could be older than its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Request, g

LANGUAGES: Mapping[str, str] = {"zh": "中文", "en": "English"}
"""The first one is for whoever asks for neither."""

COOKIE = "lang"
_REMEMBERED = 365 * 24 * 3600
_LOCALES = {"zh": "zh_CN", "en": "en"}
_TAGS = {"zh": "zh-CN", "en": "en"}
_CATALOGUES = Path(__file__).parent / "locales"


def choose(request: Request) -> str:
    """What was just chosen, else what was remembered, else what the browser asks for."""
    for said in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if said in LANGUAGES:
            return str(said)
    return request.accept_languages.best_match(list(LANGUAGES)) or next(iter(LANGUAGES))


def current() -> str:
    """The language of the answer that is being made: `zh` or `en`."""
    language: str = g.language
    return language


def locale() -> str:
    """The current language as Babel names it, for amounts and dates."""
    return _LOCALES[current()]


def tag() -> str:
    """The current language as HTML names it."""
    return _TAGS[current()]


def gettext(message: str) -> str:
    return translations(current()).ugettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    return translations(current()).ungettext(singular, plural, count)


def remember_for() -> int:
    """Seconds."""
    return _REMEMBERED


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; English needs none."""
    source = _CATALOGUES / f"{language}.po"
    if not source.exists():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=_LOCALES[language]))
    compiled.seek(0)
    return Translations(compiled)
