"""One line of JSON for each request: what was asked, by which client, how it ended and how long it took.

For operators. No body, no token, no query, and of the address only its template: ids of users stand in paths. What a monitor asks
every few seconds has a line only when the answer is not the usual one.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from authsvc.clock import rfc3339
from authsvc.web.http import ApiRequest, ApiResponse

_log = logging.getLogger("authsvc.access")

MONITORED = frozenset({"/healthz", "/readyz", "/metrics"})


def to_stderr() -> None:
    """Write the lines to standard error as they are, so that whoever collects them reads JSON and nothing else."""
    if not _log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        _log.addHandler(handler)
        _log.propagate = False


def leave_out(trace: str) -> None:
    """What belongs to this trace has no line: what a development service asks itself at its start."""
    mark = f'"trace":"{trace}"'
    _log.addFilter(lambda record: mark not in record.getMessage())


def write(request: ApiRequest, response: ApiResponse, route: str) -> None:
    """Log a finished request at level INFO."""
    if not _log.isEnabledFor(logging.INFO) or (route in MONITORED and response.status_code == 200):
        return
    line = {
        "at": rfc3339(datetime.now(UTC)),
        "method": request.method,
        "route": route,
        "status": response.status_code,
        "ms": round(request.seconds() * 1000, 2),
        "request": request.id,
        "trace": request.trace.id,
        "client": request.client_id,
        "problem": response.slug,
    }
    # Not `info`, which looks through the stack for the line that called it.
    _log.handle(_log.makeRecord(_log.name, logging.INFO, __file__, 0, _encode(line), (), None))


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
