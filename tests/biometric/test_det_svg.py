"""A DET curve as a picture: readable without eyes, and rates that were not measured are not drawn."""

from xml.etree import ElementTree as ET

import pytest

from authsvc.biometric.det_svg import Mark, Series, det_svg, percent

SVG = "{http://www.w3.org/2000/svg}"
CURVE = Series("faces <a>", [(1e-4, 0.1), (0.5, 0.0)], (Mark("1 in 10", 1e-4, 0.1, (0.05, 0.2)),), "9 pairs")


def drawn(*series: Series, rows: bool = True) -> ET.Element:
    return ET.fromstring(det_svg("a & b", "what it shows", series, rows=rows))  # noqa: S314  # Our own.


def test_a_picture_names_itself_and_says_its_numbers() -> None:
    svg = drawn(CURVE)
    assert (svg.findtext(f"{SVG}title"), svg.findtext(f"{SVG}desc")) == ("a & b", "what it shows")
    words = [each.text for each in svg.iter(f"{SVG}text")]
    assert "faces <a>: 9 pairs" in words
    assert "● 1 in 10: FMR 0.01 %, FNMR 10 %" in words
    assert "● 1 in 10: FMR 0.01 %, FNMR 10 %" not in [
        e.text for e in drawn(CURVE, rows=False).iter(f"{SVG}text")
    ]


def test_what_was_not_measured_is_said_and_not_drawn() -> None:
    svg = drawn(Series("faces", [], (Mark("1 in 10", 0.1, None),)))
    assert not svg.findall(f"{SVG}polyline")
    # The one dot is the key of the series.
    assert len(svg.findall(f"{SVG}circle")) == 1
    assert any("not measured" in (each.text or "") for each in svg.iter(f"{SVG}text"))


@pytest.mark.parametrize(
    ("rate", "said"), [(0.0, "0"), (0.0123, "1.23"), (1e-5, "0.001"), (1e-7, "1.0e-05"), (1.0, "100")]
)
def test_a_rate_is_three_digits(rate: float, said: str) -> None:
    assert percent(rate) == said
