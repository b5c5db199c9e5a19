"""The service as plain WSGI, for whichever server an operator prefers; `authsvc serve` brings its own.

Idle and slow clients must not stall it: put it behind a server or proxy that buffers request bodies. Each process makes
its own application after the fork, and needs the biometric worker (`python -m authsvc.workers.main`) beside it; webhooks are
sent by `python -m authsvc.sending`.
"""

from authsvc.app import make_app
from authsvc.config import read_settings
from authsvc.launch import beside_pages

settings = read_settings()
application = beside_pages(settings, make_app(settings))
