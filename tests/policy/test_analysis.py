"""The shipped document is proved, a large one is said to be unfinished, and a change is told region by region."""

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from authsvc.errors import InvalidRequest
from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.cells import OTHER, Space
from authsvc.policy.commands import policy as command
from authsvc.policy.diff import diff
from authsvc.policy.inputs import Inputs
from authsvc.policy.profiles import Profile
from authsvc.subject import Novelty
from tests.policy.builders import POLICIES, mapping, payment, policy
from tests.policy.cells import cells, home

SHIPPED = loading.shipped()
DEFAULT_TOML = resources.files("authsvc.policy").joinpath("default.toml").read_text(encoding="utf-8")


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


def test_a_word_that_no_rule_mentions_has_a_cell_of_its_own() -> None:
    rules = policy({"id": "it", "level": "otp", "type_in": ["payment", "transfer"], "risk_at_least": 1})
    space = Space(rules)

    kinds = next(edge for edge in space.edges if edge.name == "transaction.type")
    assert kinds.points == ("payment", OTHER)
    assert space.payment(home(space, rules, payment(type="transfer"))).type == "payment"
    assert space.payment(home(space, rules, payment(type="refund"))).type == OTHER


def test_a_reason_that_is_named_like_a_proof_is_not_taken_for_one() -> None:
    rules = policy(
        {"id": "odd", "level": "otp", "risk_reason_in": ["knowledge"]},
        {"id": "unproven", "level": "face", "proven_lacks": "knowledge"},
    )
    space = Space(rules)

    assert {rules.evaluate(space.payment(coords)).fired for coords in cells(space)} == {
        (),
        ("odd",),
        ("unproven",),
        ("unproven", "odd"),
    }


def test_a_change_is_told_as_the_regions_that_change() -> None:
    later = DEFAULT_TOML.replace("risk_at_least = 75", "risk_at_least = 80", 1)

    difference = diff(SHIPPED, loading.from_toml(later, for_analysis=True))

    assert difference.weakens
    assert [(str(each.before), str(each.after), dict(each.where)) for each in difference.regions] == [
        (
            "face_fingerprint",
            "face",
            {
                "transaction.amount_minor": "0 to 499999",
                "risk.score": "75 to 79",
                "device.novelty": "new, unknown",
            },
        ),
        (
            "face_fingerprint",
            "face",
            {
                "transaction.amount_minor": "0 to 499999",
                "risk.score": "75 to 79",
                "device.novelty": "probation",
            },
        ),
        (
            "face_fingerprint",
            "face",
            {
                "transaction.amount_minor": "500000 to 1999999",
                "risk.score": "75 to 79",
                "device.novelty": "probation",
            },
        ),
    ]


def test_the_regions_hold_all_cells_that_change_and_no_other() -> None:
    later = loading.from_toml(
        DEFAULT_TOML.replace("amount_at_least = 100_000", "amount_at_least = 60_000"), for_analysis=True
    )
    space = Space(SHIPPED, later)
    payments = [space.payment(coords) for coords in cells(space)]
    differing = [each for each in payments if SHIPPED.evaluate(each).level is not later.evaluate(each).level]

    difference = diff(SHIPPED, later)

    assert sum(region.cells for region in difference.regions) == len(differing) > 0
    assert not difference.weakens
    for region in difference.regions:
        assert later.evaluate(region.witness.inputs).level is region.after.level
        assert SHIPPED.evaluate(region.witness.inputs).level is region.before.level


def test_a_document_does_not_differ_from_itself() -> None:
    assert diff(SHIPPED, SHIPPED).regions == ()


def test_other_sets_and_other_settings_are_differences_too() -> None:
    changed = mapping(biometrics={"face": {"fmr": "1 in 1000"}, "voice": {"fmr": "1 in 200"}})
    changed["levels"] = {**changed["levels"], "otp": {"sets": [["device_uv"]]}}

    difference = diff(policy(), loading.from_mapping(changed))

    assert [(region.before.level, region.after.sets) for region in difference.regions] == [
        ("otp", ((Factor.DEVICE_UV,),))
    ]
    assert difference.settings == (("biometrics.face", {"fmr": "1 in 10000"}, {"fmr": "1 in 1000"}),)


def test_documents_of_different_currencies_cannot_be_compared() -> None:
    euros = mapping(reference_currency="EUR", currencies={"EUR": {"worth": "1", "minor_digits": 2}})

    with pytest.raises(InvalidRequest, match="different currencies"):
        diff(policy(), loading.from_mapping(euros))


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


def test_a_change_is_drawn_cell_by_cell(tmp_path: Path) -> None:
    later = tmp_path / "later.toml"
    later.write_text(DEFAULT_TOML.replace("risk_at_least = 75", "risk_at_least = 80", 1), encoding="utf-8")
    before, drawn = tmp_path / "before.toml", tmp_path / "change.svg"
    before.write_text(DEFAULT_TOML, encoding="utf-8")

    result = CliRunner().invoke(command, ["diff", str(before), str(later), "--svg", str(drawn)])

    svg = ElementTree.fromstring(drawn.read_text(encoding="utf-8"))  # noqa: S314  # Our own.
    words = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert result.exit_code == 0
    assert "trusted device" in words
    changed = sum(
        SHIPPED.evaluate(each).level is not loading.from_file(later, for_analysis=True).evaluate(each).level
        for each in _mildest_of_the_rest(Space(SHIPPED, loading.from_file(later, for_analysis=True)))
    )
    assert words.count("face+fp → face") == changed > 0


def _mildest_of_the_rest(space: Space) -> list[Inputs]:
    return [space.payment(coords) for coords in cells(space) if not any(coords[3:])]
