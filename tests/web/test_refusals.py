"""Whatever went wrong becomes a problem: its text stays inside, its details go out, and nothing makes it look like a success."""

import pytest

from authsvc import errors
from authsvc.domain.once import Answer
from tests.web.support import CHALLENGE_ID, PAYER, Api, FakeServices, slug


@pytest.mark.parametrize(
    "broken",
    [
        KeyError("4111-secret"),
        RuntimeError("4111-secret"),
        errors.Tampered("4111-secret"),
        errors.ModelUnusable("4111-secret"),
        errors.ConfigurationError("4111-secret"),
        RecursionError("4111-secret"),
        MemoryError("4111-secret"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_breaks_inside_is_unavailable_and_its_text_stays_inside(
    api: Api, fake: FakeServices, caplog: pytest.LogCaptureFixture, broken: Exception
):
    fake.on("decisions.decide", broken)
    answer = api.decide()
    assert slug(answer) == "unavailable"
    assert answer.headers["Retry-After"] == "1"
    assert b"4111" not in answer.data
    assert "4111" not in caplog.text
    assert type(broken).__name__ in caplog.text


def test_an_outage_says_what_is_gone_and_when_to_come_back(api: Api, fake: FakeServices):
    fake.on("decisions.decide", errors.Unavailable("the database does not answer", retry_after=2.4))
    answer = api.decide()
    assert (slug(answer), answer.headers["Retry-After"]) == ("unavailable", "3")
    assert answer.get_json()["detail"] == "the database does not answer"


def test_an_error_carries_its_details(api: Api, fake: FakeServices):
    hints = [{"code": "too_dark", "text": "太暗"}]
    fake.on("challenges.begin_step", errors.RateLimited("too many tries", retry_after=60))
    limited = api.post(f"/v1/challenges/{CHALLENGE_ID}/steps/face/begin", headers=PAYER)
    assert (limited.headers["Retry-After"], limited.get_json()["retry_after"]) == ("60", 60)
    fake.on("challenges.take_step", errors.CaptureUnusable("cannot be judged", hints=hints))
    path = f"/v1/challenges/{CHALLENGE_ID}/steps/otp"
    assert api.client.put(path, json={"code": "123456"}, headers=PAYER).get_json()["hints"] == hints


def test_an_error_cannot_overwrite_what_makes_it_a_problem(api: Api, fake: FakeServices):
    fake.on("decisions.decide", errors.Unavailable("gone", status=200, type="about:blank", title="fine"))
    assert slug(api.decide()) == "unavailable"


def test_a_stored_refusal_is_told_again(api: Api, fake: FakeServices):
    problem = {"slug": "transaction-changed", "detail": "another payment"}
    fake.on("decisions.decide", Answer(b"", False, problem))
    first = api.decide()
    fake.on("decisions.decide", Answer(b"", False, problem, replayed=True))
    again = api.decide()
    assert slug(first) == "transaction-changed"
    assert (first.status, first.data) == (again.status, again.data)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
