"""Every broken document in `tests/policies` is found out, with payments that `explain` confirms."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authsvc.policy.commands import policy as command
from tests.policy.builders import POLICIES

FAULTS = {
    "more-risk-asks-less": "not-monotone",
    "larger-amount-asks-less": "not-monotone",
    "newer-device-asks-less": "not-monotone",
    "nobody-thought-of-it": "gap",
    "contradiction": "unreachable-rule",
    "decided-above-the-document": "unreachable-rule",
    "shadowed": "indecisive-rule",
    "below-the-default": "indecisive-rule",
    "broken-promise": "failed-test",
    "stricter-but-weaker": "weaker-set",
    "no-way-through": "no-way",
    "set-outside-the-table": "seed seed-table",
    "unlimited-without-biometrics": "seed seed-limit",
    "face-from-afar": "seed biometric-from-afar",
    "few-gestures": "seed few-gestures",
    "voice-from-afar": "cn biometric-from-afar",
    "passes-unauthenticated": "psd2 psd2-none",
    "one-category": "psd2 psd2-categories",
    "more-than-thirty-euros": "psd2 psd2-exemption",
    "more-than-a-hundred-euros": "psd2 psd2-exemption",
    "six-in-a-row": "psd2 psd2-exemption",
    "fraud-rate-too-high": "psd2 psd2-exemption",
    "voice-raises-assurance": "nist nist-voice",
    "face-without-a-key": "nist nist-biometric-alone",
    "loose-face": "nist loose-fmr",
    "gestures-alone": "nist nist-liveness",
    "only-a-face": "cn cn-only-face",
    "loose-voice": "cn loose-fmr",
    "typing-error": "invalid-document",
    "wrong-type": "invalid-document",
    "no-rules": "invalid-document",
    "same-name-twice": "invalid-document",
    "reserved-name": "invalid-document",
    "no-such-currency": "invalid-document",
    "wrong-minor-digits": "invalid-document",
    "liveness-weakens": "invalid-document",
    "gestures-become-fewer": "invalid-document",
}
WITHOUT_WITNESS = {"unreachable-rule", "invalid-document"}
"""Nothing matches there, or there is no policy to ask."""


def _analysis(name: str, profile: list[str]) -> tuple[Result, list[dict[str, Any]]]:
    options = [argument for each in profile for argument in ("--profile", each)]
    result = CliRunner().invoke(command, ["analyze", str(POLICIES / f"{name}.toml"), "--json", *options])
    return result, json.loads(result.output)["findings"]


@pytest.mark.parametrize(("name", "fault"), FAULTS.items())
def test_the_fault_is_found_and_explain_confirms_each_witness(name: str, fault: str) -> None:
    *profile, code = fault.split()

    result, findings = _analysis(name, profile)

    found = [finding for finding in findings if finding["code"] == code]
    assert found, findings
    assert not profile or all(finding["clause"] for finding in found)
    assert result.exit_code == int(any(finding["severity"] == "error" for finding in findings))
    assert all(finding.get("witnesses") for finding in found) or code in WITHOUT_WITNESS
    for witness in (witness for finding in found for witness in finding.get("witnesses", ())):
        assert _explained(name, witness["inputs"]) == witness["level"]


@pytest.mark.parametrize("profile", ["seed", "psd2", "nist", "cn"])
@pytest.mark.parametrize("name", ["face-from-afar", "voice-from-afar"])
def test_every_profile_refuses_a_capture_alone_from_a_phone_that_nobody_knows(
    name: str, profile: str
) -> None:
    code = {"psd2": "psd2-categories", "nist": "nist-biometric-alone"}.get(profile, "biometric-from-afar")
    found = [finding for finding in _analysis(name, [profile])[1] if finding["code"] == code]
    if (name, profile) == ("voice-from-afar", "nist"):
        found = [finding for finding in _analysis(name, [profile])[1] if finding["code"] == "nist-voice"]
    alone = [finding for finding in found if "+" not in finding["message"]]
    assert alone
    assert any(
        witness["inputs"]["novelty"] in ("new", "unknown")
        for finding in alone
        for witness in finding["witnesses"]
    )


@pytest.mark.parametrize(("name", "fault"), FAULTS.items())
def test_nothing_else_is_found(name: str, fault: str) -> None:
    *profile, code = fault.split()
    # What no rule covers gets the strictest level, so that a riskier payment that a rule does cover gets a weaker one.
    consequences = {"not-monotone"} if code == "gap" else set()

    assert {finding["code"] for finding in _analysis(name, profile)[1]} == {code, *consequences}


def test_every_broken_document_is_listed_here() -> None:
    assert {path.stem for path in POLICIES.glob("*.toml")} == set(FAULTS)


def _explained(name: str, inputs: dict[str, Any]) -> str:
    arguments = ["explain", "--policy", str(POLICIES / f"{name}.toml"), "--json"]
    result = CliRunner().invoke(command, arguments, input=json.dumps(inputs))
    assert result.exit_code == 0, result.output
    level = json.loads(result.output)["level"]
    assert isinstance(level, str)
    return level
