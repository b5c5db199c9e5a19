"""The shipped document is proved, a large one is said to be unfinished, and a change is told region by region."""

import json
from dataclasses import replace

from click.testing import CliRunner

from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.commands import policy as command
from authsvc.policy.profiles import Profile
from authsvc.subject import Novelty
from tests.policy.builders import POLICIES

SHIPPED = loading.shipped()


def test_nothing_is_wrong_with_the_shipped_policy() -> None:
    analysis = analyze(SHIPPED, profile=Profile.SEED)

    assert analysis.complete
    assert analysis.findings == ()


def test_the_shipped_policy_says_where_it_is_not_for_europe_and_not_for_nist() -> None:
    clauses = {
        profile: {finding.clause for finding in analyze(SHIPPED, profile=profile).findings}
        for profile in (Profile.PSD2, Profile.NIST)
    }

    assert clauses[Profile.PSD2] == {"RTS Art. 4(1)"}
    assert clauses[Profile.NIST] == {"SP 800-63B-4 section 3.2.3"}


def test_what_was_not_walked_is_not_vouched_for() -> None:
    analysis = analyze(SHIPPED, most_cells=100)

    assert not analysis.complete
    assert [(finding.code, finding.severity) for finding in analysis.findings] == [("not-finished", "error")]


def test_a_payer_who_enrolled_too_little_is_told_which_levels_are_out_of_reach() -> None:
    findings = analyze(SHIPPED, enrolled=frozenset({Factor.OTP})).findings

    assert {finding.code for finding in findings} == {"out-of-reach"}
    assert {finding.witnesses[0].level.value for finding in findings} == {"face", "face_fingerprint"}
    assert analyze(SHIPPED, enrolled=frozenset({Factor.FACE, Factor.DEVICE_UV, Factor.OTP})).findings == ()


def test_the_commands_speak_to_people_and_to_machines() -> None:
    gap, shadowed = str(POLICIES / "nobody-thought-of-it.toml"), str(POLICIES / "shadowed.toml")

    analyzed = CliRunner().invoke(command, ["analyze", gap])
    differing = CliRunner().invoke(command, ["diff", gap, shadowed])
    machine = CliRunner().invoke(command, ["diff", gap, shadowed, "--json"])
    reach = CliRunner().invoke(command, ["analyze", "--enrolled", "otp, face"])

    assert analyzed.exit_code == 1
    assert "error: gap: no rule covers this payment" in analyzed.output
    assert differing.output.splitlines()[1].startswith("asks less: face_fingerprint → none: ")
    assert json.loads(machine.output)["weakens"] is True
    assert "warning: out-of-reach: `face_fingerprint` asks for" in reach.output
    assert CliRunner().invoke(command, ["analyze", "--enrolled", "luck"]).exit_code == 2


def test_a_witness_is_a_payment_like_any_other() -> None:
    finding = analyze(
        loading.from_file(POLICIES / "newer-device-asks-less.toml", for_analysis=True)
    ).findings[0]
    milder, riskier = finding.witnesses

    assert replace(riskier.inputs, novelty=milder.inputs.novelty) == milder.inputs
    assert riskier.inputs.novelty.rank > milder.inputs.novelty.rank
    assert riskier.level.rank < milder.level.rank
    assert riskier.inputs.novelty is Novelty.NEW
