"""Fetches a pinned source archive through pip, the registry's ordinary client, which checks the hash before anything runs.

pip asks a source archive for its metadata by running its setup script; `--require-hashes` means that only the pinned bytes
are ever run, and `--no-deps` that nothing else is fetched with them.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from authsvc.biometric.manifest import Source
from authsvc.errors import ModelUnusable

_TIME_LIMIT = 1800


def download(source: Source, folder: Path, *, quiet: bool = False) -> Path:
    """The archive of `source.package`, in a folder of its own in `folder`; pip's progress bar goes to standard error.

    Raises ModelUnusable, with what to do instead, when pip is missing or cannot fetch it.
    """
    if importlib.util.find_spec("pip") is None:
        raise ModelUnusable(
            f"pip is not installed here: run `uv sync --extra prepare`, or {_offline(source)}"
        )
    folder = folder / f"{source.archive_sha256}"
    folder.mkdir()
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.package} --hash=sha256:{source.archive_sha256}\n", encoding="utf-8")
    try:
        ended = subprocess.run(
            _command(requirements, folder, quiet), stdout=sys.stderr, timeout=_TIME_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelUnusable(f"pip did not finish fetching `{source.package}`: {_offline(source)}") from error
    archives = [*folder.glob("*.tar.gz"), *folder.glob("*.whl")]
    if ended.returncode != 0 or not archives:
        raise ModelUnusable(
            f"pip could not fetch `{source.package}` (its own words are above): {_offline(source)}"
        )
    return archives[0]


def _command(requirements: Path, folder: Path, quiet: bool) -> list[str]:
    package = ["--requirement", str(requirements), "--dest", str(folder)]
    pinned = ["--require-hashes", "--no-deps", "--no-binary", "face_recognition_models"]
    bar = ["--progress-bar", "off", "--quiet"] if quiet else ["--progress-bar", "on"]
    return [sys.executable, "-m", "pip", "download", "--no-input", "--no-cache-dir", *bar, *pinned, *package]


def _offline(source: Source) -> str:
    name, version = (source.package or "").split("==")
    return (
        f"get the archive of {name} {version} on a machine that can, then run "
        "`authsvc models prepare --from-archive FILE`"
    )
