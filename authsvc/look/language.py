"""Chinese and English: which one this person reads, and a catalogue of sentences in it.

Sentences stand in English in the templates; a folder's `zh.po`, and `zh-….po` beside it, hold the Chinese ones and are read as
they are, so there is no compiled file that could be older than its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Request, Response, g, request

if TYPE_CHECKING:
    from babel.support import NullTranslations

LANGUAGES: Mapping[str, str] = {"zh": "中文", "en": "English"}
"""The first one is for whoever asks for neither."""

COOKIE = "lang"
_REMEMBERED = 365 * 24 * 3600
_LOCALES = {"zh": "zh_CN", "en": "en_GB"}
_TAGS = {"zh": "zh-CN", "en": "en"}


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


def remember(response: Response) -> Response:
    """Keep a choice that was just made for a year."""
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie(COOKIE, current(), max_age=_REMEMBERED, samesite="Lax")
    return response


class Catalogue:
    """The sentences of one set of pages; `folder` holds `zh.po`, and more files whose names begin with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def gettext(self, message: str) -> str:
        return self.translations(current()).ugettext(message)

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        return self.translations(current()).ungettext(singular, plural, count)

    def translations(self, language: str) -> NullTranslations:
        """The catalogue of a language; English needs none."""
        return _read(self._folder, language)

    def teach(self, app: Flask) -> None:
        """Have the application's templates speak through this catalogue."""
        app.jinja_env.add_extension("jinja2.ext.i18n")
        app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # The extension brings it.
            self.gettext, self.ngettext, newstyle=True
        )
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


@cache
def forms(folder: Path, language: str) -> tuple[tuple[str, str], ...]:
    """The sentences of a folder with their translations, in the order in which they stand in its files."""
    from babel.messages.pofile import read_po

    found: list[tuple[str, str]] = []
    for source in sorted(folder.glob(f"{language}*.po")):
        with source.open("rb") as file:
            found += [(str(each.id), str(each.string)) for each in read_po(file) if each.id]
    return tuple(found)


@cache
def _read(folder: Path, language: str) -> NullTranslations:
    # Babel takes a while to load, and a process that only answers the API has no use for it.
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import NullTranslations, Translations

    sources = sorted(folder.glob(f"{language}*.po"))
    if not sources:
        return NullTranslations()
    together = Catalog(locale=_LOCALES[language])
    for source in sources:
        with source.open("rb") as file:
            for message in read_po(file, locale=_LOCALES[language]):
                together[message.id] = message
    compiled = BytesIO()
    write_mo(compiled, together)
    compiled.seek(0)
    return Translations(compiled)
