"""Text that names somebody or something: identifiers in one canonical form, labels that cannot reshape what surrounds them.

Two identifiers that look alike must be one, or one of them refused: an account that is frozen under one spelling would pay
under the other. Nothing is repaired at the edge, since a backend that tells two spellings apart would have them merged here.
What a *person* types is repaired (`typed`), because people cannot see the difference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from authsvc.errors import InvalidRequest

_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
# Default_Ignorable_Code_Point, Bidi_Control, the separators of lines and paragraphs, what is blank without being white
# space, annotation marks and non-characters of the basic plane (Unicode 17, DerivedCoreProperties and PropList).
_INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_WHITE = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
UNSEEN = _CONTROLS + _INVISIBLE
"""What no text may hold, as the inside of a regular expression's character class; unpaired surrogates come on top."""

LABEL_PATTERN = f"^[^{UNSEEN}]+$"
_PART = f"[^{UNSEEN}{_WHITE}]"
IDENTIFIER_PATTERN = f"^{_PART}+( {_PART}+)*$"
# What stands in a path must come back out of it: no slash, and no dot in front, which clients resolve away.
_PATH_PART = f"[^/{UNSEEN}{_WHITE}]"
PATH_IDENTIFIER_PATTERN = f"^[^./{UNSEEN}{_WHITE}]{_PATH_PART}*( {_PATH_PART}+)*$"
"""The patterns are published; beside them an identifier is in Unicode form NFC, which no pattern can say."""

LONGEST_QUOTED = 60

_FOUND = re.compile(f"[{UNSEEN}\ud800-\udfff]")
_CONTROL = re.compile(f"[{_CONTROLS}]")
_SPACES = re.compile(f"^[{_WHITE}]|[{_WHITE}]$|[{_WHITE}]{{2}}|[{_WHITE.replace('0020', '00a0', 1)}]")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")


def fault_of_label(text: str) -> str | None:
    """What is wrong with a name or sentence that people read, in words; None for nothing."""
    found = _FOUND.search(text)
    if found is not None:
        return _unwanted(found.group())
    return None if text.strip() else "holds nothing that can be seen"


def fault_of_identifier(text: str) -> str | None:
    """What keeps a name from being canonical, in words; None for one that everybody spells alike."""
    if _PLAIN.fullmatch(text):
        return None
    fault = fault_of_label(text)
    if fault is not None:
        return fault
    if _SPACES.search(text):
        return "holds white space at an end, or more of it inside than single spaces (U+0020)"
    if not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode normalisation form NFC"
    if unicodedata.combining(text[0]):
        return "begins with a mark that belongs to a letter before it"
    return None


def identifier(text: str, field: str) -> str:
    """The very same text; raises InvalidRequest, which names `field`, for one that is not canonical."""
    _must_be_text(text, field)
    return _unless(fault_of_identifier(text), text, field)


def label(text: str, field: str) -> str:
    """The text in NFC; raises InvalidRequest where it holds what cannot be seen or steers its surroundings."""
    _must_be_text(text, field)
    return unicodedata.normalize("NFC", _unless(fault_of_label(text), text, field))


def typed(text: str) -> str:
    """What a person meant to type: without what cannot be seen, in NFC, with single spaces and none at the ends."""
    seen = unicodedata.normalize("NFC", _FOUND.sub(_gap, text))
    return " ".join(seen.split())


def typed_plainly(text: str) -> str:
    """`typed` where only plain characters are meant, as in numbers and ids: full-width forms, digits and dashes are folded."""
    return "".join(map(_plainly, typed(unicodedata.normalize("NFKC", text))))


def quoted(text: str) -> str:
    """A label inside of a sentence: in quotation marks that it cannot close, in a direction of its own, not endless."""
    short = text if len(text) <= LONGEST_QUOTED else f"{text[: LONGEST_QUOTED - 1]}…"
    return f"“\u2068{short.translate(_QUOTATION_MARKS)}\u2069”"


def skeleton(text: str) -> str:
    """The same for two names that a person may take for each other (after UTS #39, section 4); to compare, never to show.

    Compatibility forms, case, accents, spaces and invisible characters are folded, then letters of other scripts that look
    like Latin ones, and the letters and digits that look like each other.
    """
    plain = unicodedata.normalize("NFKD", _FOUND.sub("", unicodedata.normalize("NFKC", text)))
    folded = unicodedata.normalize("NFKD", plain.translate(_LETTERS).casefold()).translate(_LETTERS)
    letters = (each for each in folded if not unicodedata.combining(each) and not each.isspace())
    return "".join(letters).translate(_STROKES).replace("rn", "m").replace("vv", "w")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` to go behind what was not known, empty where nothing known is near."""
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _must_be_text(text: object, field: str) -> None:
    """A payment backend without types states what it has: nothing, or a number."""
    if not isinstance(text, str):
        raise InvalidRequest(f"`{field}` must be text, and is `{type(text).__name__}`")


def _unless(fault: str | None, text: str, field: str) -> str:
    if fault is not None:
        raise InvalidRequest(f"`{field}` {fault}")
    return text


def _unwanted(character: str) -> str:
    number = f"U+{ord(character):04X}"
    if "\ud800" <= character <= "\udfff":
        return f"holds half of a character ({number})"
    if _CONTROL.match(character):
        return f"holds a control character ({number})"
    return f"holds a character that is not seen or that steers how text is shown ({number})"


def _plainly(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return "-" if unicodedata.category(character) == "Pd" or character == "\u2212" else character


def _gap(found: re.Match[str]) -> str:
    return " " if found.group().isspace() else ""


# Pairs of a Latin letter and what is taken for it: Cyrillic, Greek, Armenian, Cherokee, Lisu and Latin's own variants, by the
# shapes that Unicode's confusables.txt lists for single letters, and those of which only the small or the capital form is alike.
_LETTERS = str.maketrans(
    {
        alike: latin
        for latin, all_alike in {
            "a": "аαɑаꓮᎪΑА⍺",
            "b": "ЬьВвΒꓐᏴβ",
            "c": "сϲСⅽⲥꓚᏟϹ",
            "d": "ԁԀꓒᎠɗ",
            "e": "еЕεΕєҽꓰᎬ℮",
            "f": "ϝƒꓝғ",
            "g": "ɡցԌԍꓖᏀ",
            "h": "һНнΗհꓧᎻҺ",
            "i": "іІιΙıɩӀꓲᎥӏ",
            "j": "јЈϳꓙᎫ",
            "k": "кКκΚқꓗᏦ",
            "l": "ⅼꓡᏞʟ",
            "m": "мМΜꓟᎷ",
            "n": "пηΝոꓠ",
            "o": "оОοΟσօՕꓳ",
            "p": "рРρΡꓑᏢ",
            "q": "ԛԚզ",
            "r": "гᎡꓣʀ",
            "s": "ѕЅՏꓢᏚʂ",
            "t": "тТτΤꓔᎢ",
            "u": "υսՍꓴʋ",
            "v": "νѵѴꓦᏙ",
            "w": "ԝԜωѡꓪᎳ",
            "x": "хХχΧꓫ",
            "y": "уУγΥуүҮꓬ",
            "z": "ΖꓜᏃʐ",
        }.items()
        for alike in all_alike
    }
)
_QUOTATION_MARKS = dict.fromkeys(map(ord, '"“”„‟«»「」『』〝〞〟＂❝❞❠⹂'), "'")
_STROKES = str.maketrans({"i": "l", "1": "l", "|": "l", "!": "l", "0": "o"})
