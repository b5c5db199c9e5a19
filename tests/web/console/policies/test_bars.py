"""Bars that are read without being seen."""

from xml.etree import ElementTree as ET

from authsvc.web.console.policies.bars import Bar, bars_svg


def test_bars_can_be_read_without_being_seen() -> None:
    bars = [Bar("before", 0.25, "25 % (5)"), Bar("after", None, "–")]
    drawn = ET.fromstring(bars_svg("k", "A <title>", bars))  # noqa: S314 - our own

    assert drawn.attrib["aria-labelledby"] == "k-title k-description"
    assert drawn.findtext("{*}desc") == "before: 25 % (5); after: –"
    assert [each.attrib["width"] for each in drawn.findall("{*}rect") if each.attrib["class"] != "track"] == [
        "50.0",
        "0.0",
    ]
