"""What the policy's pages share: the service they ask, the frame of a version, and a refusal beside the form that was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from authsvc.errors import (
    AuthsvcError,
    InvalidRequest,
    NotPermitted,
    PolicyConflict,
    PolicyInvalid,
    PolicyStep,
    Unavailable,
)
from authsvc.policy.life import Version
from authsvc.policy_life.service import Active, PolicyService
from authsvc.web.console.doors import console, operator
from authsvc.web.console.policies import wording
from authsvc.web.console.rendering import page
from authsvc.web.problems import PROBLEMS

REFUSED = (NotPermitted, PolicyInvalid, PolicyStep, PolicyConflict, Unavailable, InvalidRequest)
"""What an operator can do something about, and so is told beside the form."""


def policies() -> PolicyService:
    return console().policies


def version_page(template: str, version: Version, *, status: int = 200, **shown: Any) -> Response:
    """A page about one version, below the tabs that all of them have."""
    return page(template, status=status, version=version, **shown)


def active() -> Active:
    return policies().active(operator())


def refused_on(error: AuthsvcError, show: Callable[..., Response]) -> Response:
    """The page that was sent, with why not; `show` takes `status`, `message`, and the `faults` where there are any."""
    status = PROBLEMS[error.slug].status
    faults = error.extra.get("findings", ())
    listed = [each for each in faults if isinstance(each, dict)] if isinstance(faults, list) else []
    return show(status=status, message=wording.refusal(error), detail=error.detail, faults=listed)
