"""The decision table says of each amount, risk and device what the exhaustive cells say, no more and no less."""

from itertools import product
from typing import Any

import pytest

from authsvc.errors import InvalidRequest
from authsvc.policy import loading
from authsvc.policy.diff import diff
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import Level
from authsvc.policy.table import DecisionTable, Place, decision_table
from authsvc.subject import Novelty
from tests.policy.builders import mapping, policy

MEDIUM = {"id": "medium", "level": "otp", "amount_at_least": 1_000}
RISKY = {"id": "risky", "level": "face", "risk_at_least": 50}
ON_THE_WEB = {"id": "web", "level": "face", "amount_at_least": 1_000, "channel_in": ["web"]}


def place_at(table: DecisionTable, device: str, risk: int, amount: int) -> Place:
    row = table.panels[table.devices.index(device)][table.risks.index(risk)]
    place = row[table.amounts.index(amount)]
    assert place is not None
    return place


def places(table: DecisionTable) -> list[Place]:
    return [place for panel in table.panels for row in panel for place in row]


def test_each_place_holds_the_mildest_and_the_strictest_level_that_the_rest_can_make_of_it() -> None:
    table = decision_table(policy(MEDIUM, RISKY, ON_THE_WEB))

    assert (table.amounts, table.risks) == ((0, 1_000), (0, 50))
    nothing = (Level.NONE, Level.NONE)
    assert place_at(table, "trusted", 0, 0) == Place(nothing, nothing, 0, 3)
    # A code in the app, a face on the web.
    assert place_at(table, "trusted", 0, 1_000).after == (Level.OTP, Level.FACE)
    assert place_at(table, "trusted", 50, 1_000).after == (Level.FACE, Level.FACE)


def test_the_table_of_the_shipped_policy_agrees_with_every_payment_that_is_asked_about() -> None:
    shipped = loading.shipped()
    table = decision_table(shipped)
    for device, risk, amount in product(table.devices, table.risks, table.amounts):
        inputs = Inputs("payment", amount, "CNY", Novelty(device), risk, verify_always=True)
        mildest, strictest = place_at(table, device, risk, amount).after
        assert mildest.rank <= shipped.evaluate(inputs).level.rank == strictest.rank


def test_a_change_is_counted_where_the_difference_finds_it() -> None:
    before, after = policy(MEDIUM, RISKY), policy({**MEDIUM, "amount_at_least": 2_000}, RISKY)

    table = decision_table(after, before)

    changed = sum(place.changed for place in places(table))
    assert changed == sum(region.cells for region in diff(before, after).regions) > 0
    between = place_at(table, "trusted", 0, 1_000)
    assert (between.before, between.after) == ((Level.OTP, Level.OTP), (Level.NONE, Level.NONE))


def test_sets_that_change_are_a_change_too() -> None:
    levels = {**mapping()["levels"], "face": {"sets": [["face"]]}}

    table = decision_table(policy(RISKY, levels=levels), policy(RISKY))

    risky = place_at(table, "trusted", 50, 0)
    assert risky.before == risky.after == (Level.FACE, Level.FACE)
    assert risky.changed == risky.cells


def test_a_table_that_nobody_can_look_at_has_no_panels() -> None:
    rules = [{"id": f"from-{n}", "level": "otp", "amount_at_least": n} for n in range(1, 1_100)]

    assert decision_table(policy(*rules)).panels == ()


def test_a_table_whose_cells_could_not_all_be_gone_through_says_so_and_shows_none() -> None:
    table = decision_table(policy(MEDIUM, RISKY), most_cells=3)

    assert (table.complete, table.panels) == (False, ())


def test_two_currencies_make_no_table() -> None:
    euros = mapping(reference_currency="EUR", currencies={"EUR": {"worth": "1", "minor_digits": 2}})

    with pytest.raises(InvalidRequest, match="different currencies"):
        decision_table(policy(), loading.from_mapping(euros))


def test_it_is_plain_json() -> None:
    said: Any = decision_table(policy(MEDIUM)).to_json()

    otp = ["otp", "otp"]
    assert said["panels"][0][0][1] == {"before": otp, "after": otp, "changed": 0, "cells": 1}
