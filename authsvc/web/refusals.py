"""From whatever went wrong to a problem (RFC 9457): never a traceback, never an internal, always a slug that is explained.

For `app`, which registers these as the error handlers. What is not ours to explain is logged by its kind and place alone,
since an exception's text may quote what a caller sent.
"""

from __future__ import annotations

import json
import logging
import math
import traceback
from collections.abc import Mapping

from werkzeug.exceptions import HTTPException

from authsvc.errors import AuthsvcError, RecordBroken, Unauthenticated, Unavailable
from authsvc.web.http import ApiRequest, ApiResponse
from authsvc.web.problems import PROBLEMS
from authsvc.web.replies import REPLAYED, StoredRefusal

_log = logging.getLogger("authsvc.web")

PROBLEM_MEDIA = "application/problem+json"
_SLUG_OF_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media",
}
_OF_OURS = ("type", "title", "status", "detail", "slug")


class Refusals:
    """`base_url` is where problems are explained."""

    def __init__(self, base_url: str) -> None:
        self._types = {slug: f"{base_url}/v1/problems/{slug}" for slug in PROBLEMS}

    def respond(
        self, request: ApiRequest, slug: str, detail: str, extra: Mapping[str, object] | None = None
    ) -> ApiResponse:
        """The problem as a response, with the headers its status asks for."""
        problem = PROBLEMS[slug]
        said = {key: value for key, value in (extra or {}).items() if key not in _OF_OURS}
        retry_after = said.get("retry_after", problem.retry_after)
        body = {
            "type": self._types[slug],
            "title": problem.title,
            "status": problem.status,
            "detail": detail,
            **said,
        }
        response = ApiResponse(_encode(body), problem.status, content_type=PROBLEM_MEDIA)
        response.slug = slug
        if isinstance(retry_after, int | float):
            response.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
        if problem.status == 401:
            response.headers["WWW-Authenticate"] = f'{request.plane.value} realm="authsvc"'
        return response

    def ours(self, request: ApiRequest, error: AuthsvcError) -> ApiResponse:
        """An error of our own. What broke inside of us is said no more precisely than `unavailable`."""
        if error.slug not in PROBLEMS or (error.slug == "unavailable" and not isinstance(error, Unavailable)):
            return self.unforeseen(request, error)
        if isinstance(error, RecordBroken):
            # Which row it is stands in the log and in the audit.
            return self.respond(request, error.slug, "what is stored here is not as it was written")
        if isinstance(error, Unavailable):
            _log.warning("unavailable: %s", error.detail)
        if isinstance(error, Unauthenticated):
            # The same words for every bad credential; which scheme a call expects is in its documentation anyway.
            expected = (
                f": this call expects `Authorization: {scheme} …`" if (scheme := request.plane.value) else ""
            )
            return self.respond(request, error.slug, f"no good credential was presented{expected}")
        return self.respond(request, error.slug, error.detail, error.extra)

    def again(self, request: ApiRequest, error: StoredRefusal) -> ApiResponse:
        """A stored refusal."""
        told = error.problem
        response = self.respond(request, str(told["slug"]), str(told["detail"]), told)
        if error.replayed:
            response.headers.extend(REPLAYED)
        return response

    def https(self, request: ApiRequest, error: HTTPException) -> ApiResponse:
        """What Flask or Werkzeug refused before a view was reached."""
        status = error.code or 400
        if status >= 500:
            return self.unforeseen(request, error)
        slug = _SLUG_OF_STATUS.get(status, "invalid-request")
        response = self.respond(request, slug, PROBLEMS[slug].title.lower())
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    def unforeseen(self, request: ApiRequest, error: Exception) -> ApiResponse:
        """Anything else: the caller learns that there is no answer, the log what kind of error came from where."""
        _log.error("unforeseen %s at %s (request %s)", type(error).__name__, place(error), request.id)
        return self.respond(request, "unavailable", "no answer can be given now")


def place(error: BaseException) -> str:
    """The innermost lines of code, without the exception's text."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
