"""Random documents and payments whose numbers collide with each other, so that every boundary is met often."""

from dataclasses import replace
from random import Random
from typing import Any

from authsvc.policy.inputs import FLAGS, Inputs
from authsvc.subject import Novelty
from tests.policy.builders import mapping

RISKS = [0, 1, 39, 40, 41, 75, 100]
AMOUNTS = [0, 1, 799, 800, 801, 24_000, 24_001, 100_000]
TYPES, CHANNELS, REASONS = ["payment", "transfer", "salary"], ["app", "web", "host"], ["new_payee", "vpn"]
DEVICES = ["trusted", "probation", "new", "unknown", "revoked"]
CAPTURES = ["browser", "device_signed", "attested"]
SETS = [
    ["otp"],
    ["device_uv"],
    ["face"],
    ["face", "otp"],
    ["voice", "otp"],
    ["device_uv", "otp"],
    ["face", "device_uv"],
]
TIMES = [0, 1, 2, 3, 10, 1_000]
SCAMS = ["refund", "investment"]
CATEGORIES = ["knowledge", "possession", "inherence"]


def document(chance: Random, *, loosening: bool = False) -> dict[str, Any]:
    """One to six rules and up to two exemptions; `loosening` lets rules have upper bounds too."""
    rules = [_rule(chance, number, loosening) for number in range(chance.randint(1, 6))]
    exemptions = [_exemption(chance, number) for number in range(chance.choice([0, 0, 1, 1, 2]))]
    default = chance.choice(["none", "none", "none", "otp", "face", ...])
    devices = chance.choice([{}, {"synced_amount_at_most": chance.choice(AMOUNTS)}])
    levels = {level: {"sets": _ways(chance)} for level in ("otp", "face", "face_fingerprint")}
    return mapping(*rules, exemptions=exemptions, default=default, devices=devices, levels=levels)


def _ways(chance: Random) -> list[Any]:
    """One to three ways, half of them bounded."""
    return [
        _way(chance) if chance.random() < 0.5 else chance.choice(SETS) for _ in range(chance.randint(1, 3))
    ]


def _way(chance: Random) -> dict[str, Any]:
    factors = chance.choice(SETS)
    bounds = {"amount_at_most": chance.choice(AMOUNTS), "device_at_most": chance.choice(DEVICES)}
    if {"face", "voice"} & set(factors):
        bounds["capture_at_least"] = chance.choice(CAPTURES)
    stated = chance.sample(list(bounds), chance.randint(0, len(bounds)))
    return {"factors": factors, **{key: bounds[key] for key in stated}}


def _rule(chance: Random, number: int, loosening: bool) -> dict[str, Any]:
    conditions: dict[str, Any] = {
        "amount_at_least": chance.choice(AMOUNTS),
        "risk_at_least": chance.choice(RISKS),
        "device_at_least": chance.choice(DEVICES),
        "device_worse_than": chance.choice(DEVICES[:-1]),
        "type_in": chance.sample(TYPES, chance.randint(1, 2)),
        "channel_in": chance.sample(CHANNELS, chance.randint(1, 2)),
        "risk_reason_in": chance.sample(REASONS, chance.randint(1, 2)),
        "synced": True,
        "verify_always": True,
        "proven_lacks": chance.choice(CATEGORIES),
        "amount_unusual_at_least": chance.choice(TIMES[2:]),
        **dict.fromkeys(chance.sample(FLAGS, 2), True),
    }
    if loosening:
        conditions["amount_at_most"] = chance.choice(AMOUNTS)
        conditions["risk_at_most"] = chance.choice(RISKS)
        conditions["device_at_most"] = chance.choice(DEVICES)
    weights = [
        4 if key.startswith(("amount_at", "risk_at", "device_at", "device_w")) else 1 for key in conditions
    ]
    chosen = set(chance.choices(list(conditions), weights, k=chance.randint(1, 3)))
    level = chance.choice(["otp", "otp", "face", "face", "face_fingerprint", "deny"])
    warning = {"kind": chance.choice(SCAMS), "strict": chance.random() < 0.5}
    warns = {"warning": warning} if level != "deny" and chance.random() < 0.3 else {}
    return {"id": f"rule-{number}", "level": level, **warns, **{key: conditions[key] for key in chosen}}


def _exemption(chance: Random, number: int) -> dict[str, Any]:
    exemption: dict[str, Any] = {
        "id": f"exemption-{number}",
        "kind": "low_value",
        "waives": chance.choice(["otp", "face"]),
        "amount_at_most": chance.choice(AMOUNTS),
        "cumulative_at_most": chance.choice(AMOUNTS),
        "in_a_row_at_most": chance.choice([0, 1, 5]),
        "risk_at_most": chance.choice(RISKS),
        "device_at_most": chance.choice(DEVICES),
    }
    if chance.random() < 0.2:
        exemption["channel_in"] = chance.sample(CHANNELS, 1)
    return exemption


def payment(chance: Random) -> Inputs:
    return Inputs.from_snapshot(
        {
            "type": chance.choice([*TYPES, "refund"]),
            "amount_minor": chance.choice([*AMOUNTS, 100, 3_000, 3_001, 2**53 - 1]),
            "currency": chance.choice(["CNY", "CNY", "EUR", "JPY", "XTS"]),
            "novelty": chance.choice(DEVICES),
            "risk_score": chance.choice([None, *RISKS]),
            "risk_reasons": chance.sample([*REASONS, "odd_hour"], chance.choice([0, 0, 1, 2])),
            "channel": chance.choice([None, *CHANNELS, "pos"]),
            "device_synced": chance.choice([None, True, False]),
            "proven": chance.sample(CATEGORIES, chance.choice([0, 0, 1, 2])),
            "verify_always": chance.random() < 0.2,
            "low_value_count": chance.choice([None, 0, 0, 1, 4, 5]),
            "low_value_sum": chance.choice([None, 0, 0, 1, 23_200, 99_999]),
            "amount_unusual": chance.choice([None, *TIMES]),
            **{name: chance.choice([None, True, False, False]) for name in FLAGS},
            "account_frozen": chance.random() < 0.05,
            "account_blocked": chance.random() < 0.05,
        }
    )


def mild_payment(chance: Random) -> Inputs:
    """One that an exemption may lift, as few by chance alone."""
    mild = {"novelty": Novelty.TRUSTED, "risk_score": 0, "low_value_count": 0, "low_value_sum": 0}
    open_account = {"verify_always": False, "account_frozen": False, "account_blocked": False}
    return replace(payment(chance), **mild, **open_account)  # type: ignore[arg-type]  # Each of its field's type.


def with_reasons(inputs: Inputs, *reasons: str) -> Inputs:
    return replace(inputs, risk_reasons=reasons)
