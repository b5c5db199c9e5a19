"""What the policy's pages show is made by pure functions: tables, matrices, steps and words that say what the figures say."""

from authsvc.web.console.policies.report_view import Share, challenge_rate, matrix


def test_a_matrix_is_in_the_order_of_strictness_and_counts_what_is_asked() -> None:
    found = matrix({"face": {"face": 3, "none": 1}, "exempted low_value": {"otp": 2}, "none": {"none": 4}})

    assert found.answers == ("none", "exempted low_value", "otp", "face")
    assert found.rows[-1] == ("face", (1, 0, 0, 3))
    assert found.total == 10
    asked = challenge_rate(found)
    assert (asked.before, asked.after) == (Share(4, 10), Share(5, 10))
    assert [
        found.turn(*move) for move in (("face", "none"), ("exempted low_value", "otp"), ("none", "none"))
    ] == [
        "weaker",
        "stricter",
        "same",
    ]
