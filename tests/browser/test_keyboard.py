"""Who has a keyboard alone: every page for payers is walked through by Tab, and what opens closes by Escape."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser import states
from tests.browser.keys import walk

pytestmark = pytest.mark.timeout(400)

_UNFIT = """<!doctype html><html lang="en"><title>Unfit</title><style>a:focus { outline: none }</style>
<button style="position: absolute; top: 200px">below</button><a href="#x" style="position: absolute; top: 20px">above</a>
<button style="position: absolute; top: 300px" id="dead">dead</button>
<div style="position: absolute; top: 290px; left: 0; width: 300px; height: 80px; background: white"></div>
<script>dead.addEventListener("keydown", (event) => event.key === " " && event.preventDefault())</script></html>"""


@pytest.mark.parametrize("part", states.EVERY, ids=lambda part: part.__name__)
def test_every_state_is_walked_by_keys(
    browser_seeing: Callable[[str], Browser], part: Callable[[states.Tour], None]
):
    with states.toured(browser_seeing("obama/1.jpg"), "zh-CN", walk) as tour:
        part(tour)
        assert not tour.faults, "\n".join(tour.faults)


def test_a_camera_that_is_on_is_all_that_there_is(browser_seeing: Callable[[str], Browser]):
    """Nothing behind it is reached, and Escape turns it off."""
    with states.toured(browser_seeing("obama/1.jpg"), "zh-CN", walk) as tour:
        tour.open(states.CHALLENGE, states.challenge(chosen=["face"], sets=[["face"], ["otp"]]))
        page = tour.page
        # It looks at nothing, so that it does not begin by itself.
        page.evaluate("() => { window.setInterval = () => 0; }")
        page.focus("#start:enabled")
        page.keyboard.press("Enter")
        page.wait_for_selector("#record:visible")
        reached = set()
        for _ in range(6):
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.localName"))
            page.keyboard.press("Tab")
        assert {"record", "stop"} <= reached <= {"record", "stop", "body"}
        assert walk(page, "camera") == []
        page.focus("#stop")
        with page.expect_navigation():
            page.keyboard.press("Escape")
        page.wait_for_selector("#start:enabled")


def test_the_walk_finds_what_is_wrong(browser_seeing: Callable[[str], Browser]):
    page = browser_seeing("obama/1.jpg").new_page()
    page.set_content(_UNFIT)
    faults = " ".join(walk(page, "unfit"))
    page.close()
    for expected in (
        "stands above what comes before it: <a",
        "focus is not seen: <a",
        "behind something: <button",
        "Space does nothing",
    ):
        assert expected in faults
