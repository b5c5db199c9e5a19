"""In whatever order the edges are gone through, the space holds the same payments."""

from itertools import product

from authsvc.policy.cells import Space
from authsvc.policy.layout import laid_out
from tests.policy.builders import policy

REASONS = [
    {"id": f"r{number}", "level": "otp", "risk_reason_in": [f"reason{number}"], "risk_at_least": 10 * number}
    for number in range(1, 6)
]


def test_the_order_of_the_edges_changes_nothing_that_is_in_the_space() -> None:
    made = policy(*REASONS)
    plain, (laid, _) = Space(made), laid_out(made)
    assert laid.size == plain.size
    assert {edge.name for edge in laid.edges} == {edge.name for edge in plain.edges}

    def answers(space: Space) -> set[object]:
        cells = product(*(range(len(edge.points)) for edge in space.edges))
        return {(space.payment(each), made.evaluate(space.payment(each)).level) for each in cells}

    assert answers(laid) == answers(plain)
