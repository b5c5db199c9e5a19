"""The page says what the report says, in both languages, loads nothing and states what is not shown."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from authsvc.lab.pad_page import EDGE, SIDE, TOP, pad_curve, page
from tests.lab.test_gate import run_of

ABOUT = {
    "detector": "minifasnet",
    "model_digest": "sha256:1",
    "data_set": "<b>list</b>",
    "commit": "abc",
    "date": "2026-11-30",
}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("found", [run_of(0, 0), run_of(5, 0), run_of(0, 7), run_of(42, 59, accepted=3)])
def test_a_page_is_one_file_that_loads_nothing(found: dict) -> None:
    reader = Reader()
    reader.feed(page({**found, **ABOUT}))
    assert not [
        tag
        for tag, _ in reader.tags
        if tag in ("script", "link", "img", "iframe", "b" if not found["species"] else "")
    ]
    assert not [name for _, attrs in reader.tags for name in attrs if name in ("src", "href", "onclick")]


def test_a_rate_stands_with_k_n_and_interval_or_not_at_all() -> None:
    shown = page({**run_of(42, 59, accepted=3), **ABOUT})
    assert "3 / 42" in shown
    assert "7.1%" in shown
    assert "&lt;b&gt;list" in shown
    assert "not shown" in page({**run_of(0, 0), **ABOUT})


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (None, "No limits were set"),
        ({"faults": []}, "Every limit is met"),
        ({"faults": ["BPCER is not shown"]}, "Not met"),
    ],
)
def test_the_verdict_stands_first(gate: dict | None, said: str) -> None:
    found = {**run_of(42, 59), **ABOUT} | ({} if gate is None else {"gate": gate})
    assert said in page(found)


def test_a_curve_has_numbers_on_both_axes_and_a_point_for_each_threshold() -> None:
    drawn = pad_curve([(0.0, 1.0, 0.0), (0.4, 0.25, 0.5), (0.9, 0.0, 1.0)])
    assert (drawn.count("<circle"), drawn.count(">25%<"), drawn.count(">100%<")) == (3, 2, 2)
    assert f'cx="{EDGE + 0.25 * SIDE:.1f}" cy="{TOP + 0.5 * SIDE:.1f}"' in drawn
    assert pad_curve([(0.0, 1.0, 0.0)]) == ""
