"""A large body is read only for whom the application knows: it is asked by the headers alone, before anything is buffered.

The web room calls `admit_body` once it knows the caller and how much that call may send. The server has called it with a
body that is not there yet, reads what was granted, and calls the application again with all of it. Under any other server
nothing is pending, and `admit_body` does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from authsvc.http import BODY_PENDING


class BodyWanted(BaseException):
    """`caller` is known and may send `most` bytes. No Exception, so that nothing on its way takes it for a failure."""

    def __init__(self, caller: str, most: int) -> None:
        super().__init__(caller, most)
        self.caller = caller
        self.most = most


class BodyNotGranted(BaseException):
    """The application reads a large body without having admitted anybody: more than it takes from strangers."""


class UnreadBody:
    """The `wsgi.input` of a body that was not read."""

    def read(self, size: int = -1, /) -> NoReturn:
        raise BodyNotGranted

    readline = readlines = read

    def __iter__(self) -> NoReturn:
        raise BodyNotGranted


def admit_body(environ: Mapping[str, object], caller: str, most: int) -> None:
    """Have the server read up to `most` bytes of a body that is still to come; raises BodyWanted where one is."""
    if environ.get(BODY_PENDING):
        raise BodyWanted(caller, most)
