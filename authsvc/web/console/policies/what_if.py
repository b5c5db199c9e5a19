"""A payment typed into a form, as the input snapshot that the policy reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from authsvc.errors import InvalidRequest
from authsvc.money import major_units
from authsvc.policy.inputs import FLAGS
from authsvc.text import typed_plainly
from authsvc.web.console.wording import typed_amount

FIELDS: Mapping[str, str] = {
    "type": "payment",
    "amount": "1250.00",
    "currency": "CNY",
    "novelty": "trusted",
    "risk_score": "40",
    "risk_reasons": "",
    "channel": "",
    "low_value_count": "",
    "low_value": "",
    "amount_unusual": "",
}
"""What the form asks, and what stands in it at first."""

_NUMBERS = ("amount_minor", "risk_score", "low_value_count", "low_value_sum", "amount_unusual")
_MINOR = {"amount": "amount_minor", "low_value": "low_value_sum"}
"""Amounts as they are typed, and as a snapshot has them, in the smallest unit: links carry those."""

_FLAGS = ("verify_always", "account_frozen", "account_blocked")
OPEN = ("device_synced", *FLAGS)
"""What is so, is not so, or is not known."""

_CATEGORIES = ("knowledge", "possession", "inherence")


def payment_of(typed: Mapping[str, str]) -> dict[str, object]:
    """The snapshot; what was left empty is not known. Raises InvalidRequest for what is no number."""
    snapshot: dict[str, object] = {
        name: _number(name, text) if name in _NUMBERS else text
        for name in (*FIELDS, *_MINOR.values())
        if name not in ("risk_reasons", *_MINOR) and (text := typed.get(name, "").strip())
    }
    for name, minor in _MINOR.items():
        if text := typed_plainly(typed.get(name, "")):
            snapshot[minor] = typed_amount(text, typed_plainly(typed.get("currency", "")) or "CNY")
    snapshot["risk_reasons"] = typed.get("risk_reasons", "").replace(",", " ").split()
    snapshot |= {name: True for name in _FLAGS if typed.get(name)}
    snapshot["proven"] = [category for category in _CATEGORIES if typed.get(f"proven_{category}")]
    return snapshot | {name: said == "yes" for name in OPEN if (said := typed.get(name)) in ("yes", "no")}


def query_of(snapshot: Mapping[str, Any]) -> str:  # Any: a snapshot's JSON.
    """The address of the form with this payment in it."""
    fields = {
        name: snapshot.get(name)
        for name in (*FIELDS, *_MINOR.values())
        if name not in ("risk_reasons", *_MINOR)
    }
    fields["risk_reasons"] = " ".join(snapshot.get("risk_reasons") or ())
    fields |= {name: "1" for name in _FLAGS if snapshot.get(name)}
    fields |= {f"proven_{category}": "1" for category in snapshot.get("proven") or ()}
    fields |= {name: "yes" if snapshot[name] else "no" for name in OPEN if snapshot.get(name) is not None}
    return urlencode({name: "" if value is None else value for name, value in fields.items()})


def shown_of(typed: Mapping[str, str]) -> dict[str, str]:
    """What stands in the form: what was typed, what a link says in the smallest unit, else what it begins with."""
    shown = {name: typed.get(name, default) for name, default in FIELDS.items()}
    for name, minor in _MINOR.items():
        if (text := typed.get(minor, "")).isascii() and text.isdecimal() and not typed.get(name):
            shown[name] = major_units(int(text), typed.get("currency", ""))
    return shown


def _number(name: str, text: str) -> int:
    plain = typed_plainly(text)
    if not plain.isascii() or not plain.removeprefix("-").isdecimal() or len(plain) > 17:
        raise InvalidRequest(f"input `{name}` is `{text[:30]}`, and a whole number was expected")
    return int(plain)
