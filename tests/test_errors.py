"""Every error says what it is about, and every slug but those of the inside is explained over HTTP."""

import pytest

from authsvc import errors
from authsvc.errors import AuthsvcError, RateLimited
from authsvc.web.problems import PROBLEMS

OURS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, AuthsvcError)]


@pytest.mark.parametrize("kind", OURS)
def test_every_slug_is_explained(kind: type[AuthsvcError]) -> None:
    assert kind.slug in PROBLEMS


def test_an_error_carries_its_sentence_and_what_a_program_reads() -> None:
    error = RateLimited("too many tries", retry_after=60)
    assert (str(error), error.detail, error.extra) == (
        "too many tries",
        "too many tries",
        {"retry_after": 60},
    )


def test_two_errors_of_a_caller_do_not_share_a_slug() -> None:
    slugs = [each.slug for each in OURS if each.slug != "unavailable"]
    assert len(slugs) == len(set(slugs))
