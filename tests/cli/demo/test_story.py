"""How the story is told: in order, with its time, and not past a step that broke."""

import base64
import time
from datetime import UTC, datetime

from authsvc.cli.demo.commands import line
from authsvc.cli.demo.phone import PERIOD, Authenticator
from authsvc.cli.demo.story import Broken, Outcome, Told, tell
from authsvc.errors import Unavailable
from authsvc.otp import matching_step


def test_steps_are_numbered_timed_and_told_in_order():
    told = list(tell(iter([("first", lambda: Outcome("otp", "a")), ("second", slow)])))
    assert [(step.number, step.what, step.held, step.level, step.reason) for step in told] == [
        (1, "first", True, "otp", "a"),
        (2, "second", True, "face", "b"),
    ]
    assert told[1].milliseconds >= 20


def slow() -> Outcome:
    time.sleep(0.02)
    return Outcome("face", "b")


def test_the_story_ends_with_the_step_that_breaks():
    def breaks() -> Outcome:
        raise Broken("a wrong code was accepted")

    told = list(tell(iter([("first", breaks), ("never", slow)])))
    assert [(step.what, step.held, step.reason) for step in told] == [
        ("first", False, "unavailable: a wrong code was accepted")
    ]


def test_an_outage_is_a_step_that_did_not_hold():
    def gone() -> Outcome:
        raise Unavailable("no answer from the service")

    (told,) = tell(iter([("first", gone)]))
    assert not told.held
    assert told.reason == "unavailable: no answer from the service"


def test_a_step_is_one_line():
    text = line(Told(3, "a medium payment", True, "otp", "medium-amount", 4.6))
    assert text.split() == ["3", "ok", "otp", "a", "medium", "payment", "5", "ms", "medium-amount"]
    assert "BROKEN" in line(Told(4, "x", False, "-", "y", 0.0))


SECRET = base64.b32encode(bytes(range(20))).decode()


def test_the_phones_code_is_the_one_that_the_service_expects():
    app, raw = Authenticator(SECRET), bytes(range(20))
    assert matching_step(raw, app.code(), datetime.now(UTC)) is not None
    # The boundary of a time step may fall between the two lines.
    earlier = matching_step(raw, app.code(periods_ago=1), datetime.now(UTC))
    assert earlier is not None or time.time() % PERIOD < 1


def test_a_wrong_code_is_wrong_for_the_minute():
    app, raw = Authenticator(SECRET), bytes(range(20))
    for _ in range(200):
        assert matching_step(raw, app.wrong_code(), datetime.now(UTC)) is None
