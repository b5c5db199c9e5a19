"""Why a recording of a walk could not be used, as a stable code, and the sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping

WALK_ON = "walk_on"

_SENTENCES: Mapping[str, str] = {
    "zh": "请把手机放进口袋，沿直线匀速步行，中途不要停下。",
    "en": "Put the phone into your pocket and walk straight ahead, evenly and without stopping.",
}


def sentence(code: str, locale: str) -> str:
    """Raises KeyError for a code that nobody has heard of."""
    return {WALK_ON: _SENTENCES}[code]["zh" if locale.startswith("zh") else "en"]
