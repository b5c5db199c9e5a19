"""Each word that no rule mentions has a cell of its own, and a reason is no proof."""

from authsvc.policy.cells import OTHER, Space
from tests.policy.builders import payment, policy
from tests.policy.cells import cells, home


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
