"""The examples in other languages, as programs that print what each case of a file of vectors comes to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"

LANGUAGES = {"java": ("javac", "java"), "go": ("go",), "node": ("node",), "php": ("php",)}
"""Each with the programs that it takes."""


@dataclass(frozen=True)
class Example:
    """One built example."""

    language: str
    command: tuple[str, ...]
    folder: Path
    normalises: bool = True
    """Whether its library brings a name to NFC. Where it does not, a payment is refused that could have gone."""

    def verdicts(self, kind: str, cases: dict[str, Any]) -> dict[str, str]:
        """Of each case by name, what the example says: `ok`, a reason, or a digest."""
        file = self.folder / f"{kind}.json"
        file.write_text(json.dumps(cases, ensure_ascii=False))
        out = _run([*self.command, kind, str(file)], self.folder)
        return dict(line.split("\t") for line in out.splitlines())


def built(language: str, folder: Path) -> Example:
    """The example of a language, built in `folder`; skips where the language is not at hand: set-up never installs one."""
    for program in LANGUAGES[language]:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, so the example in {language} was not run")
    source = EXAMPLES / language
    if language == "java":
        _run(["javac", "-d", str(folder), str(source / "Verify.java")], folder)
        return Example(language, ("java", "-cp", str(folder), "Verify"), folder)
    if language == "go":
        _run(["go", "build", "-o", str(folder / "verify"), str(source / "verify.go")], folder)
        return Example(language, (str(folder / "verify"),), folder, normalises=False)
    (program,) = LANGUAGES[language]
    (script,) = source.glob("verify.*")
    normalises = language != "php" or _run(["php", "-r", "echo class_exists('Normalizer');"], folder) == "1"
    return Example(language, (program, str(script)), folder, normalises)


def _run(command: list[str], folder: Path) -> str:
    # No module and no toolchain is fetched, whatever this machine's Go would like.
    environment = {**os.environ, "GO111MODULE": "off", "GOTOOLCHAIN": "local", "GOCACHE": str(folder / "go")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, env=environment)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-2000:]}"
    return done.stdout
