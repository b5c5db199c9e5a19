"""A document is refused with the place, the fault and what was probably meant; TOML and JSON are one."""

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from authsvc.errors import PolicyInvalid
from authsvc.policy import loading
from tests.policy.builders import mapping

RISKY = {"id": "risky", "level": "otp", "risk_at_least": 50}
SHIPPED = resources.files("authsvc.policy").joinpath("default.toml").read_text(encoding="utf-8")


def faults(document: dict[str, Any]) -> list[str]:
    with pytest.raises(PolicyInvalid) as refused:
        loading.from_mapping(document)
    findings = refused.value.extra["findings"]
    assert isinstance(findings, list)
    return [finding["message"] for finding in findings]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (
            mapping({**RISKY, "amuont_at_least": 1}),
            "unknown key `amuont_at_least` in rule `risky`; did you mean `amount_at_least`?",
        ),
        (mapping({**RISKY, "level": "fcae"}), "`level` is `fcae` in rule `risky`"),
        (mapping({**RISKY, "risk_at_least": "50"}), "`risk_at_least` is `50` in rule `risky`"),
        (mapping({**RISKY, "risk_at_least": 101}), "`risk_at_least` is `101` in rule `risky`"),
        (mapping({**RISKY, "risk_at_least": True}), "`risk_at_least` is `True` in rule `risky`"),
        (mapping({**RISKY, "synced": False}), "`synced` is `False` in rule `risky`"),
        (mapping({**RISKY, "level": "none"}), "a rule cannot ask for `none`"),
        (mapping({"id": "always", "level": "otp"}), "a rule without conditions is the `default`"),
        (mapping({**RISKY, "id": "default"}), "`default` is the name of a built-in rule"),
        (mapping(RISKY, RISKY), "two rules or exemptions are called `risky`"),
        (mapping(rules=[]), "at least 1 item"),
        (mapping(rules=...), "`rules` is missing"),
        (mapping(rules={"risky": RISKY}), "`rules` is `{"),
        (mapping(levels={}), "level `otp` has no sets of factors"),
        (mapping(biometrics={}), "`biometrics.face` must state the `fmr`"),
        (mapping(biometrics={"face": {"fmr": "0.0001"}}), "`fmr` is `0.0001` in `biometrics`"),
        (mapping(currencies={"EUR": {"worth": "1", "minor_digits": 2}}), "reference currency `CNY` must be"),
        (mapping(reference_currency="EUR"), "reference currency `EUR` must be among"),
        (mapping(on_missing={"risk_score": 0}), "`risk_score` is `0` in `on_missing`"),
        (
            mapping({**RISKY, "risk_at_most": 60}),
            "`risk_at_most` in rule `risky` lets a riskier payment escape",
        ),
        (mapping(verison=2), "unknown key `verison`; did you mean `version`?"),
        (mapping(version=float("nan")), "something that JSON cannot"),
        (
            mapping(exemptions=[{"id": "small", "kind": "low_value", "risk_at_most": 9}]),
            "a `low_value` exemption needs `amount_at_most`",
        ),
    ],
)
def test_each_fault_is_named(document: dict[str, Any], fault: str) -> None:
    assert any(fault in text for text in faults(document)), faults(document)


def test_a_document_is_held_to_its_own_tests() -> None:
    promise = {
        "name": "small ones pass",
        "payment": {"type": "payment", "amount_minor": 1, "currency": "CNY"},
        "expect": {"level": "none"},
    }

    assert faults(mapping(tests=[promise])) == [
        "test `small ones pass`: expected level `none`, got `otp` from risky"
    ]


def test_a_test_that_states_an_unknown_input_fails() -> None:
    promise = {"name": "odd", "payment": {"tpye": "payment"}, "expect": {"level": "none"}}

    assert "input" in faults(mapping(tests=[promise]))[0]


def test_every_fault_is_told_at_once_with_its_line() -> None:
    broken = SHIPPED.replace('level = "face"', 'level = "fcae"', 1).replace("[devices]", "[devises]")

    with pytest.raises(PolicyInvalid) as refused:
        loading.from_toml(broken, "mine.toml")

    findings = refused.value.extra["findings"]
    assert isinstance(findings, list)
    lines = broken.splitlines()
    assert {lines[finding["line"] - 1] for finding in findings} == {'level = "fcae"', "[devises]"}
    assert refused.value.detail.startswith("mine.toml:")
    assert any("did you mean `face`?" in finding["message"] for finding in findings)


@pytest.mark.parametrize(
    ("read", "text", "fault"),
    [
        (loading.from_toml, "a = 1\na = 2", "not TOML"),
        (loading.from_toml, "version = 2026-01-01", "JSON cannot"),
        (loading.from_json, '{"a": 1, "a": 2}', "key `a` stands twice"),
        (loading.from_json, "[" * 100_000, "not JSON"),
        (loading.from_json, "[]", "`document` is `[]`"),
        (loading.from_json, '{"rules": [1]}', "`0` is `1` in rule number 1"),
    ],
)
def test_what_is_no_document_at_all_is_refused(read: Any, text: str, fault: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        read(text)
    assert fault in str(refused.value.extra["findings"])


def test_toml_and_json_say_the_same_and_have_one_digest() -> None:
    as_json = json.dumps(tomllib.loads(SHIPPED), ensure_ascii=True)

    assert loading.from_json(as_json).digest == loading.shipped().digest
    assert loading.shipped().digest.startswith("sha256:")


def test_any_change_changes_the_digest() -> None:
    digests = {loading.from_mapping(mapping(version=version)).digest for version in (1, 2)}

    assert len(digests) == 2


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(PolicyInvalid, match=r"policy\.toml: not UTF-8"):
        loading.from_file(path)


def test_a_document_that_nobody_can_read_is_not_compiled() -> None:
    rules = [{"id": f"rule-{number}", "level": "otp", "risk_at_least": 1} for number in range(2_001)]

    assert "at most 2000 items" in faults(mapping(*rules))[0]
