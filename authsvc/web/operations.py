"""How a call of the API is declared: once, for the route that serves it and for the document that describes it.

For the rooms of the API (`backend`, `payer`, …), which read like a table of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel

from authsvc.domain.once import Once
from authsvc.domain.operator import Act, Operator
from authsvc.factor import Json
from authsvc.keys.access import ApiKey, Scope
from authsvc.web.replies import Reply

if TYPE_CHECKING:
    from authsvc.services.services import Services
    from authsvc.web.http import ApiRequest
    from authsvc.web.metrics import Metrics


class Plane(StrEnum):
    """Who calls, and by which `Authorization` scheme they are known; nobody in particular is PUBLIC."""

    BACKEND = "Bearer"
    PAYER = "Challenge"
    ENROLLMENT = "Enrollment"
    OVERVIEW = "Overview"
    OPERATOR = "Operator"
    PUBLIC = ""


@dataclass(slots=True)
class Call:
    """One request as a view sees it, admitted and within its limits. `path` holds the parameters of the address.

    `base_url` is where the service is reached.
    """

    services: Services
    metrics: Metrics
    base_url: str
    request: ApiRequest
    path: Mapping[str, str]
    token: str = ""
    query: Any = None  # An instance of the model that the operation declares.
    api_key: ApiKey | None = None
    admitted: Operator | None = None
    idempotency: Once | None = None

    @property
    def key(self) -> ApiKey:
        """The backend's key; only calls of the backend plane have one."""
        if self.api_key is None:
            raise LookupError("this call is not of the backend plane")
        return self.api_key

    @property
    def operator(self) -> Operator:
        """Who signed in; only calls of the operators' plane have one, and it may do what the call declares as `act`."""
        if self.admitted is None:
            raise LookupError("this call is not of the operators' plane")
        return self.admitted

    @property
    def once(self) -> Once:
        """What the Idempotency-Key stands for; only operations that declare `once` have it."""
        if self.idempotency is None:
            raise LookupError("this operation does not declare `once`")
        return self.idempotency


Body_co = TypeVar("Body_co", covariant=True)
Body = TypeVar("Body")


class BodyReader(Protocol[Body_co]):
    """Takes a body within its limits: `read` the bytes, `parse` what they say. It also knows how to describe itself."""

    def read(self, request: ApiRequest) -> bytes: ...

    def parse(self, request: ApiRequest, raw: bytes) -> Body_co: ...

    def models(self) -> tuple[type[BaseModel], ...]:
        """The types whose schemas `described` refers to."""

    def described(self, schema_of: Callable[[type[BaseModel]], Json]) -> Json:
        """The OpenAPI Request Body Object."""


@dataclass(frozen=True, slots=True)
class Media:
    """An answer that is not JSON."""

    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One declared call.

    `path` is an OpenAPI path template; `problems` are the slugs of this call's own. `once` asks for an Idempotency-Key,
    `repeatable` heeds one that comes, `if_match` asks for the etag of what is replaced, `waits` heeds `Prefer: wait`. `act` is
    what an operator must be allowed to do.
    """

    method: str
    path: str
    plane: Plane
    tag: str
    name: str
    summary: str
    description: str
    view: Callable[..., Reply]
    answers: Mapping[int, type[BaseModel] | Media]
    scope: Scope | None = None
    act: Act | None = None
    body: BodyReader[object] | None = None
    query: type[BaseModel] | None = None
    problems: tuple[str, ...] = ()
    once: bool = False
    repeatable: bool = False
    if_match: bool = False
    waits: bool = False


@dataclass(slots=True)
class Room:
    """The operations of one part of the API, in the order in which they are declared."""

    tag: str
    plane: Plane
    scope: Scope | None = None
    operations: list[Operation] = field(default_factory=list)

    def get(
        self, path: str, answer: type[BaseModel] | Media, **declared: Any
    ) -> Callable[[Callable[[Call], Reply]], Callable[[Call], Reply]]:
        """Declares a GET. `declared` are further fields of Operation, whose types the dataclass knows."""
        return self.call("GET", path, answer, **declared)

    def delete(
        self, path: str, answer: type[BaseModel], **declared: Any
    ) -> Callable[[Callable[[Call], Reply]], Callable[[Call], Reply]]:
        return self.call("DELETE", path, answer, **declared)

    def call(
        self, method: str, path: str, answer: type[BaseModel] | Media, **declared: Any
    ) -> Callable[[Callable[[Call], Reply]], Callable[[Call], Reply]]:
        """Declares a call without a body; the view's name and docstring become the operation's."""

        def declare(view: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
            self._add(method, path, answer, view, declared)
            return view

        return declare

    def sending(
        self,
        method: str,
        path: str,
        body: BodyReader[Body],
        answer: type[BaseModel] | Media,
        **declared: Any,
    ) -> Callable[[Callable[[Call, Body], Reply]], Callable[[Call, Body], Reply]]:
        """Declares a call whose view is handed the parsed body."""

        def declare(view: Callable[[Call, Body], Reply]) -> Callable[[Call, Body], Reply]:
            self._add(method, path, answer, view, {"body": body, **declared})
            return view

        return declare

    def _add(
        self,
        method: str,
        path: str,
        answer: type[BaseModel] | Media,
        view: Callable[..., Reply],
        declared: Mapping[str, Any],
    ) -> None:
        summary, _, description = (view.__doc__ or "").strip().partition("\n\n")
        fields = {"name": view.__name__, "scope": self.scope, "answers": {200: answer}, **declared}
        self.operations.append(
            Operation(
                method=method,
                path=path,
                plane=self.plane,
                tag=self.tag,
                summary=" ".join(summary.split()).rstrip("."),
                description=" ".join(description.split()),
                view=view,
                **fields,
            )
        )
