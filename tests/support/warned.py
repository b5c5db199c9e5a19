"""A service whose policy warns payers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from authsvc.policy import loading
from tests.support.service import Bench, Standing, embedded

WARNINGS = {"medium-amount": {"kind": "refund", "strict": True}, "unusual": {"kind": "investment"}}


TALKED_INTO = {"id": "talked-into", "level": "otp", "risk_at_least": 50}


def warned(folder: Path, clock: Standing | None = None, **changes: Any) -> Bench:
    """A service whose policy warns: of a refund from 1 000.00 CNY on, of an investment at a risk of 40, of more at 50."""
    mapping = json.loads(loading.shipped().canonical)
    for rule in mapping["rules"]:
        rule |= {"warning": WARNINGS[rule["id"]]} if rule["id"] in WARNINGS else {}
    rules = [*mapping["rules"], {**TALKED_INTO, "warning": {"kind": "screen_sharing", "strict": True}}]
    (folder / "policy.json").write_text(json.dumps({**mapping, "rules": rules, "tests": []}))
    return Bench(embedded(folder, policy_file=folder / "policy.json", **changes), clock)
