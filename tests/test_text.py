"""One canonical form for whatever names somebody; labels that hold nothing unseen; two names that an eye takes for one."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc import text
from authsvc.errors import InvalidRequest
from authsvc.text import (
    fault_of_identifier,
    fault_of_label,
    identifier,
    label,
    quoted,
    skeleton,
    typed,
    typed_plainly,
)

# PropList.txt of Unicode 17: Bidi_Control=Yes, all twelve.
BIDI_CONTROL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNSEEN = {
    "soft hyphen": "\u00ad",
    "combining grapheme joiner": "\u034f",
    "Hangul filler": "\u115f",
    "half-width Hangul filler": "\uffa0",
    "Hangul filler letter": "\u3164",
    "Khmer inherent vowel": "\u17b4",
    "Mongolian vowel separator": "\u180e",
    "zero width space": "\u200b",
    "zero width non-joiner": "\u200c",
    "zero width joiner": "\u200d",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "word joiner": "\u2060",
    "invisible times": "\u2062",
    "activate symmetric swapping": "\u206b",
    "blank Braille": "\u2800",
    "variation selector": "\ufe0f",
    "byte order mark": "\ufeff",
    "interlinear annotation": "\ufff9",
    "shorthand format control": "\U0001bca0",
    "musical beam": "\U0001d173",
    "tag letter": "\U000e0041",
    "ideographic variation selector": "\U000e0100",
    "NUL": "\0",
    "line feed": "\n",
    "next line": "\x85",
    "delete": "\x7f",
    "half a surrogate pair": "\ud800",
}
NOT_CANONICAL = {
    "decomposed": "Rene\u0301",
    "Kelvin sign": "\u212aarl",
    "Angstrom sign": "\u212b1",
    "compatibility ideograph": "\uf90a",
    "Ohm sign": "\u2126",
    "jamo": "\u1112\u1161\u11ab",
    "space at the end": "ann ",
    "space in front": " ann",
    "no-break space in front": "\u00a0bob",
    "ideographic space at the end": "李\u3000",
    "ideographic space inside": "李\u3000明",
    "thin space inside": "a\u2009b",
    "two spaces": "a  b",
    "nothing": "",
    "a space alone": " ",
    "tab": "a\tb",
    "an accent in front": "\u0301a",
}
CANONICAL = [
    "u_42",
    "ann",
    "Ren\u00e9",
    "李明",
    "ann lee",
    "a.b@example.org",
    "cn:622848/1",
    "ＡＢＣ",
    "a\\b",
    "<b>x",
    "🍜",
    "متجر",
]


@pytest.mark.parametrize("character", [*BIDI_CONTROL, *UNSEEN.values()], ids=ascii)
def test_what_is_not_seen_is_refused_everywhere_and_named(character: str) -> None:
    for fault_of in (fault_of_identifier, fault_of_label):
        fault = fault_of(f"friend{character}ship")
        assert fault is not None
        assert f"U+{ord(character):04X}" in fault


@pytest.mark.parametrize("given_text", NOT_CANONICAL.values(), ids=NOT_CANONICAL.keys())
def test_an_identifier_that_is_not_canonical_is_refused_by_its_field(given_text: str) -> None:
    with pytest.raises(InvalidRequest, match="`user_id` "):
        identifier(given_text, "user_id")
    assert re.fullmatch(text.IDENTIFIER_PATTERN, given_text) is None or not _is_nfc_and_begins_well(
        given_text
    )


def _is_nfc_and_begins_well(given_text: str) -> bool:
    return unicodedata.is_normalized("NFC", given_text) and not unicodedata.combining(given_text[0])


@pytest.mark.parametrize("given_text", CANONICAL)
def test_an_identifier_that_everybody_spells_alike_stays_as_it_is(given_text: str) -> None:
    assert identifier(given_text, "user_id") == given_text
    assert re.fullmatch(text.IDENTIFIER_PATTERN, given_text)


@given(st.text(max_size=12))
def test_the_published_pattern_and_the_form_are_what_is_asked(given_text: str) -> None:
    by_pattern = re.fullmatch(text.IDENTIFIER_PATTERN, given_text) is not None and not re.search(
        "[\ud800-\udfff]", given_text
    )
    assert (fault_of_identifier(given_text) is None) == (by_pattern and _is_nfc_and_begins_well(given_text))
    in_path = re.fullmatch(text.PATH_IDENTIFIER_PATTERN, given_text) is not None
    assert in_path == (
        re.fullmatch(text.IDENTIFIER_PATTERN, given_text) is not None
        and "/" not in given_text
        and given_text[0] != "."
    )


@given(st.text(max_size=30))
def test_what_is_typed_can_be_used(given_text: str) -> None:
    meant = typed(given_text)
    assert meant == "" or unicodedata.combining(meant[0]) or fault_of_identifier(meant) is None
    assert typed(meant) == meant


def test_a_near_word_is_offered_and_a_far_one_is_not() -> None:
    assert text.did_you_mean("amuont", ["amount", "payee"]) == "; did you mean `amount`?"
    assert text.did_you_mean("colour", ["amount", "payee"]) == ""


def test_a_label_is_kept_in_one_spelling() -> None:
    assert label("Cafe\u0301 ", "payee.name") == "Caf\u00e9 "


@pytest.mark.parametrize("blank", ["", " ", "\u3000", "\u00a0 ", "\u2009"])
def test_a_label_that_shows_nothing_is_refused(blank: str) -> None:
    with pytest.raises(InvalidRequest):
        label(blank, "payee.name")


@pytest.mark.parametrize(
    ("typed_text", "meant"),
    [
        ("１２５０００", "125000"),
        ("١٢٥", "125"),
        ("−40", "-40"),
        ("ｄｅｃ＿ａｂｃ", "dec_abc"),
        (" dec_a\u200b\u3000", "dec_a"),
        ("２０２６－１１－２７　１４：３０", "2026-11-27 14:30"),
    ],
)
def test_what_people_type_in_other_widths_and_scripts_is_read(typed_text: str, meant: str) -> None:
    assert typed_plainly(typed_text) == meant


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "a\u200bnn"),
        ("ann", "аnn"),
        ("ann", "ａｎｎ"),
        ("ann", "ANN "),
        ("bill", "biII"),
        ("ops-1", "ops-l"),
        ("root", "r00t"),
        ("René", "Rene\u0301"),
        ("zoe", "Ζοε"),
        ("paypal", "раураl"),
        ("modern", "modem"),
        ("张伟", "张\u3000伟"),
        ("Straße", "STRASSE"),
    ],
)
def test_two_names_that_an_eye_takes_for_one_are_one(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "anna"),
        ("op1", "op2"),
        ("张伟", "张韦"),
        ("ops5", "opss"),
        ("ann.lee", "ann_lee"),
        ("иван", "ivan"),
    ],
)
def test_two_names_that_differ_to_the_eye_stay_two(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_a_quoted_name_cannot_close_its_quotation() -> None:
    assert quoted('a”b"c') == "“\u2068a'b'c\u2069”"
