"""The service as plain WSGI, for whichever server an operator prefers; `authsvc serve` brings its own.

Idle and slow clients must not stall it: put it behind a server or proxy that buffers request bodies. Each process makes
its own application after the fork, and needs the biometric worker (`python -m authsvc.workers.main`) beside it; webhooks are
sent by `python -m authsvc.bootstrap.sending`.
"""

from authsvc.bootstrap.app import make_app
from authsvc.bootstrap.launch import beside_pages
from authsvc.config import read_settings

settings = read_settings()
application = beside_pages(settings, make_app(settings))
