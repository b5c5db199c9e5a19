"""A tour of what people see when things go wrong or come to an end: every page of those is fit for everybody as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser import states
from tests.browser.inspection import inspect

pytestmark = pytest.mark.timeout(400)


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("part", states.EVERY, ids=lambda part: part.__name__)
def test_every_state_is_fit_for_everybody(
    browser_seeing: Callable[[str], Browser], part: Callable[[states.Tour], None], locale: str
):
    with states.toured(browser_seeing("obama/1.jpg"), locale, inspect) as tour:
        part(tour)
        assert not tour.faults, "\n".join(tour.faults)
