"""The sentences of these pages in the language of whoever reads them; the machinery is that of every page of ours."""

from __future__ import annotations

from pathlib import Path

from authsvc.look.language import (
    LANGUAGES,
    Catalogue,
    choose,
    current,
    locale,
    remember,
    tag,
)

__all__ = [
    "CATALOGUE",
    "LANGUAGES",
    "choose",
    "current",
    "gettext",
    "locale",
    "ngettext",
    "remember",
    "tag",
    "translations",
]

CATALOGUE = Catalogue(Path(__file__).parent / "locales")
gettext = CATALOGUE.gettext
ngettext = CATALOGUE.ngettext
translations = CATALOGUE.translations
