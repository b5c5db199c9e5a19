"""What it costs to prove a policy and a change of it: `.venv/bin/python benchmarks/analysis.py --json`.

Documents of 10, 100 and 1 000 rules with 40 different risk reasons. Each rule bounds amount, risk, device and some reasons at
random, so that hardly any two cells are alike; and the shipped policy with 40 to 1 000 rules more that change nothing. Each is
analysed alone, and beside itself with one rule changed. CPU seconds of one thread, once each; a document that takes more steps
than the service grants by default is said not to have finished.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

import click

from authsvc.config import Settings
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.diff import diff

REASONS = [f"reason_{number}" for number in range(40)]
SHIPPED = json.loads(loading.shipped().document.model_dump_json(exclude_unset=True))
Rule = dict[str, Any]


def unlike(count: int) -> list[Rule]:
    chance = random.Random(count)
    return [
        {
            "id": f"rule-{number}",
            "level": chance.choice(["otp", "face", "face_fingerprint"]),
            "risk_at_least": chance.randint(1, 100),
            "amount_at_least": chance.randint(1, 2_000_000),
            "device_at_least": chance.choice(["trusted", "probation", "new", "unknown"]),
            "risk_reason_in": _reasons(chance, number, count),
        }
        for number in range(count)
    ]


def _reasons(chance: random.Random, number: int, count: int) -> list[str]:
    """Some at random, and enough of them in turn that all forty occur."""
    each = len(REASONS) // min(count, len(REASONS))
    start = number * each % len(REASONS)
    return list(
        dict.fromkeys([*REASONS[start : start + each], *chance.sample(REASONS, chance.randint(0, 4))])
    )


def needless(count: int) -> list[Rule]:
    """What the shipped policy asks anyway, for each of the forty reasons."""
    rules = [
        {
            "id": f"dummy-{number}",
            "level": "otp",
            "risk_at_least": 40 + number % 60,
            "amount_at_least": number,
            "risk_reason_in": [REASONS[number % len(REASONS)]],
        }
        for number in range(max(count, len(REASONS)))
    ]
    return [*SHIPPED["rules"], *rules]


def measure(rules: list[Rule], most_cells: int) -> dict[str, Any]:
    document = {**SHIPPED, "rules": rules, "tests": []}
    changed = {**rules[0], "level": "face" if rules[0]["level"] == "otp" else "otp"}
    before, after = (
        loading.from_mapping({**document, "rules": each}) for each in (rules, [changed, *rules[1:]])
    )
    start = time.process_time()
    analysis = analyze(before, most_cells=most_cells)
    middle = time.process_time()
    difference = diff(before, after, most_cells=most_cells)
    end = time.process_time()
    return {
        "rules": len(rules),
        "cells": analysis.cells,
        "analysis": {"seconds": middle - start, "steps": analysis.walked, "finished": analysis.complete},
        "difference": {"seconds": end - middle, "steps": difference.walked, "finished": difference.complete},
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help="End with one JSON line.")
def main(as_json: bool) -> None:
    """Prove random and needless documents of 10, 100 and 1 000 rules."""
    most_cells = Settings().policy_most_cells
    figures: dict[str, dict[str, Any]] = {}
    for name, make in (("unlike", unlike), ("needless", needless)):
        for count in (10, 100, 1_000):
            figures[f"{name}_{count}"] = found = measure(make(count), most_cells)
            for act in ("analysis", "difference"):
                said = found[act]
                end = "finished" if said["finished"] else "did not finish"
                print(f"{name:9} {count:5} {act:10} {said['seconds']:7.2f} s {said['steps']:9} steps, {end}")
    if as_json:
        print(json.dumps({"most_cells": most_cells, **figures}))


if __name__ == "__main__":
    main()
