"""From a declared operation to the Flask view that serves it: admit, bound, parse, call, answer, in this order.

For `app`. Nothing of a body is read before the caller is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from pydantic import TypeAdapter, ValidationError

from authsvc.errors import InvalidRequest, NotFound
from authsvc.services.services import Services
from authsvc.web import bound, credentials, in_words
from authsvc.web.body import validated_query
from authsvc.web.http import ApiResponse, current
from authsvc.web.metrics import Metrics
from authsvc.web.operations import Call, Operation, Plane
from authsvc.web.quota import Quotas
from authsvc.web.replies import Reply
from authsvc.web.words import OwnId, PathIdentifier

PATH_PARAMETERS: Mapping[str, TypeAdapter[str]] = {
    "decision_id": TypeAdapter(OwnId),
    "challenge_id": TypeAdapter(OwnId),
    "enrollment_id": TypeAdapter(OwnId),
    "overview_id": TypeAdapter(OwnId),
    "version_id": TypeAdapter(OwnId),
    "backtest_id": TypeAdapter(OwnId),
    "user_id": TypeAdapter(PathIdentifier),
    "device_id": TypeAdapter(PathIdentifier),
    "webhook_id": TypeAdapter(OwnId),
    "delivery_id": TypeAdapter(OwnId),
    "slug": TypeAdapter(PathIdentifier),
}
"""What may stand in an address, by the name of the parameter."""


def route(path: str) -> str:
    """An OpenAPI path template as Flask writes it."""
    return re.sub(r"\{(\w+)\}", r"<\1>", path)


def view(
    operation: Operation, services: Services, metrics: Metrics, base_url: str, quotas: Quotas
) -> Callable[..., ApiResponse]:
    """The Flask view of an operation."""

    def admitted(call: Call) -> ApiResponse:
        request = call.request
        _check_address(call, operation)
        if operation.body is None:
            return _response(operation.view(call))
        raw = operation.body.read(request)
        bound.must_be_the_body(request, raw)
        if operation.once or (operation.repeatable and credentials.names_key(request)):
            call.idempotency = credentials.once(request, raw)
        return _response(operation.view(call, operation.body.parse(request, raw)))

    def answer(**path: str) -> ApiResponse:
        request = current()
        request.plane = operation.plane
        call = Call(services, metrics, base_url, request, path)
        _admit(call, operation)
        if call.api_key is None:
            return admitted(call)
        with quotas.turn(call.api_key.client):
            return admitted(call)

    return answer


def _admit(call: Call, operation: Operation) -> None:
    """The caller's credential: a key, an operator's session, or a token, which opens one object and is asked again with it."""
    if operation.plane is Plane.PUBLIC:
        return
    token, admission = credentials.presented(call.request, operation.plane), call.services.admission
    if operation.act is not None:
        call.admitted = admission.admit_operator(token, operation.act, operation.name)
        call.request.caller = call.admitted.id
    elif operation.scope is None:
        call.token, object_id = token, next(iter(call.path.values()))
        admission.admit_token(operation.plane, object_id, token)
        call.request.caller = object_id
    else:
        call.api_key = admission.admit_key(token)
        call.request.client_id = call.request.caller = call.api_key.client
        # First, so that a key without what it is bound to learns nothing, not even its scopes.
        bound.must_be_bound(call.request, call.api_key, partial(admission.spend_nonce, call.api_key))
        call.api_key.must_have(operation.scope)


def _check_address(call: Call, operation: Operation) -> None:
    for name, value in call.path.items():
        try:
            PATH_PARAMETERS[name].validate_python(value)
        except ValidationError as error:
            raise _no_such(name, error) from None
    if operation.query is not None:
        call.query = validated_query(operation.query, list(call.request.args.items(multi=True)))
    elif call.request.query_string:
        raise InvalidRequest("this call takes no query parameters")


def _no_such(name: str, error: ValidationError) -> InvalidRequest | NotFound:
    """A name that nobody can have is not found; one that is only not in its canonical form is refused, and says so."""
    if name == "user_id":
        return InvalidRequest(f"`{name}` {in_words.said(error.errors()[0])}")
    return NotFound("there is no such object")


def _response(reply: Reply) -> ApiResponse:
    return ApiResponse.whole(reply.body, reply.status, reply.media, reply.headers)
