"""A limit is met by what a sample shows, and by nothing less."""

from __future__ import annotations

from authsvc.lab.gate import standing_in_the_way
from authsvc.lab.iso30107 import Presentation, report


def run_of(attacks: int, live: int, accepted: int = 0) -> dict:
    """So many attacks of one species on ten people, and so many of their own presentations."""
    found = [
        Presentation(f"p{n % 10}", "print", 0.9 if n < accepted else 0.1, matched=True)
        for n in range(attacks)
    ]
    return report([*found, *(Presentation(f"p{n % 10}", None, 0.9) for n in range(live))], 0.5)


def test_a_limit_is_held_against_the_upper_bound() -> None:
    assert standing_in_the_way(run_of(42, 59), 0.07, 0.05) == ()
    assert standing_in_the_way(run_of(42, 59), None, None) == ()
    [fault] = standing_in_the_way(run_of(41, 59), 0.07, 0.05)
    assert fault == "IAPAR of `print` may be 7.05% (0 of 41), and 7.00% is the limit"
    [fault] = standing_in_the_way(run_of(42, 58), 0.07, 0.05)
    assert fault.startswith("BPCER may be 5.03% (0 of 58)")


def test_what_nobody_tried_is_not_met() -> None:
    assert standing_in_the_way(run_of(0, 0), 0.07, 0.05) == (
        "IAPAR is not shown: no attack was tried",
        "BPCER is not shown",
    )
    unmatched = report([Presentation("ann", "print", 0.1)], 0.5)
    assert standing_in_the_way(unmatched, 0.07, None) == ("IAPAR of `print` is not shown",)


def test_every_species_is_held_to_it_by_itself() -> None:
    rows = [Presentation("p", "print", 0.1, matched=True)] * 100 + [
        Presentation("p", "screen", 0.9, matched=True)
    ]
    faults = standing_in_the_way(report(rows, 0.5), 0.07, None)
    assert len(faults) == 1
    assert "`screen`" in faults[0]
