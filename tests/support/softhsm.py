"""A token of the test run's own: SoftHSM, from Debian, in a folder that is taken away and brought back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authsvc.keys.keyring import Purpose
from authsvc.keys.versions import audit_key, parsed, receipt_key, written

PIN = "1234"
PATIENCE = timedelta(seconds=60)
_LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")

_HOLD = """
import fcntl, sys
held = [open(each, "r+b") for each in sys.argv[1:]]
for each in held:
    fcntl.lockf(each, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class SoftToken:
    """`SOFTHSM2_CONF` must name `configuration` in the process that asks."""

    label = "authsvc"

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
        program = shutil.which("softhsm2-util")
        library = next((path for path in map(Path, _LIBRARIES) if path.exists()), None)
        if program is None or library is None:
            pytest.skip("SoftHSM is not installed")
        self.library = library
        self.configuration = folder / "softhsm2.conf"
        self._tokens, self._elsewhere = folder / "tokens", folder / "elsewhere"
        self._tokens.mkdir(parents=True)
        self.configuration.write_text(
            f"directories.tokendir = {self._tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        command = [program, "--init-token", "--free", "--label", self.label]
        subprocess.run(
            [*command, "--pin", PIN, "--so-pin", PIN],
            env={"SOFTHSM2_CONF": str(self.configuration)},
            check=True,
            capture_output=True,
            timeout=60,
        )

    def take_away(self) -> None:
        self._tokens.rename(self._elsewhere)

    def bring_back(self) -> None:
        self._elsewhere.rename(self._tokens)

    @contextmanager
    def absence(self) -> Iterator[None]:
        self.take_away()
        try:
            yield
        finally:
            self.bring_back()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Whoever asks it waits, for as long as this lasts: another process holds the locks of its files."""
        files = [str(each) for each in self._tokens.rglob("*") if each.is_file()]
        with subprocess.Popen(
            [sys.executable, "-c", _HOLD, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield
            holder.stdin.close()


def in_a_token(keyring: bytes) -> bytes:
    """The ring as if a token had kept its keys from the start: public halves and names."""
    versions, all_bound = parsed(keyring)
    [receipt], [audit] = versions[Purpose.RECEIPT], versions[Purpose.AUDIT]
    point = receipt_key(receipt.key).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    held = {
        Purpose.RECEIPT: (replace(receipt, key=point, held_as="receipts"),),
        Purpose.AUDIT: (
            replace(audit, key=audit_key(audit.key).public_key().public_bytes_raw(), held_as="audit"),
        ),
    }
    return written({**versions, **held}, all_bound=all_bound)
