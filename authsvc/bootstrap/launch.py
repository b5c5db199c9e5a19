"""How the service starts: what must exist is checked, or made for development, and then the server takes over."""

from __future__ import annotations

import contextlib
import pkgutil
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from authsvc.bootstrap import command_line
from authsvc.bootstrap.address import note_address
from authsvc.bootstrap.alone import alone_in
from authsvc.bootstrap.app import make_app
from authsvc.bootstrap.gauges import note_start
from authsvc.bootstrap.listeners import ByListener
from authsvc.bootstrap.opening import open_database, open_store, token_of
from authsvc.bootstrap.wiring import device_rules
from authsvc.clock import Clock, SteadyClock
from authsvc.config import Settings, notify_socket
from authsvc.domain.operator import Role
from authsvc.errors import ConfigurationError
from authsvc.http import netloc
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.keys.keyfile import write_private
from authsvc.keys.keyring import KeyRing
from authsvc.operators.account import OperatorState
from authsvc.operators.roster import Roster, invitation_url
from authsvc.serving.process import SideProcess
from authsvc.serving.server import bind, run
from authsvc.serving.settings import ServerSettings
from authsvc.serving.tls import TlsFiles
from authsvc.storage.revision import Fit, fit_of, refuse_misfit
from authsvc.web import access_log
from authsvc.web.metrics_files import fresh_directory
from authsvc.webhook.guard import LOOPBACK

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LARGEST_BODY = 44 * 1024 * 1024
"""Twelve frames of a capture; every route has a limit of its own below this."""

BACKTESTS_BEGIN_AFTER_S = 3.0

DEVELOPMENT_CLIENT = "demo-shop"
DEVELOPMENT_SHOP_PORT = 8100
DEVELOPMENT_OPERATOR = "operator"
"""Has every role, which only development gives to one person."""

Announce = Callable[[Mapping[str, object]], None]


def launch(settings: Settings, *, development: bool, with_shop: bool, announce: Announce) -> None:
    """Serve until told to stop. Raises ConfigurationError where something is missing that only an operator can give.

    In development keys and an API key are made, and `with_shop` opens the demo shop beside the service.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        alone_in(settings.data_dir),
        bind(ServerSettings(host=settings.host, port=settings.port)) as listener,
    ):
        settings = replace(settings, port=listener.getsockname()[1])
        _launch(settings, listener, development=development, with_shop=with_shop, announce=announce)


def _launch(
    settings: Settings, listener: socket.socket, *, development: bool, with_shop: bool, announce: Announce
) -> None:
    device_rules(settings)  # What is wrong with them stops the start, and not each web process by itself.
    must_be_able_to_trace(settings)
    if development:
        settings = replace(settings, webhook_networks=_with_this_machine(settings.webhook_networks))
    _prepare(settings, development=development)
    if settings.pages:
        _load_pages(settings.pages)  # Once, before the web processes are forked, and not in each of them.
    clock = SteadyClock()  # Before the forks, so that who is started again later knows of a jump as well.
    beside, facts = _beside(settings, clock), _facts(settings, development=development)
    introduction = secrets.token_hex(16)
    if with_shop:
        beside.append(SideProcess("demo-shop", _shop_command(settings, introduction), nice=10))
        facts["open"] = "what to open and what to paste follows once all is ready"
    note_address(settings)
    announce(facts)
    run(
        ServerSettings(
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            threads=settings.threads,
            max_body_bytes=LARGEST_BODY,
            trusted_proxies=tuple(each.strip() for each in settings.trusted_proxies.split(",") if each),
            tls=tls_files(settings),
            admin_host=settings.admin_host,
            admin_port=settings.admin_port,
            queue_seconds=settings.queue_timeout_ms / 1000,
            lame_duck_seconds=settings.lame_duck_seconds,
            notify_socket=notify_socket(),
        ),
        partial(_make_app, settings, clock, introduction),
        beside,
        listener=listener,
        noted=partial(note_start, settings.counting_dir),
    )
    shutil.rmtree(settings.counting_dir, ignore_errors=True)


def must_be_able_to_trace(settings: Settings) -> None:
    """Raises ConfigurationError where spans are wanted and the extra is missing."""
    if settings.otlp_endpoint and find_spec("opentelemetry") is None:
        raise ConfigurationError("`AUTHSVC_OTLP_ENDPOINT` needs OpenTelemetry: pip install 'authsvc[otel]'")


def tls_files(settings: Settings) -> TlsFiles | None:
    """What TLS of our own needs; raises ConfigurationError where half of it is named."""
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if certificate is not None and key is not None:
        return TlsFiles(certificate, key, settings.tls_client_ca_file, settings.tls_revoked_file)
    if certificate is None and key is None and settings.tls_client_ca_file is None:
        return None
    raise ConfigurationError(
        "TLS needs both `AUTHSVC_TLS_CERTIFICATE_FILE` and `AUTHSVC_TLS_KEY_FILE`, and one of them is not set"
    )


def _beside(settings: Settings, clock: Clock) -> list[SideProcess]:
    """What runs beside the web processes."""
    return [
        SideProcess("biometrics", _biometric_command(settings), nice=10),
        SideProcess("backtests", partial(_work_off_backtests, settings, clock), nice=10),
        SideProcess("webhooks", partial(_send_webhooks, settings, clock), nice=5),
    ]


def _scheme(settings: Settings) -> str:
    return "http" if settings.tls_certificate_file is None else "https"


def _facts(settings: Settings, *, development: bool) -> dict[str, object]:
    """What whoever starts the service wants to know."""
    facts: dict[str, object] = {
        "listening": f"{_scheme(settings)}://{netloc(settings.host, settings.port)}",
        "open": settings.public_url,
    }
    if development:
        facts |= {"api_key": _development_key(settings), "console": _development_console(settings)}
    return facts


def _work_off_backtests(settings: Settings, clock: Clock) -> None:
    # No backtest waits for a start, but everybody else does.
    time.sleep(BACKTESTS_BEGIN_AFTER_S)
    from authsvc.bootstrap.backtest_worker import (
        work_off_backtests,  # In the process that does it, and not in the supervisor.
    )

    work_off_backtests(settings, clock)


def _send_webhooks(settings: Settings, clock: Clock) -> None:
    from authsvc.bootstrap.sending import send_webhooks  # As above.

    send_webhooks(settings, clock)


def _make_app(settings: Settings, clock: Clock, introduction: str) -> WSGIApplication:
    access_log.leave_out(introduction)
    # The ledger's writer waits for the database many times a batch, and must not wait five milliseconds for the
    # interpreter each time that it comes back: measured, this doubles the rate on PostgreSQL.
    sys.setswitchinterval(0.001)
    return ByListener(beside_pages(settings, make_app(settings, clock)))


def beside_pages(settings: Settings, api: WSGIApplication) -> WSGIApplication:
    """The API together with the pages for people, which are known by name only; raises ConfigurationError."""
    if not settings.pages:
        return api
    pages: WSGIApplication = _load_pages(settings.pages)(api, settings.public_url)
    return pages


def _load_pages(name: str) -> Callable[[WSGIApplication, str], WSGIApplication]:
    try:
        found: Callable[[WSGIApplication, str], WSGIApplication] = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"`{name}` serves no pages: {error}") from error
    return found


def _prepare(settings: Settings, *, development: bool) -> None:
    """Keys and schema. In development they are made; elsewhere their absence is an error that says what to do."""
    if not settings.keyring.exists():
        if not development:
            raise ConfigurationError(
                f"there is no key ring at `{settings.keyring}`: run `authsvc keyring create` once, and back it up"
            )
        KeyRing.create(settings.keyring)
    if KeyRing.load(settings.keyring).needs_token and token_of(settings) is None:
        raise ConfigurationError("the key ring's keys are in a token: set `AUTHSVC_PKCS11_MODULE`")
    database = open_database(settings)
    if not development:
        refuse_misfit(database)
    elif fit_of(database) in (Fit.EMPTY, Fit.OLDER, Fit.NEWER, Fit.UNCLEAR):
        make_schema(settings)
    # Made before anything in it: the biometric worker listens in no folder that others can enter.
    settings.worker_socket.parent.mkdir(mode=0o700, exist_ok=True)
    fresh_directory(settings.counting_dir)


def make_schema(settings: Settings) -> None:
    """Bring the database to this version."""
    from authsvc.storage.upgrade import (  # Half a second that a second start can spare.
        database_url,
        upgrade,
    )

    upgrade(database_url(settings))


def _development_key(settings: Settings) -> str:
    """An API key with every scope, kept in a file that only its owner may read; the same at every start."""
    path = settings.data_dir / "development-api-key"
    kept = path.read_text().strip() if path.exists() else ""
    if kept:
        return kept
    store = open_store(settings)
    try:
        key, shown = new_api_key(store.ring, DEVELOPMENT_CLIENT, ALL_SCOPES, store.clock.now())
        store.ledger.transact(lambda tx: tx.keys.add(key))
    finally:
        store.close()
    write_private(path, f"{shown}\n".encode(), replace=True)
    return shown


def _development_console(settings: Settings) -> str:
    """How to get into the console: the link of a first operator until it was taken up, then the address."""
    store = open_store(settings)
    try:
        roster = Roster(store.ledger, store.ring, store.clock, command_line.actor())
        known = [each for each in roster.all() if each.state is not OperatorState.REVOKED]
        if any(each.state is OperatorState.ACTIVE for each in known):
            return f"{settings.public_url}/console/"
        ours = any(each.name == DEVELOPMENT_OPERATOR for each in known)
        _, shown = roster.reset(DEVELOPMENT_OPERATOR) if ours else roster.invite(DEVELOPMENT_OPERATOR, Role)
    finally:
        store.close()
    return f"{invitation_url(settings.public_url, shown)}  (sign in as `{DEVELOPMENT_OPERATOR}` from then on)"


def _with_this_machine(networks: str) -> str:
    """In development a receiver runs beside the service, and without TLS."""
    return ",".join([*filter(None, [networks]), *map(str, LOOPBACK)])


def _biometric_command(settings: Settings) -> list[str]:
    command = [sys.executable, "-m", "authsvc.workers.main"]
    command += ["--socket", str(settings.worker_socket), "--model-dir", str(settings.models)]
    command += ["--jobs", str(settings.biometric_workers), "--log-format", settings.log_format]
    command += ["--client-jobs", str(settings.biometric_client_workers)]
    command += ["--face-model", settings.face_model]
    command += ["--room", "face", *(["--room", "voice"] if settings.voice else [])]
    return command + (["--unsafe-no-pad"] if settings.unsafe_no_pad else [])


def _shop_command(settings: Settings, introduction: str) -> list[str]:
    port = _free_port(DEVELOPMENT_SHOP_PORT)
    command = [sys.executable, "-m", "authsvc.cli.main", "demo-shop", "--service", settings.public_url]
    command += ["--port", str(port), "--data-dir", str(settings.data_dir)]
    return [*command, "--introduction", introduction]


def _free_port(wanted: int) -> int:
    """The wanted port, or any other where somebody has it already."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as listener:
            found: int = listener.getsockname()[1]
            return found
    raise ConfigurationError("no free port for the demo shop")
