"""The key ring: is it there, private, whole, and does it require that rows are bound?"""

from __future__ import annotations

from authsvc.bootstrap.doctor.finding import Findings, doubtful, wrong
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.bootstrap.opening import token_of
from authsvc.config import Settings
from authsvc.errors import AuthsvcError, ConfigurationError
from authsvc.keys.keyring import KeyRing


def look_at_keys(settings: Settings, around: Surroundings) -> Findings:
    if not settings.keyring.parent.is_dir():
        return  # Which is a finding by itself.
    if not settings.keyring.exists():
        yield wrong(
            "keyring-missing",
            f"there is no key ring at `{settings.keyring}`",
            "`authsvc keyring create` for a new service; for an old one bring it back from where you keep it",
        )
        return
    try:
        ring = KeyRing.load(settings.keyring, around.clock)
    except ConfigurationError as error:
        yield wrong(
            "keyring-unusable", error.detail, "chmod 0600 it, or bring it back from where you keep it"
        )
        return
    if ring.needs_token:
        yield from _look_at_token(settings, around)
    if not ring.all_bound and settings.authority != "required":
        yield doubtful(
            "rows-unbound",
            "rows of authority without a MAC are still accepted",
            "once every host has this release: `authsvc db adopt`",
        )
    if settings.authority == "written":
        yield wrong(
            "authority-written",
            "AUTHSVC_AUTHORITY=written accepts rows that somebody wrote without the keys",
            "leave AUTHSVC_AUTHORITY empty, or set it to `required`",
        )


def _look_at_token(settings: Settings, around: Surroundings) -> Findings:
    try:
        KeyRing.load(settings.keyring, around.clock, token_of(settings)).try_signing()
    except AuthsvcError as error:
        yield wrong(
            "token-away",
            f"nothing can be signed: {error.detail}",
            "AUTHSVC_PKCS11_MODULE, _LABEL and _PIN_FILE name the token that the key ring was made with; "
            "_TIMEOUT is the patience with one that is slow",
        )
