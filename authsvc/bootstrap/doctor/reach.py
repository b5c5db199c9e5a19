"""How the service is reached: addresses, TLS in front of it, the parent domain of device keys."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from authsvc.bootstrap.doctor.finding import Findings, doubtful, wrong
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.bootstrap.wiring import device_rules
from authsvc.config import Settings
from authsvc.errors import AuthsvcError


def look_at_addresses(settings: Settings, around: Surroundings) -> Findings:
    public = urlsplit(settings.public_url)
    if not settings.base_url:
        yield wrong(
            "base-url-missing",
            "people are sent to this machine's own localhost",
            "set AUTHSVC_BASE_URL to the https address that people see",
        )
    elif public.scheme != "https" and not is_here(public.hostname or ""):
        yield wrong(
            "base-url-plain",
            f"`{settings.base_url}` is not https: no browser makes or uses a device key there",
            "set AUTHSVC_BASE_URL to an https address",
        )
    if settings.tls_certificate_file is None:
        yield from _without_tls(settings)
    if settings.admin_port is not None and not is_here(settings.admin_host):
        yield doubtful(
            "admin-plain",
            f"operators' pages and metrics are served on `{settings.admin_host}` without TLS",
            "listen on 127.0.0.1 or on an address of the management network alone (AUTHSVC_ADMIN_HOST)",
        )


def _without_tls(settings: Settings) -> Findings:
    if not is_here(settings.host):
        yield wrong(
            "plain-listener",
            f"the service listens on `{settings.host}` without TLS: whoever hears the network has every API key",
            "set AUTHSVC_TLS_CERTIFICATE_FILE and AUTHSVC_TLS_KEY_FILE, or listen on 127.0.0.1 behind a proxy",
        )
    elif settings.public_url.startswith("https://") and not settings.trusted_proxies:
        yield wrong(
            "proxy-unnamed",
            "something before the service ends TLS and is not named: all of its clients count as one to the limits",
            "set AUTHSVC_TRUSTED_PROXIES to the proxy's address",
        )


def look_at_device_keys(settings: Settings, around: Surroundings) -> Findings:
    public = urlsplit(settings.public_url)
    if public.scheme != "https" and not is_here(public.hostname or ""):
        return  # Which is a finding by itself.
    try:
        device_rules(settings)
    except AuthsvcError as error:
        yield wrong(
            "device-rules",
            error.detail,
            "mend AUTHSVC_RP_ID, AUTHSVC_ORIGINS, AUTHSVC_ATTESTATION_MODELS or AUTHSVC_CAPTURE_ATTESTERS",
        )


def is_here(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost" or not host:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def look_at_waits(settings: Settings, around: Surroundings) -> Findings:
    if settings.store_timeout >= settings.biometric_timeout:
        yield doubtful(
            "store-timeout-long",
            f"a silent database is waited for {settings.store_timeout.total_seconds():.0f} s, which holds every thread",
            "set AUTHSVC_STORE_TIMEOUT to about 2, far below AUTHSVC_BIOMETRIC_TIMEOUT",
        )
