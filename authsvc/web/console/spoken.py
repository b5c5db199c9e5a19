"""What another part has composed in English, said in the operator's language: a sentence is recognised by its form.

Findings, faults and refusals are kept, sent and logged as one English sentence each. Here the form of such a sentence is found
again, its names and numbers are taken out, and the form's translation is filled with them. An English page fills the form itself,
so that levels have their names and numbers their commas there too; what has no known form is shown there as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

from authsvc.look import language
from authsvc.web.console.wording import N_, gettext, whole

FORMS = Path(__file__).parent / "locales" / "sentences"
"""The forms with their translations; of two that fit, the one that stands first is taken."""

_PLACES = re.compile(r"%\((\w+)\)s")
_MEANT = re.compile(r"; did you mean `([^`]+)`\?$")
_OWNER = re.compile(r" in (?:(rule|exemption|test) )?(?:`([^`]*)`|(\w+) number (\d+))(?=$|: )")
_JOINED = re.compile(r"( \+ | or |, )")
_MARKED = re.compile(r"`%\((\w+)\)s`")
_QUOTED = re.compile(r"`([^`]*)`")
_LIFTED = re.compile(r"(\w+) \((\w+)\)")
_LATIN = re.compile("[A-Za-z]")
_LONG_NUMBER = re.compile(r"(?<![\w.:-])\d{4,}(?![\w.:-])")
_TOO_WIDE = re.compile(r"(?<=[\u3400-\u9fff，。：“”、]) (?=[\u3400-\u9fff，。：“”、])")

_SENTENCES = frozenset({"failure", "why", "what", "worth"})
"""Places that hold a sentence of their own."""

_NAMES = frozenset({"rule", "other", "test", "model", "operator", "names", "pattern", "fired", "name"})
"""Places of what somebody has named: never looked up, since a rule may be called `face`."""

_UNKNOWN = N_("the way it is written is not accepted")
_DID_YOU_MEAN = N_("did you mean")
_JOINTS: Mapping[str, str] = {" + ": " + ", " or ": "或", ", ": "、"}
_OWNERS: Mapping[str, str] = {
    "rule": N_("Rule"),
    "exemption": N_("Exemption"),
    "test": N_("Test"),
}


class Speaker:
    """`words` are the names that have a word of their own: levels, factors, devices, fields."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def say(self, text: str) -> Markup:
        """The sentence; one whose form nobody knows stands as the code that it is to whoever cannot read it."""
        said = self._said(text)
        if said is not None:
            return said
        if language.current() == "en":
            return _as_it_came(text)
        return Markup('<code lang="en">{}</code>').format(text)

    def knows(self, text: str) -> bool:
        """Whether the form of a sentence is known."""
        return self._said(text) is not None

    def _said(self, text: str) -> Markup | None:
        if language.current() == "en":
            return self._formed(text)
        meant = _MEANT.search(text)
        bare = text if meant is None else text[: meant.start()]
        said = self._formed(bare)
        if said is None and (owner := _OWNER.search(bare)) is not None:
            said = self._formed(bare[: owner.start()] + bare[owner.end() :])
            said = None if said is None else Markup("{}（{}）").format(said, _owner(owner))
        if said is not None and meant is not None:
            said += Markup("；{} {}？").format(gettext(_DID_YOU_MEAN), _code(meant[1]))
        return said

    def _formed(self, text: str) -> Markup | None:
        for pattern, translation, marked in _patterns(language.current()):
            if (found := pattern.fullmatch(text)) is not None:
                values = found.groupdict().items()
                filled = {name: self._filled(name, value, name in marked) for name, value in values}
                return Markup(_TOO_WIDE.sub("", translation % filled))  # noqa: S704  # Every part of it is escaped.
        return None

    def _filled(self, name: str, value: str, as_code: bool) -> Markup:
        if name in _SENTENCES:
            said = self._said(value)
            if said is None:
                return _as_it_came(value) if language.current() == "en" else escape(gettext(_UNKNOWN))
            return said
        return (
            _code(value)
            if name in _NAMES and value != "no rule"
            else _joined(self._pieces(value.replace("`", ""), as_code))
        )

    def _pieces(self, value: str, as_code: bool) -> Iterator[Markup]:
        for piece in (value,) if value in self._words else _JOINED.split(value):
            lifted = _LIFTED.fullmatch(piece)
            name = piece if lifted is None else f"exempted {lifted[2]}"
            yield _joint(piece) if piece in _JOINTS else self._word(name, as_code)

    def _word(self, name: str, as_code: bool) -> Markup:
        if name in self._words:
            return escape(gettext(self._words[name]))
        name = _LONG_NUMBER.sub(lambda number: whole(int(number[0])), name)
        return _code(name) if as_code and _LATIN.search(name) else escape(name)


@cache
def _patterns(spoken: str) -> tuple[tuple[re.Pattern[str], Markup, frozenset[str]], ...]:
    """Each form with what is filled, and the places whose Latin words are code: in Chinese all, in English what is marked."""
    return tuple(
        (re.compile(_as_pattern(form), re.DOTALL), *_to_fill(form, said, spoken))
        for form, said in language.forms(FORMS, "zh")
    )


def _to_fill(form: str, translation: str, spoken: str) -> tuple[Markup, frozenset[str]]:
    if spoken == "en":
        return _as_it_came(_MARKED.sub(r"%(\1)s", form)), frozenset(_MARKED.findall(form))
    return escape(translation), frozenset(_PLACES.findall(form))


def _as_pattern(form: str) -> str:
    """The form as what it looks like when it is filled; a name that stands twice has one and the same value."""
    written, seen = "", set[str]()
    for at, part in enumerate(_PLACES.split(form)):
        if at % 2 == 0:
            written += re.escape(part.replace("%%", "%"))
            continue
        inside = "[^`]*" if written.endswith("`") else ".+?"
        written += f"(?P={part})" if part in seen else f"(?P<{part}>{inside})"
        seen.add(part)
    return written


def _owner(found: re.Match[str]) -> Markup:
    kind, name = found[1] or found[3], found[2] or found[4]
    said = gettext(_OWNERS[kind]) + " " if kind in _OWNERS else ""
    return Markup("{}{}").format(said, _code(name))


def _joint(piece: str) -> Markup:
    return escape(piece if language.current() == "en" else _JOINTS[piece])


def _as_it_came(text: str) -> Markup:
    """An English sentence with what it quotes as code."""
    return _joined(_code(piece) if at % 2 else escape(piece) for at, piece in enumerate(_QUOTED.split(text)))


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _joined(pieces: Iterator[Markup]) -> Markup:
    return Markup("").join(pieces)
