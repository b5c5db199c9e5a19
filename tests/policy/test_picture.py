"""A change is drawn cell by cell."""

from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

from click.testing import CliRunner

from authsvc.policy import loading
from authsvc.policy.cells import Space
from authsvc.policy.commands import policy as command
from authsvc.policy.inputs import Inputs
from tests.policy.cells import cells

SHIPPED = loading.shipped()


DEFAULT_TOML = resources.files("authsvc.policy").joinpath("default.toml").read_text(encoding="utf-8")


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
