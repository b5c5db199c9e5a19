"""A second, slow reading of policy documents, for checking the first: straight from the raw mapping, rule by rule.

It shares no code with the room but the words of the data: no masks, no conversion, no condition table.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any

LEVELS = ["none", "otp", "face", "face_fingerprint", "deny"]
FLAGS = [
    "payee_new",
    "hour_unusual",
    "weekday_unusual",
    "burst",
    "dormant",
    "place_new",
    "device_unused",
    "channel_unused",
    "gait_unlike",
]
DEVICES = ["trusted", "probation", "new", "unknown", "revoked"]


Answered = tuple[str, str | None, set[str]]
"""Level, kind of exemption and the ids of all matching rules."""


def answer(document: dict[str, Any], payment: dict[str, Any]) -> Answered:
    """What is answered to an input snapshot."""
    amount = _amount(document, payment)
    holds = _checks(payment, amount)
    fired = {
        rule["id"]
        for rule in document["rules"]
        if all(holds[key](bound) for key, bound in rule.items() if key in holds)
    }
    asked = [rule["level"] for rule in document["rules"] if rule["id"] in fired]
    if "default" in document:
        asked.append(document["default"])
    level = max(asked or ["face_fingerprint"], key=LEVELS.index)
    if payment["account_frozen"] or payment["novelty"] == "revoked":
        return "deny", None, fired
    if level in ("none", "deny"):
        return level, None, fired
    if payment["account_blocked"]:
        return "deny", None, fired
    for exemption in document.get("exemptions", []):
        if _exempts(exemption, level, payment, amount):
            return "none", exemption["kind"], fired
    return level, None, fired


def warning(document: dict[str, Any], answered: Answered) -> dict[str, Any] | None:
    """What the payer reads before any proof: of the rules that match, a strict warning first, then the strictest rule's."""
    level, _, fired = answered
    if level in ("none", "deny"):
        return None
    warns = [rule for rule in document["rules"] if rule["id"] in fired and "warning" in rule]
    for strict in (True, False):
        for asked in reversed(LEVELS):
            for rule in warns:
                if rule["level"] == asked and rule["warning"]["strict"] is strict:
                    return dict(rule["warning"])
    return None


def _amount(document: dict[str, Any], payment: dict[str, Any]) -> Decimal:
    """In the reference currency's smallest unit; infinite where it is not known."""
    currency = document["currencies"].get(payment["currency"])
    if currency is None:
        return Decimal("Infinity")
    units = Decimal(payment["amount_minor"]).scaleb(-currency["minor_digits"])
    reference = document["currencies"][document["reference_currency"]]
    worth = (units * Decimal(currency["worth"])).scaleb(reference["minor_digits"])
    return worth.to_integral_value(ROUND_CEILING)


def _checks(payment: dict[str, Any], amount: Decimal) -> dict[str, Callable[[Any], bool]]:
    risk = 100 if payment["risk_score"] is None else payment["risk_score"]
    device = DEVICES.index(payment["novelty"])
    return {
        "amount_at_least": lambda bound: amount >= bound,
        "amount_at_most": lambda bound: amount <= bound,
        "risk_at_least": lambda bound: risk >= bound,
        "risk_at_most": lambda bound: risk <= bound,
        "device_at_least": lambda bound: device >= DEVICES.index(bound),
        "device_worse_than": lambda bound: device > DEVICES.index(bound),
        "device_at_most": lambda bound: device <= DEVICES.index(bound),
        "type_in": lambda bound: payment["type"] in bound,
        "channel_in": lambda bound: payment["channel"] is None or payment["channel"] in bound,
        "risk_reason_in": lambda bound: bool(set(bound) & set(payment["risk_reasons"])),
        "synced": lambda bound: payment["device_synced"] is not False,
        "verify_always": lambda bound: payment["verify_always"],
        "proven_lacks": lambda bound: bound not in payment["proven"],
        "amount_unusual_at_least": lambda bound: payment.get("amount_unusual", 1_000) >= bound,
        **{name: partial(_is_there, payment, name) for name in FLAGS},
    }


def _is_there(payment: dict[str, Any], name: str, bound: bool) -> bool:
    return payment.get(name, True) is bound


def _exempts(exemption: dict[str, Any], level: str, payment: dict[str, Any], amount: Decimal) -> bool:
    risk = 100 if payment["risk_score"] is None else payment["risk_score"]
    if payment["verify_always"] or LEVELS.index(level) > LEVELS.index(exemption.get("waives", "otp")):
        return False
    if risk > exemption["risk_at_most"] or amount > exemption.get("amount_at_most", Decimal("Infinity")):
        return False
    if DEVICES.index(payment["novelty"]) > DEVICES.index(exemption.get("device_at_most", "trusted")):
        return False
    if "type_in" in exemption and payment["type"] not in exemption["type_in"]:
        return False
    if "channel_in" in exemption and payment["channel"] not in exemption["channel_in"]:
        return False
    if "cumulative_at_most" in exemption:
        spent = payment["low_value_sum"]
        if spent is None or spent + amount > exemption["cumulative_at_most"]:
            return False
    if "in_a_row_at_most" in exemption:
        count = payment["low_value_count"]
        if count is None or count + 1 > exemption["in_a_row_at_most"]:
            return False
    return True


def ways(document: dict[str, Any], payment: dict[str, Any], level: str) -> list[dict[str, Any]]:
    """The ways of a level that are open to an input snapshot, with factors in order of the alphabet."""
    if level not in document["levels"]:
        return []
    stated = [
        each if isinstance(each, dict) else {"factors": each} for each in document["levels"][level]["sets"]
    ]
    return [{**way, "factors": sorted(way["factors"])} for way in stated if _is_open(document, payment, way)]


def _is_open(document: dict[str, Any], payment: dict[str, Any], way: dict[str, Any]) -> bool:
    amount = _amount(document, payment)
    if amount > way.get("amount_at_most", Decimal("Infinity")):
        return False
    if DEVICES.index(payment["novelty"]) > DEVICES.index(way.get("device_at_most", "revoked")):
        return False
    limit = document["devices"].get("synced_amount_at_most", Decimal("Infinity"))
    by_key_alone = "device_uv" in way["factors"] and not {"face", "voice"} & set(way["factors"])
    return not (by_key_alone and payment["device_synced"] is not False and amount > limit)
