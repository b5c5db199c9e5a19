"""The policy's words as operators read them: levels, devices, states, findings, and why a step was refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from markupsafe import Markup, escape

from authsvc.biometric.det_svg import percent as significant
from authsvc.errors import AuthsvcError
from authsvc.web.console.policies.what_if import query_of
from authsvc.web.console.spoken import Speaker
from authsvc.web.console.wording import N_, amount, gettext, named, whole

LEVELS: Mapping[str, str] = {
    "none": N_("no check"),
    "otp": N_("one-time code"),
    "face": N_("face"),
    "face_fingerprint": N_("face and device lock"),
    "deny": N_("denied"),
    "exempted low_value": N_("exempt: low value"),
    "exempted secure_corporate": N_("exempt: corporate"),
    "exempted tra": N_("exempt: risk analysis"),
    "failed": N_("failed"),
    "not_compared": N_("not compared"),
}

DEVICES: Mapping[str, str] = {
    "trusted": N_("trusted"),
    "probation": N_("on probation"),
    "new": N_("new"),
    "unknown": N_("unknown"),
    "revoked": N_("revoked"),
}

STATES: Mapping[str, str] = {
    "draft": N_("Draft"),
    "validated": N_("Validated"),
    "analyzed": N_("Analysed"),
    "shadowing": N_("In shadow"),
    "approved": N_("Approved"),
    "active": N_("In force"),
    "superseded": N_("Superseded"),
    "rolled_back": N_("Rolled back"),
}

STATE_CHIPS: Mapping[str, str] = {
    "active": "good",
    "approved": "good",
    "rolled_back": "stop",
    "superseded": "",
}

JOB_STATES: Mapping[str, str] = {
    "queued": N_("Waiting"),
    "running": N_("Running"),
    "done": N_("Done"),
    "mismatch": N_("Stopped: the past was not reproduced"),
    "failed": N_("Failed"),
    "cancelled": N_("Cancelled"),
}

PUBLISHED: Mapping[str, str] = {
    "seeded": N_("installed with the service"),
    "activated": N_("activated"),
    "rolled_back": N_("rolled back to"),
}

FINDINGS: Mapping[str, str] = {
    "not-monotone": N_("More risk gets a weaker level"),
    "gap": N_("A payment that no rule covers"),
    "unreachable-rule": N_("A rule that can never match"),
    "indecisive-rule": N_("A rule that never changes an outcome"),
    "weaker-set": N_("A stricter level is proved with less than a milder one"),
    "no-way": N_("A level is asked that nothing can prove"),
    "out-of-reach": N_("A level that cannot be proved with what is enrolled"),
    "failed-test": N_("The document breaks a promise of its own"),
    "not-finished": N_("The analysis did not finish"),
    "not-comparable": N_("Nothing is known of the change"),
    "weaker-than-active": N_("Asks less than the active policy"),
    "seed-table": N_("A set outside the table of levels and factors"),
    "seed-limit": N_("No limit on the way without biometrics"),
    "psd2-none": N_("Passes without strong authentication"),
    "psd2-categories": N_("Fewer than two categories"),
    "psd2-exemption": N_("An exemption beyond the RTS"),
    "nist-voice": N_("A voice is compared"),
    "nist-biometric-alone": N_("A face without a device key"),
    "loose-fmr": N_("Strangers may pass too often"),
    "cn-only-face": N_("A face is the only way"),
    "biometric-from-afar": N_("A face or a voice alone from an unknown device"),
    "nist-liveness": N_("A face whose liveness is gestures alone"),
    "few-gestures": N_("Few gestures and nothing else"),
    "invalid-document": N_("The document is not valid"),
}

FACTORS: Mapping[str, str] = {
    "otp": N_("one-time code"),
    "face": N_("face"),
    "voice": N_("voice"),
    "device_uv": N_("device lock"),
    "device_key": N_("device key"),
}

BOUNDS: Mapping[str, str] = {
    "amount_at_least": N_("amount from"),
    "amount_at_most": N_("amount up to"),
    "risk_at_least": N_("risk from"),
    "risk_at_most": N_("risk up to"),
    "amount_unusual_at_least": N_("times the usual amount, from"),
    "synced_amount_at_most": N_("amount with a synced passkey, up to"),
}

CAPTURES: Mapping[str, str] = {
    "browser": N_("any capture"),
    "device_signed": N_("capture signed by a device key"),
    "attested": N_("capture by an attested app"),
}

FIELDS: Mapping[str, str] = {
    "transaction.amount_minor": N_("amount"),
    "risk.score": N_("risk"),
    "device.novelty": N_("device"),
    "transaction.type": N_("payment type"),
    "context.channel": N_("channel"),
    "device.synced": N_("synced passkey"),
    "devices.synced_amount_at_most": N_("amount with a synced passkey"),
    "user.verify_always": N_("asked every time"),
    "habit.payee_new": N_("new payee"),
    "habit.amount_unusual": N_("times the usual amount"),
    "habit.hour_unusual": N_("unusual hour"),
    "habit.weekday_unusual": N_("unusual day of the week"),
    "habit.burst": N_("many payments within an hour"),
    "habit.dormant": N_("long without a payment"),
    "habit.place_new": N_("new place"),
    "habit.device_unused": N_("device not used before"),
    "habit.channel_unused": N_("channel not used before"),
    "habit.gait_unlike": N_("a walk unlike the payer's"),
    "exemption.in_a_row": N_("exempt payments in a row"),
    "exemption.cumulative": N_("exempt amount in all"),
    "user.frozen": N_("account frozen"),
    "user.blocked": N_("account locked out"),
    "risk.reasons": N_("risk reasons"),
    "proven": N_("already proven"),
    "rules": N_("rules"),
}

REFUSALS: Mapping[str, str] = {
    "not-permitted": N_("Your role does not include this step. That you asked is on record."),
    "insufficient-scope": N_("Your role does not include this step. That you asked is on record."),
    "policy-invalid": N_("The document cannot be used as it is. What stands in the way is listed below."),
    "policy-step": N_("The version is not at this point of its life. Take the steps before this one first."),
    "policy-conflict": N_(
        "Another policy has become active since this page was made. Look at what is active now, analyse again, and decide anew."
    ),
    "unavailable": N_("The analysis did not end in time. Please try again."),
    "invalid-request": N_("Something in the form cannot be read. Please look at it again."),
}

OWN_VERSION = N_("You wrote this version. Another person must approve it.")
"""Said before the form is offered, and when it is sent all the same."""


AND_MORE = N_("and more")
_MINOR = re.compile(r"\d+")
_VALUES: Mapping[str, str] = {
    **DEVICES,
    "True": N_("yes"),
    "False": N_("no"),
    "not stated": N_("not stated"),
    "something_else": N_("anything else"),
    "None": N_("not known"),
}
"""Values that an analysis or a reason tells in English."""


RULE_BOOKS: Mapping[str, str] = {
    "seed": N_("authsvc's own table"),
    "psd2": N_("PSD2 (RTS)"),
    "nist": N_("NIST SP 800-63B-4"),
    "cn": N_("China"),
}

_SPOKEN = Speaker(
    {
        "nothing": N_("nothing"),
        "no rule": N_("no rule"),
        **FIELDS,
        **BOUNDS,
        **STATES,
        **DEVICES,
        **_VALUES,
        **FACTORS,
        **LEVELS,
    }
)


def refusal(error: AuthsvcError) -> str:
    """Why a step was not taken, and what to do, in the operator's language."""
    if error.slug == "not-permitted" and "of their own" in error.detail:
        return gettext(OWN_VERSION)
    return gettext(REFUSALS.get(error.slug, REFUSALS["invalid-request"]))


def in_words(value: object, field: str, currency: str) -> str:
    """A value or a span of values of one input: amounts with their point, and names in the operator's language."""
    text = str(value)
    if field.startswith(("transaction.amount", "exemption.cumulative", "devices.synced_amount")):
        text = _MINOR.sub(lambda number: amount(int(number[0]), currency), text)
    else:
        text = gettext(", ").join(named(_VALUES, word.strip()) for word in text.split(","))
    return text.replace(" to ", " – ").replace("and more", gettext(AND_MORE))


def target(text: str) -> str:
    """A target FMR, `1 in 10000`, as it is said."""
    _, _, number = text.partition("1 in ")
    return gettext(N_("1 in %(number)s")) % {"number": whole(int(number))} if number.isdecimal() else text


def valued(value: object, field: str, currency: str) -> str:
    """A value of one input as a reason gives it; `currency` is the policy's reference."""
    if isinstance(value, list | tuple) and value:
        return gettext(", ").join(valued(each, field, currency) for each in value)
    return named(_VALUES, "None") if value in ([], ()) else in_words(value, field, currency)


def percent(rate: float | None) -> str:
    """A share as per cent with two digits; a dash where nothing was counted."""
    return "–" if rate is None else f"{100 * rate:.2f} %"


def _field(name: str) -> str:
    """A field with what belongs to it: `risk.reasons new_payee` keeps its word."""
    known, _, rest = name.partition(" ")
    return f"{named(FIELDS, known)} {rest}".strip()


def said(text: str) -> Markup:
    """A sentence that another part composed, in the operator's language."""
    return _SPOKEN.say(text)


def noted(text: str) -> Markup:
    """What somebody wrote beside a version: their own words, or the service's own sentence."""
    return said(text) if knows(text) else escape(text)


def knows(text: str) -> bool:
    """Whether the form of such a sentence is known."""
    return _SPOKEN.knows(text)


FILTERS: Mapping[str, Callable[..., str]] = {
    "answered": partial(named, LEVELS),
    "novelty": partial(named, DEVICES),
    "version_state": partial(named, STATES),
    "version_chip": lambda state: STATE_CHIPS.get(state, "wait"),
    "job_state": partial(named, JOB_STATES),
    "published": partial(named, PUBLISHED),
    "finding": partial(named, FINDINGS),
    "rule_book": partial(named, RULE_BOOKS),
    "note": noted,
    "said": said,
    "proof": partial(named, FACTORS),
    "bound_name": partial(named, BOUNDS),
    "capture": partial(named, CAPTURES),
    "field": _field,
    "in_words": in_words,
    "target": target,
    "valued": valued,
    "percent": percent,
    "rate": lambda rate: f"{significant(rate)} %",
    "as_query": query_of,
}
