"""The operator's list of apps whose captures count as attested, each with its roots: `AUTHSVC_CAPTURE_ATTESTERS`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from authsvc.device.attestation import MOST_ROOTS, read_roots
from authsvc.device.attesters.android_key import AndroidKey
from authsvc.device.attesters.app import App, Attester
from authsvc.device.attesters.app_attest import AppAttest
from authsvc.device.attesters.sys_integrity import SysIntegrity
from authsvc.errors import ConfigurationError

_FORMATS: Mapping[str, Callable[[App], Attester]] = {
    AndroidKey.format: AndroidKey,
    AppAttest.format: AppAttest,
    SysIntegrity.format: SysIntegrity,
}
_KEYS = frozenset({"format", "app", "signers", "roots"})


def load_attesters(path: Path) -> tuple[Attester, ...]:
    """Each `[[attester]]` with `format`, `app`, `roots` (PEM files beside the list) and, but for Apple's, `signers`.

    `revoked_certificates` are SHA-256 fingerprints in hexadecimal. Raises ConfigurationError with what is wrong.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
        revoked = frozenset(bytes.fromhex(text).hex() for text in document.get("revoked_certificates", []))
        found = [_attester(entry, path.parent, revoked) for entry in document["attester"]]
    except OSError as error:
        raise ConfigurationError(
            f"the list of attesters is unusable: `{error.filename}` cannot be read: {error.strerror}"
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"the list of attesters is unusable: {error}") from error
    if len({each.format for each in found}) < len(found):
        raise ConfigurationError("the list of attesters is unusable: a format is listed twice")
    return tuple(found)


def _attester(
    entry: Mapping[str, Any], folder: Path, revoked: frozenset[str]
) -> Attester:  # Any: TOML as it came, checked here.
    unknown = set(entry) - _KEYS
    if unknown:
        raise ValueError(f"unknown key `{min(unknown)}`")
    form = str(entry["format"])
    if form not in _FORMATS:
        raise ValueError(f"`{form}` is no format; {', '.join(sorted(_FORMATS))} are")
    signers = frozenset(bytes.fromhex(text) for text in entry.get("signers", []))
    if form != AppAttest.format and not signers:
        raise ValueError(f"`{form}` needs `signers`: anybody may name a package as yours is named")
    roots = tuple(root for name in entry["roots"] for root in read_roots(folder / name))
    if not 0 < len(roots) <= MOST_ROOTS:
        raise ValueError(f"`{form}` has {len(roots)} roots: 1 to {MOST_ROOTS} are expected")
    return _FORMATS[form](App(str(entry["app"]), signers, roots, revoked))
