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


@dataclass(frozen=True, slots=True)
class Words:
    """0 to 9, and what some say instead: `oh` for zero, yao for one."""

    digits: tuple[str, ...]
    other: str

    def spelled(self, digits: str, language: str, chance: random.Random) -> str:
        """Apart, or they are read as a number; the other word for all of a line or for none."""
        replaced = "0" if language == ENGLISH else "1"
        other = chance.random() < (0.2 if language == ENGLISH else 0.4)
        separator = chance.choice((" ", ", ", " ")) if language == ENGLISH else " "
        return separator.join(
            self.other if other and digit == replaced else self.digits[int(digit)] for digit in digits
        )


def _words(line: str, other: str) -> Words:
    return Words(tuple(line.split()), other)


WORDS: Mapping[str, Mapping[str, Words]] = {
    ENGLISH: {
        "en": _words("zero one two three four five six seven eight nine", "oh"),
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
        "cmn-latn-pinyin": _words("零 一 二 三 四 五 六 七 八 九", "幺"),
        "cs": _words("ling ji ar san sy u liou cji pa dziou", "jau"),
        "en": _words("ling yee are sahn suh woo leo chee bah geo", "yow"),
        "fi": _words("ling ii aar san see uu liou tsii paa tsiou", "jau"),
        "it": _words("ling ii ar san se uu liou ci ba giou", "iau"),
        "ru": _words("лин и ар сан сы у лиоу чи ба дзиоу", "яо"),
    },
}
