"""What is for operators is found on their listener alone, where there is one."""

import pytest
from werkzeug.test import Client

from authsvc.bootstrap.listeners import ByListener, is_for_operators
from authsvc.http import FOR_OPERATORS
from authsvc.web.registry import OPERATIONS

HIDDEN = ["/metrics", "/healthz", "/readyz", "/console", "/console/", "/console/users", "/v1/policies/active"]
OPEN = ["/v1/decisions", "/.well-known/jwks.json", "/", "/c/chl_1", "/v1/openapi.json", "/metrics2"]


def everything(environ: object, start_response: object) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])  # type: ignore[operator]  # As WSGI has it.
    return [b"served"]


@pytest.mark.parametrize("listener", [None, True, False])
@pytest.mark.parametrize("path", HIDDEN + OPEN)
def test_a_path_is_served_where_it_belongs(listener: bool | None, path: str):
    overrides = {} if listener is None else {FOR_OPERATORS: listener}
    answer = Client(ByListener(everything)).get(path, environ_overrides=overrides)
    assert answer.status_code == (404 if listener is False and path in HIDDEN else 200)


def test_every_call_of_operators_is_hidden():
    theirs = [each.path for each in OPERATIONS if each.act is not None]
    assert theirs
    assert all(map(is_for_operators, theirs))
