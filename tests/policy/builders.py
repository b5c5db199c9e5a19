"""Short ways to say a document and a payment, for the tests of the policy room."""

from pathlib import Path
from typing import Any

from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs
from authsvc.subject import Novelty

POLICIES = Path(__file__).resolve().parent.parent / "policies"


def mapping(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A small valid document in which CNY is the reference, EUR is worth 8 and nothing is asked by default."""
    document: dict[str, Any] = {
        "format": 1,
        "id": "tested",
        "version": 1,
        "reference_currency": "CNY",
        "currencies": {
            "CNY": {"worth": "1", "minor_digits": 2},
            "EUR": {"worth": "8", "minor_digits": 2},
            "JPY": {"worth": "0.05", "minor_digits": 0},
        },
        "levels": {
            "otp": {"sets": [["otp"], ["device_uv"]]},
            "face": {"sets": [["face"], ["device_uv", "otp"], ["voice", "otp"]]},
            "face_fingerprint": {"sets": [["face", "device_uv"], ["device_uv", "otp"]]},
        },
        "biometrics": {"face": {"fmr": "1 in 10000"}, "voice": {"fmr": "1 in 200"}},
        "default": "none",
        "rules": list(rules) or [{"id": "risky", "level": "otp", "risk_at_least": 50}],
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not ...}


def policy(*rules: dict[str, Any], **changes: Any) -> Policy:
    return loading.from_mapping(mapping(*rules, **changes))


def payment(amount_minor: int = 2_500, **changes: Any) -> Inputs:
    """An ordinary payment: CNY 25, on a trusted phone, at risk 5, with nothing else to say."""
    stated: dict[str, Any] = {
        "type": "payment",
        "currency": "CNY",
        "novelty": Novelty.TRUSTED,
        "risk_score": 5,
        **changes,
    }
    return Inputs(amount_minor=amount_minor, **stated)
