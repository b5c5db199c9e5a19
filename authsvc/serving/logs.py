"""How the service's own log lines are written: for people, or one JSON object a line with the request that they belong to."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from authsvc.clock import rfc3339
from authsvc.http import TRACE

CONSOLE = "%(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """When, how grave, who, what; and, while a request is answered, its id and its trace."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = TRACE.get()
        if trace is not None:
            line |= {"request": trace.request, "trace": trace.id}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, separators=(",", ":"))


def set_up(level: str, form: str) -> None:
    """For a process that begins; `form` is `json` or `console`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(CONSOLE))
    logging.basicConfig(level=level, handlers=[handler])
