"""What one policy evaluation costs, beside three policy engines: `uv run --isolated --group bench benchmarks/policy.py --json`.

The same random rules (thresholds on risk, amount and device) and the same payments for everyone, at 10 and at 1 000
rules; each engine must give the same level for every payment before it is timed. Each peer is written the fastest way
that was found: policies parsed or compiled beforehand, one call for Cedar (its diagnostics name the policies that match),
one query for Rego, compiled programs tried from the strictest rule on for CEL. Payments are prepared in each engine's own
form beforehand where its interface allows it. Engines take turns, and the best round of each counts.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import cedarpy
import celpy
import click
import regopy

from authsvc.policy import loading
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import Level
from authsvc.subject import Novelty

Rule = dict[str, Any]
Evaluate = Callable[[], Level]
Prepare = Callable[[Sequence[Rule], Sequence[Inputs]], Sequence[Evaluate]]

_DEVICES = (Novelty.TRUSTED, Novelty.PROBATION, Novelty.NEW, Novelty.UNKNOWN)
_LEVELS = list(Level)
_PAYMENTS = 50
_ROUNDS = 5
_ROUND_SECONDS = 0.4


def make_rules(count: int, chance: random.Random) -> list[Rule]:
    """Rules of three conditions each, as most policies have them; a third of them at each challenge level."""
    return [
        {
            "id": f"rule-{number}",
            "level": chance.choice(["otp", "face", "face_fingerprint"]),
            "risk_at_least": chance.randint(1, 100),
            "amount_at_least": chance.randint(1, 2_000_000),
            "device_at_least": chance.choice(_DEVICES).value,
        }
        for number in range(count)
    ]


def make_payments(chance: random.Random) -> list[Inputs]:
    return [
        Inputs(
            "payment",
            chance.randint(1, 2_000_000),
            "CNY",
            novelty=chance.choice(_DEVICES),
            risk_score=chance.randint(0, 100),
        )
        for _ in range(_PAYMENTS)
    ]


def authsvc_engine(rules: Sequence[Rule], payments: Sequence[Inputs]) -> Sequence[Evaluate]:
    policy = loading.from_mapping(_document(rules))

    def evaluate(inputs: Inputs) -> Level:
        return policy.evaluate(inputs).level

    return [partial(evaluate, inputs) for inputs in payments]


def authsvc_with_reasons(rules: Sequence[Rule], payments: Sequence[Inputs]) -> Sequence[Evaluate]:
    """What a decision stores besides: the rules that fired and the reasons."""
    policy = loading.from_mapping(_document(rules))

    def evaluate(inputs: Inputs) -> Level:
        outcome = policy.evaluate(inputs)
        assert outcome.fired is not None
        assert outcome.reasons is not None
        return outcome.level

    return [partial(evaluate, inputs) for inputs in payments]


def cedar(rules: Sequence[Rule], payments: Sequence[Inputs]) -> Sequence[Evaluate]:
    policies = cedarpy.PolicySet.from_str("\n".join(map(_cedar_policy, rules)))
    entities = cedarpy.Entities.from_json_str("[]")
    level_of = {f"policy{number}": Level(rule["level"]).rank for number, rule in enumerate(rules)}

    def evaluate(request: dict[str, Any]) -> Level:
        answer = cedarpy.is_authorized(request, policies, entities)
        return _LEVELS[max((level_of[name] for name in answer.diagnostics.reasons), default=0)]

    names = {"principal": 'User::"u"', "action": 'Action::"pay"', "resource": 'Payment::"p"'}
    return [partial(evaluate, {**names, "context": _facts(each)}) for each in payments]


def _cedar_policy(rule: Rule) -> str:
    when = " && ".join(f"context.{name} >= {bound}" for name, bound in _bounds(rule).items())
    return f"permit (principal, action, resource) when {{ {when} }};"


def cel(rules: Sequence[Rule], payments: Sequence[Inputs]) -> Sequence[Evaluate]:
    environment = celpy.Environment(runner_class=celpy.CompiledRunner)
    programs = [
        (environment.program(environment.compile(_cel_expression(rule))), Level(rule["level"]))
        for rule in sorted(rules, key=lambda rule: -Level(rule["level"]).rank)
    ]

    def evaluate(activation: Any) -> Level:
        return next((level for program, level in programs if program.evaluate(activation)), Level.NONE)

    return [partial(evaluate, celpy.json_to_cel(_facts(each))) for each in payments]


def _cel_expression(rule: Rule) -> str:
    return " && ".join(f"{name} >= {bound}" for name, bound in _bounds(rule).items())


def rego(rules: Sequence[Rule], payments: Sequence[Inputs]) -> Sequence[Evaluate]:
    interpreter = regopy.Interpreter()
    bodies = "\n".join(map(_rego_rule, rules))
    interpreter.add_module("policy", f"package policy\n\nlevels contains 0\n{bodies}\nlevel := max(levels)\n")
    bundle = interpreter.build("level = data.policy.level", ["policy/level"])

    def evaluate(facts: dict[str, int]) -> Level:
        interpreter.set_input(facts)
        # Kept in a name: its nodes point into it and do not keep it alive.
        output = interpreter.query_bundle(bundle)
        return _LEVELS[int(output.binding("level").value)]

    return [partial(evaluate, _facts(each)) for each in payments]


def _rego_rule(rule: Rule) -> str:
    body = "; ".join(f"input.{name} >= {bound}" for name, bound in _bounds(rule).items())
    return f"levels contains {Level(rule['level']).rank} if {{ {body} }}"


def _bounds(rule: Rule) -> dict[str, int]:
    return {
        "risk": rule["risk_at_least"],
        "amount": rule["amount_at_least"],
        "device": Novelty(rule["device_at_least"]).rank,
    }


def _facts(inputs: Inputs) -> dict[str, int]:
    return {"risk": inputs.risk, "amount": inputs.amount_minor, "device": inputs.novelty.rank}


def _document(rules: Sequence[Rule]) -> dict[str, Any]:
    shipped = json.loads(loading.shipped().document.model_dump_json(exclude_unset=True))
    return {**shipped, "rules": list(rules), "exemptions": [], "tests": []}


ENGINES: dict[str, Prepare] = {
    "authsvc": authsvc_engine,
    "authsvc_with_reasons": authsvc_with_reasons,
    "cedarpy": cedar,
    "regopy": rego,
    "cel_python": cel,
}


def measure(count: int) -> dict[str, float]:
    """Microseconds of one evaluation, by engine."""
    chance = random.Random(count)
    rules, payments = make_rules(count, chance), make_payments(chance)
    prepared = {name: prepare(rules, payments) for name, prepare in ENGINES.items()}
    expected = [evaluate() for evaluate in prepared["authsvc"]]
    best = dict.fromkeys(prepared, float("inf"))
    for _ in range(_ROUNDS):
        for name, evaluations in prepared.items():
            best[name] = min(best[name], _microseconds(evaluations))
    for name, evaluations in prepared.items():
        assert [evaluate() for evaluate in evaluations] == expected, f"{name} answers otherwise"
    return best


def _microseconds(evaluations: Sequence[Evaluate]) -> float:
    """CPU time of this thread, over whole passes through all payments, so that a busy machine disturbs less."""
    done, start = 0, time.thread_time()
    while (spent := time.thread_time() - start) < _ROUND_SECONDS:
        for evaluate in evaluations:
            evaluate()
        done += len(evaluations)
    return spent / done * 1e6


@click.command()
@click.option("--json", "as_json", is_flag=True, help="End with one JSON line.")
def main(as_json: bool) -> None:
    """Compare one evaluation at 10 and at 1 000 rules."""
    few, many = measure(10), measure(1_000)
    figures: dict[str, Any] = {"us_10_rules": few, "us_1000_rules": many}
    peers = [name for name in few if not name.startswith("authsvc")]
    figures["times_faster_10_rules"] = {name: few[name] / few["authsvc"] for name in peers}
    figures["times_faster_1000_rules"] = {name: many[name] / many["authsvc"] for name in peers}
    figures["cost_of_1000_rules_to_10"] = {name: many[name] / few[name] for name in few}
    for name in few:
        print(f"{name:22} {few[name]:12.2f} µs at 10 rules {many[name]:12.2f} µs at 1 000 rules")
    if as_json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
