"""The agreement between server and application on held requests."""

from __future__ import annotations

from authsvc.serving.waiting import WAITED, hold, is_first_look, seconds_to_hold


def test_another_server_is_not_asked_to_hold() -> None:
    assert hold({}, 25) is None
    assert is_first_look({})


def test_a_request_is_held_until_its_patience_ends() -> None:
    assert hold({WAITED: 0.0}, 25, every=0.5) == {"Authsvc-Again": "0.500"}
    assert hold({WAITED: 24.9}, 25, every=0.5) == {"Authsvc-Again": "0.100"}
    assert hold({WAITED: 25.0}, 25) is None
    assert hold({WAITED: 0.0}, 0) is None
    assert not is_first_look({WAITED: 0.3})


def test_the_server_understands_what_the_application_asks() -> None:
    [(name, value)] = (hold({WAITED: 0.0}, 25) or {}).items()
    assert seconds_to_hold(((b"vary", b"*"), (name.lower().encode(), value.encode()))) == 0.25
    assert seconds_to_hold(()) is None
