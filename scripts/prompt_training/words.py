"""The digits as they are written for each synthesiser, so that it says them in English or in Mandarin.

A voice of another language reads them in its own spelling and so with its own accent: a German `one` is `wann`. People who
read English digits often have one, and each such voice is one more throat; for Mandarin, which one program alone
speaks in earnest, the others are only that: throats.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

ENGLISH, MANDARIN = "en", "zh"
IPA, IPA_BRITISH = "ipa", "ipa-gb"
"""Kokoro's phonemes: letters that are diphthongs (`A` of eight, `I` of nine, `O` of oh) and arrows that are tones."""


@dataclass(frozen=True, slots=True)
class Words:
    """0 to 9, and what some say instead: `oh` for zero; yao for one, liang for two, dong for zero."""

    digits: tuple[str, ...]
    others: Mapping[str, str]

    def spelled(self, digits: str, language: str, chance: random.Random) -> str:
        """Apart, or they are read as a number; the other word for all of a line or for none."""
        others = {
            digit: word for digit, word in self.others.items() if chance.random() < _OTHERS[language][digit]
        }
        separator = chance.choice((" ", ", ", " ")) if language == ENGLISH else " "
        return separator.join(others.get(digit, self.digits[int(digit)]) for digit in digits)


_OTHERS: Mapping[str, Mapping[str, float]] = {
    ENGLISH: {"0": 0.2},
    MANDARIN: {"1": 0.35, "2": 0.15, "0": 0.15},
}
"""In what share of the lines the other word is said."""


def _words(line: str, zero: str = "", *, one: str = "", two: str = "") -> Words:
    others = {"0": zero, "1": one, "2": two}
    return Words(tuple(line.split()), {digit: word for digit, word in others.items() if word})


WORDS: Mapping[str, Mapping[str, Words]] = {
    ENGLISH: {
        "en": _words("zero one two three four five six seven eight nine", "oh"),
        IPA: _words("zˈɪɹO wˈʌn tˈu θɹˈi fˈɔɹ fˈIv sˈɪks sˈɛvən ˈAt nˈIn", "ˈO"),
        IPA_BRITISH: _words("zˈɪəɹQ wˈʌn tˈuː θɹˈiː fˈɔː fˈIv sˈɪks sˈɛvᵊn ˈAt nˈIn", "ˈQ"),
        "cs": _words("zirou van tu sri for fajf siks seven ejt najn", "ou"),
        "de": _words("siro wann tu sri fohr feiw sicks säwen äit nein", "o"),
        "el": _words("ζίρο ουάν του θρι φορ φάιβ σιξ σέβεν έιτ νάιν", "όου"),
        "es": _words("siro uan tu tri for faiv sics seven eit nain", "ou"),
        "fi": _words("siirou van tuu srii foor faiv siks seven eit nain", "ou"),
        "fr-fr": _words("zirau ouane tou sri fore faïve sixe sévène eïte naïne", "au"),
        "hi": _words("ज़ीरो वन टू थ्री फ़ोर फ़ाइव सिक्स सेवन एट नाइन", "ओ"),
        "hu": _words("ziró van tú szrí fór fájv sziksz szeven ejt nájn", "ó"),
        "it": _words("ziro uan tu tri for faiv sics seven eit nain", "ou"),
        "nl": _words("ziro wan toe srie foor faiv siks seven eet nain", "o"),
        "pl": _words("ziro łan tu sri for fajw siks sewen ejt najn", "oł"),
        "ru": _words("зиро уан ту сри фор файв сикс сэвэн эйт найн", "оу"),
        "sv": _words("siro van to tri for fajv six seven ejt najn", "å"),
        "tr": _words("ziro van tu tri for fayv siks seven eyt nayn", "o"),
    },
    MANDARIN: {
        "cmn-latn-pinyin": _words("零 一 二 三 四 五 六 七 八 九", "洞", one="幺", two="两"),
        IPA: _words("li↗ŋ i→ ɚ↘ sa→n sɨ↘ u↓ ljou↘ ʨʰi→ pa→ ʨjou↓", "tʊ↘ŋ", one="jau→", two="lja↓ŋ"),
        "cs": _words("ling ji ar san sy u liou cji pa dziou", one="jau"),
        "en": _words("ling yee are sahn suh woo leo chee bah geo", one="yow"),
        "fi": _words("ling ii aar san see uu liou tsii paa tsiou", one="jau"),
        "it": _words("ling ii ar san se uu liou ci ba giou", one="iau"),
        "ru": _words("лин и ар сан сы у лиоу чи ба дзиоу", one="яо"),
    },
}
