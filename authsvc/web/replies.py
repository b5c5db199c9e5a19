"""Whole answers as values: what a view returns, and how the services' JSON and stored answers become one.

For the rooms of the API, which say what to answer and leave the response to `dispatch`.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from authsvc.domain.once import Answer
from authsvc.factor import Json

JSON_MEDIA = "application/json"
REPLAYED = (("Idempotent-Replayed", "true"),)


class Reply(NamedTuple):
    """A whole answer: what a view returns."""

    body: bytes
    status: int = 200
    media: str = JSON_MEDIA
    headers: tuple[tuple[str, str], ...] = ()


def json_reply(value: Json, status: int = 200) -> Reply:
    """JSON as it goes out: UTF-8, compact."""
    return Reply(_encode(value).encode(), status)


class StoredRefusal(Exception):
    """A refusal that had an effect of its own, and so is stored and told like any other answer."""

    def __init__(self, problem: Json, replayed: bool) -> None:
        super().__init__(problem["slug"])
        self.problem = problem
        self.replayed = replayed


def stored_reply(answer: Answer, *, created: int, standing: int = 200) -> Reply:
    """A stored answer, as it was given the first time; `standing` is the status for what was there already.

    Raises StoredRefusal where the answer is a refusal.
    """
    if answer.problem is not None:
        raise StoredRefusal(answer.problem, answer.replayed)
    headers = REPLAYED if answer.replayed else ()
    return Reply(answer.body, created if answer.created else standing, headers=headers)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
