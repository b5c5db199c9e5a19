"""The digits that are read: always the same for a seed, and as many as are asked for."""

from collections import Counter

from authsvc.voice.spoken_prompt import DIGITS, ENROLLMENT_DIGITS, Language, new_digits


def test_digits_follow_from_the_seed_alone() -> None:
    assert new_digits(b"seed" * 8) == new_digits(b"seed" * 8)
    assert new_digits(bytes(32)) == "0" * DIGITS
    assert len(new_digits(b"seed" * 8, ENROLLMENT_DIGITS)) == ENROLLMENT_DIGITS


def test_every_digit_comes_about_equally_often() -> None:
    counts = Counter("".join(new_digits(number.to_bytes(32, "big")) for number in range(10**4)))
    assert set(counts) == set("0123456789")


def test_a_locale_says_in_which_words_they_are_read() -> None:
    assert [Language.of(locale) for locale in ("zh-CN", "ZH", "en-GB", "fr")] == [
        Language.MANDARIN,
        Language.MANDARIN,
        Language.ENGLISH,
        Language.ENGLISH,
    ]
    assert Language.MANDARIN.other is Language.ENGLISH
    assert Language.ENGLISH.other.tag == "zh-CN"
