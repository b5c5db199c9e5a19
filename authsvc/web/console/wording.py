"""What operators read besides the templates' own sentences: names of levels and states, instants, and what went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from markupsafe import Markup

from authsvc.clock import rfc3339
from authsvc.errors import AuthsvcError, InvalidRequest
from authsvc.look import language
from authsvc.money import MINOR_DIGITS, written

CATALOGUE = language.Catalogue(Path(__file__).parent / "locales")
gettext = CATALOGUE.gettext


def N_(message: str) -> str:  # noqa: N802  # gettext's own name for: collect it, translate it later.
    """Marks a sentence for the catalogue."""
    return message


_FAILURES: Mapping[str, str] = {
    "unauthenticated": N_("You are not signed in, or your session has ended. Please sign in again."),
    "not-permitted": N_("Your role does not include this. That you asked is on record."),
    "not-found": N_("There is no such page, or nothing by that name."),
    "challenge-closed": N_("This was done already, or its time ran out."),
    "rate-limited": N_("Too many attempts in a short time. Please wait a minute."),
    "unavailable": N_("The service cannot answer at the moment. Please try again shortly."),
}
_FAULTS: Mapping[str, str] = {
    "holds half of a character": N_("That name holds half of a character."),
    "holds a control character": N_("That name holds a control character."),
    "holds a character that is not seen or that steers how text is shown": N_(
        "That name holds a character that is not seen, or that steers how text is shown."
    ),
    "holds nothing that can be seen": N_("The name is missing, or holds nothing that can be seen."),
    "holds white space at an end, or more of it inside than single spaces (U+0020)": N_(
        "That name begins or ends with white space, or holds more of it than single spaces."
    ),
    "is not in Unicode normalisation form NFC": N_(
        "That name is spelled in another Unicode form (it is not in NFC), and would be two names that look alike."
    ),
    "begins with a mark that belongs to a letter before it": N_(
        "That name begins with a mark that belongs to a letter before it."
    ),
}
"""What keeps a name from being canonical, in the words of `authsvc.text`, as a sentence for people."""

_NOTHING_DONE = N_("Nothing was done: a name is taken to the letter.")
_CHARACTER = re.compile(r"(.+) \((U\+[0-9A-F]{4,6})\)")
_ANY_FAILURE = N_("That could not be done as it was typed. Please go back and look at it again.")

ROLES: Mapping[str, str] = {
    "analyst": N_("Analyst"),
    "approver": N_("Approver"),
    "auditor": N_("Auditor"),
    "support": N_("Support"),
}

STATES: Mapping[str, str] = {
    "invited": N_("Invited"),
    "active": N_("Active"),
    "revoked": N_("Revoked"),
}


LEVELS: Mapping[str, str] = {
    "none": N_("No check"),
    "otp": N_("One-time code"),
    "face": N_("Face"),
    "face_fingerprint": N_("Face and device lock"),
    "deny": N_("Denied"),
}

STATUSES: Mapping[str, str] = {
    "approved": N_("Approved"),
    "exempted": N_("Exempted"),
    "challenge_required": N_("Challenged"),
    "authenticated": N_("Authenticated"),
    "failed": N_("Failed"),
    "declined_by_user": N_("Declined by the payer"),
    "denied": N_("Denied"),
    "not_possible": N_("Not possible"),
    "expired": N_("Expired"),
    "cancelled": N_("Cancelled"),
    "refused": N_("Attempt refused"),
}

FACTORS: Mapping[str, str] = {
    "otp": N_("One-time code"),
    "device_uv": N_("Device lock"),
    "device_key": N_("Device key"),
    "face": N_("Face"),
    "voice": N_("Voice"),
}

SCAMS: Mapping[str, str] = {
    "refund": N_("refund by a false customer service"),
    "investment": N_("investment"),
    "acquaintance": N_("acquaintance in need"),
    "rented_account": N_("rented account"),
    "screen_sharing": N_("screen sharing"),
}
"""The kinds of fraud that a policy can warn a payer of."""

ANSWERS: Mapping[str, str] = {
    "read": N_("has read it and goes on"),
    "own_decision": N_("it is their own decision"),
    "asked": N_("somebody asked them to pay"),
    "unsure": N_("is not sure"),
}
"""What a payer says to a warning."""

ACCOUNTS: Mapping[str, str] = {
    "active": N_("Active"),
    "frozen": N_("Frozen"),
    "erased": N_("Erased"),
}

DEVICES: Mapping[str, str] = {
    "active": N_("Active"),
    "suspended": N_("Suspended"),
    "revoked": N_("Removed"),
}

WINDOWS: Mapping[str, str] = {
    "hour": N_("Last hour"),
    "day": N_("Last 24 hours"),
    "week": N_("Last 7 days"),
    "month": N_("Last 30 days"),
}

DRIFTS: Mapping[str, str] = {
    "stable": N_("no change"),
    "watch": N_("some change: watch it"),
    "alarm": N_("large change: look into it"),
    "too_few": N_("too few scores to tell"),
}

DEPENDENCIES: Mapping[str, str] = {
    "database": N_("Database"),
    "ephemeral": N_("Short-lived store"),
    "policy": N_("Policy"),
    "token": N_("Signing token"),
    "face": N_("Face comparison"),
    "voice": N_("Voice comparison"),
}
"""What the service depends on, by its names in `/readyz`."""

GOOD = frozenset(
    {
        "active",
        "approved",
        "authenticated",
        "completed",
        "confirmed",
        "consumed",
        "done",
        "exempted",
        "passed",
        "signed-in",
        "sound",
    }
)
BAD = frozenset(
    {"attack", "denied", "erased", "failed", "frozen", "not-sound", "refused", "revoked", "vetoed"}
)


def tone(name: str) -> str:
    """Which colour a state is shown in: the words say it as well."""
    return "good" if name in GOOD else "stop" if name in BAD else "wait"


def amount(minor: int, currency: str) -> str:
    """An amount in major units with its currency. Whoever works here reads ¥ as yuan, in English too."""
    return written(minor, currency, "zh_CN" if currency in MINOR_DIGITS else language.locale())


def plain(value: object) -> str:
    """A JSON value in a cell: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def failure(error: AuthsvcError) -> str:
    """What went wrong, in a sentence for people; the error's own detail is for engineers."""
    fault = error.extra.get("fault")
    if isinstance(fault, str):
        return misspelt(fault)
    return gettext(_FAILURES.get(error.slug, _ANY_FAILURE))


def misspelt(fault: str) -> str:
    """What is wrong with a name that is not canonical, with the character that is; nothing was done."""
    character = None if fault in _FAULTS else _CHARACTER.fullmatch(fault)
    sentence = gettext(_FAULTS[fault if character is None else character[1]])
    found = "" if character is None else f" ({character[2]})"
    return f"{sentence}{found} {gettext(_NOTHING_DONE)}"


def named(names: Mapping[str, str], name: str) -> str:
    """The name in the language of the page; one that nobody has put into words stands as it is."""
    return gettext(names[name]) if name in names else name


def typed_time(text: str, east: timedelta = timedelta()) -> datetime | None:
    """A time as a browser's field or a person writes it, None for nothing; raises InvalidRequest.

    Without a zone it is by a clock that is `east` of UTC.
    """
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest("this is no time") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC) - east


def typed_amount(text: str, currency: str) -> int | None:
    """An amount as people type it, in the smallest unit; None for nothing, raises InvalidRequest."""
    if not text:
        return None
    try:
        amount = Decimal(text.replace(",", "").removeprefix("¥"))
    except InvalidOperation:
        raise InvalidRequest("this is no amount") from None
    if not amount.is_finite() or abs(amount) > 10**15:
        raise InvalidRequest("this is no amount")
    return int(amount.scaleb(MINOR_DIGITS.get(currency, 0)))


def when(at: datetime | str | None) -> Markup:
    """An instant; the page's script shows it by the operator's clock, and UTC, to compare with logs, where one points at it."""
    if at is None:
        return Markup("–")
    text = at if isinstance(at, str) else rfc3339(at)
    return Markup('<time datetime="{}">{} UTC</time>').format(text, text[:19].replace("T", " "))


def lead(text: str) -> str:
    """What stands before something on its line: behind a full-width colon there is room already."""
    return text if text.endswith("：") else f"{text} "


def whole(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}"


def share(part: int, total: int) -> str:
    """A part as per cent, to one place; nothing of nothing is a dash."""
    return "–" if total == 0 else f"{100 * part / total:.1f} %"
