"""Figures of a report as a person reads them."""

from authsvc.lab.reading import counted, percent


def test_a_rate_has_its_interval_and_what_was_not_measured_says_so() -> None:
    assert percent({"fmr": 0.001, "fmr_interval": [0.0, 0.0123]}, "fmr") == "0.100% [0.000%, 1.230%]"
    assert percent({"fmr": 0.5}, "fmr") == "50.000%"
    assert percent({"fmr": None}, "fmr") == percent({}, "fmr") == "not measured"
    assert percent({"fmr": 0}, "fmr") == "0.000%"


def test_counts_are_listed_and_none_is_a_word() -> None:
    assert counted({"too_dark": 2, "blurred": 1}) == "too_dark 2, blurred 1"
    assert counted({}) == "none"
