"""The pages over an API that a test directs, on a port of this machine, for a browser to look at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

from enrollment.beside import with_pages

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@contextmanager
def served(api: WSGIApplication) -> Iterator[int]:
    """The pages over the API, on a port of 127.0.0.1 that is free."""
    server = make_server("127.0.0.1", 0, api, threaded=True)
    server.app = with_pages(api, f"http://localhost:{server.port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()
    server.server_close()


def after(time: timedelta) -> str:
    """The instant this long from now, as the API writes it."""
    return (datetime.now(UTC) + time).isoformat(timespec="milliseconds").replace("+00:00", "Z")
