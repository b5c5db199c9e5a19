"""What a folder of pages can say, and what its catalogues say in Chinese: for the tests of every set of pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
_PLACE = re.compile(r"%\((\w+)\)")


def untranslated(pages: Path) -> list[str]:
    """Sentences that are not there in Chinese."""
    known = _catalogue(pages)
    return [each for each in sorted(set(_sentences(pages))) if not all(known.get(each, ("",)))]


def left_over(pages: Path) -> list[str]:
    """Translations of what nobody says any more."""
    return sorted(set(_catalogue(pages)) - set(_sentences(pages)))


def filled_differently(pages: Path) -> list[str]:
    """Sentences whose translation names other things to fill in."""
    return [
        english
        for english, chinese in _catalogue(pages).items()
        if any(set(_PLACE.findall(english)) != set(_PLACE.findall(each)) for each in chinese)
    ]


def _sentences(pages: Path) -> Iterator[str]:
    for _, _, message, _, _ in extract_from_dir(str(pages), _METHODS, keywords=_KEYWORDS):
        yield _first(message)


def _catalogue(pages: Path) -> dict[str, tuple[str, ...]]:
    """Each English sentence with its Chinese ones, one for every plural form that Chinese has."""
    found: dict[str, tuple[str, ...]] = {}
    for source in sorted((pages / "locales").glob("zh*.po")):
        with source.open("rb") as file:
            found |= {_first(each.id): _all(each.string) for each in read_po(file) if each.id}
    return found


def _all(said: object) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, list | tuple) else (str(said or ""),)


def _first(said: object) -> str:
    return _all(said)[0]
