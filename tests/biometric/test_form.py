"""The `[input]` table of a manifest: read as its engine says, refused by the name of the field."""

import pytest
from pydantic import ValidationError

from authsvc.biometric.form import InputTable
from authsvc.errors import ModelUnusable


class Chip(InputTable):
    size: int
    channels: str = "RGB"


def test_a_table_becomes_its_engine_s_form_and_never_changes() -> None:
    form = Chip.of({"size": 112}, "drawn")
    assert (form.size, form.channels) == (112, "RGB")
    with pytest.raises(ValidationError):
        form.size = 96


@pytest.mark.parametrize(
    ("table", "field"),
    [({}, "input.size"), ({"size": "wide"}, "input.size"), ({"size": 1, "x": 2}, "input.x")],
)
def test_what_does_not_fit_is_refused_by_name(table: dict[str, object], field: str) -> None:
    with pytest.raises(ModelUnusable, match=f"manifest `drawn`, field `{field}`"):
        Chip.of(table, "drawn")
