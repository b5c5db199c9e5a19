"""A large body is read for whom the application knows, and only as much as it granted."""

import io

import pytest

from authsvc.http import BODY_PENDING
from authsvc.serving.admission import BodyNotGranted, BodyWanted, UnreadBody, admit_body


def test_a_pending_body_is_asked_for_with_its_caller_and_its_bound() -> None:
    with pytest.raises(BodyWanted) as wanted:
        admit_body({BODY_PENDING: True}, "shop", 1000)
    assert (wanted.value.caller, wanted.value.most) == ("shop", 1000)


@pytest.mark.parametrize("environ", [{}, {BODY_PENDING: False}])
def test_under_another_server_nothing_is_asked(environ: dict[str, object]) -> None:
    admit_body(environ, "shop", 1000)


def test_nothing_is_read_of_a_body_that_nobody_was_admitted_for() -> None:
    body = UnreadBody()
    for read in (body.read, body.readline, body.readlines, lambda: iter(body)):
        with pytest.raises(BodyNotGranted):
            read()


def test_no_handler_of_failures_takes_it_for_one() -> None:
    assert not issubclass(BodyWanted, Exception)
    assert not issubclass(BodyNotGranted, Exception)
    assert not isinstance(UnreadBody(), io.IOBase)
