"""Drills stay on this machine unless told otherwise."""

from __future__ import annotations

import pytest

from authsvc.errors import ConfigurationError
from authsvc.lab.drill.service import Service


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:9", "https://127.0.0.9/"]
)
def test_this_machine_may_be_attacked(url: str) -> None:
    assert Service(url, "ak_x_y").url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["https://pay.example", "http://10.0.0.1:80", "http://127.0.0.1.evil.example"]
)
def test_another_machine_only_when_it_is_said_so(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is not this machine"):
        Service(url, "ak_x_y")
    assert Service(url, "ak_x_y", anywhere=True).url == url


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://localhost", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Service(url, "ak_x_y", anywhere=True)
