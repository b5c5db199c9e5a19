"""What people read besides the templates' own sentences: names of proofs, amounts, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from babel.dates import format_date, format_datetime
from markupsafe import Markup, escape

from authsvc.errors import AuthsvcError
from authsvc.factor import Unusable
from authsvc.money import written
from authsvc.services.hints import hints_view
from enrollment.api import Json
from enrollment.language import current, gettext, locale


def N_(message: str) -> str:  # noqa: N802  # gettext's own name for: collect it, translate it later.
    """Marks a sentence for the catalogue."""
    return message


PROOFS: Mapping[str, str] = {
    "otp": N_("One-time code"),
    "device_uv": N_("Screen lock of this device"),
    "device_key": N_("This device"),
    "face": N_("Face"),
    "voice": N_("Voice"),
}

_FAILURES: Mapping[str, str] = {
    "unauthenticated": N_("This page cannot be opened from here. Please start again from the shop or app."),
    "challenge-closed": N_(
        "This page has ended: it was completed or cancelled, or it timed out. Please start again from the shop or app."
    ),
    "warning-unanswered": N_("Please take a moment to read this before you go on."),
    "challenge-failed": N_("That was not accepted."),
    "capture-unusable": N_("That recording cannot be used yet. Here is what helps:"),
    "payload-too-large": N_("The recording is too large. Please record again."),
    "unsupported-media": N_(
        "This file cannot be read here. Please use the camera or microphone on this page."
    ),
    "rate-limited": N_("Too many attempts in a short time. Please wait a moment."),
    "locked": N_("Too many failed attempts. Please wait before you try again."),
    "user-frozen": N_("This account is frozen. Please contact your payment provider."),
    "unavailable": N_("We cannot do this at the moment. Please try again shortly."),
    "proof-required": N_("This needs a fresh confirmation. Please confirm once more that it is you."),
    "not-found": N_("There is no such page."),
}
_CLAUSES = re.compile("([^，。：；、！？]*([，。：；、！？]))|.+")
_ANY_FAILURE = N_("Something went wrong. Please start this step again.")


def proof_name(factor: str) -> str:
    return gettext(PROOFS.get(factor, factor))


def way_name(factors: Sequence[str]) -> str:
    """One way to prove it, all of its factors."""
    return " + ".join(proof_name(factor) for factor in factors)


def amount(payment: Json) -> str:
    """The amount in major units with its currency, as people of this language write it."""
    return written(int(payment["amount_minor"]), str(payment["currency"]), locale())


def amount_size(payment: Json) -> str:
    """The class that lets an amount of this length stand on one line."""
    length = len(amount(payment))
    return "amount-longest" if length > 13 else "amount-long" if length > 11 else ""


def day(instant: str) -> str:
    """The day of an RFC 3339 instant, as people of this language write it; UTC, since nobody said where they are."""
    return str(format_date(datetime.fromisoformat(instant), format="medium", locale=locale()))


def moment(instant: str) -> Markup:
    """An RFC 3339 instant as people of this language write it; UTC, and says so, until the page's script knows their clock."""
    utc = format_datetime(datetime.fromisoformat(instant), format="medium", locale=locale())
    return Markup('<time datetime="{}">{} UTC</time>').format(instant, utc)


def failure(error: AuthsvcError) -> str:
    """What went wrong, in a sentence for people; never the API's own detail, which is for engineers."""
    return gettext(_FAILURES.get(error.slug, _ANY_FAILURE))


def clauses(text: str) -> Markup:
    """A Chinese text whose clauses stay together where a line has room for them; a browser knows no words of it."""
    return Markup("").join(
        Markup('<span class="together">{}</span>').format(clause) if found[2] else escape(clause)
        for found in _CLAUSES.finditer(text)
        if (clause := found[0])
    )


def hints(step: str, error: AuthsvcError) -> list[str]:
    """What the person can do better, in the language of the page."""
    codes = tuple(hint_codes(error))
    try:
        return [str(each["text"]) for each in hints_view(step, Unusable(codes), current())]
    except KeyError:
        return [str(each.get("text", "")) for each in _hints_of(error)]


def hint_codes(error: AuthsvcError) -> list[str]:
    """The stable codes of what the person can do better."""
    return [str(each.get("code", "")) for each in _hints_of(error)]


def _hints_of(error: AuthsvcError) -> list[dict[str, object]]:
    named = error.extra.get("hints")
    return [each for each in named if isinstance(each, dict)] if isinstance(named, list) else []
