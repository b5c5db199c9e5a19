"""What may be chosen about the server: positive, and room for four of the largest bodies."""

from typing import Any

import pytest

from authsvc.errors import ConfigurationError
from authsvc.serving.settings import ServerSettings


@pytest.mark.parametrize(
    "change", [{"workers": 0}, {"threads": -1}, {"body_seconds": 0}, {"port": -1}, {"backlog": 0}]
)
def test_a_setting_that_is_not_positive_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"`{next(iter(change))}`"):
        ServerSettings(**change)


def test_a_port_of_zero_takes_a_free_one() -> None:
    assert ServerSettings(port=0).port == 0


def test_one_caller_may_take_a_quarter_of_the_room() -> None:
    assert ServerSettings().caller_bytes * 4 == ServerSettings().max_buffered_bytes
    with pytest.raises(ConfigurationError, match="max_buffered_bytes"):
        ServerSettings(max_body_bytes=100, max_buffered_bytes=399)
