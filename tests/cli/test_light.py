"""`pip install authsvc` brings the client alone, which works so; `authsvc` says which extra a command needs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

MOST_MEGABYTES = 30

_BLOCK = """
import sys, importlib.abc
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def needed(name: str = "authsvc") -> Iterator[str]:
    """The distributions that come without an extra, and theirs."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name.lower()
            yield from needed(requirement.name)


def run(program: str) -> subprocess.CompletedProcess[str]:
    """In a Python that has nothing but the light installation."""
    light = {*needed(), "authsvc"}
    absent = sorted(
        module
        for module, owners in packages_distributions().items()
        if light.isdisjoint(map(str.lower, owners))
    )
    program = _BLOCK.format(absent=set(absent)) + program
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )


def authsvc(*words: str) -> subprocess.CompletedProcess[str]:
    return run(
        f"import sys; sys.argv = ['authsvc', *{list(words)!r}]\nfrom authsvc.cli.main import main\nmain()"
    )


def test_the_client_needs_nothing_else():
    loaded = run("import authsvc.client, sys; print('flask' in sys.modules, authsvc.client.AuthsvcClient)")
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.startswith("False ")


def test_what_comes_with_it_is_small():
    files = [file for name in set(needed()) for file in distribution(name).files or ()]
    size = sum(path.stat().st_size for file in files if (path := Path(file.locate())).is_file())
    assert 1e6 < size < MOST_MEGABYTES * 1e6


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("serve",), "server"),
        (("serve", "--development", "--shop"), "server"),
        (("db", "upgrade"), "server"),
        (("policy", "diff", "a.toml", "b.toml"), "server"),
        (("models", "--help"), "server"),
        (("lab", "face", "--dir", "people"), "lab"),
    ],
    ids=" ".join,
)
def test_a_command_says_which_extra_it_needs(words: tuple[str, ...], extra: str):
    said = authsvc(*words)
    assert said.returncode == 1
    assert said.stderr.startswith("Error: this needs `")
    assert said.stderr.endswith(f"pip install 'authsvc[{extra}]'\n")


def test_a_program_is_told_in_json():
    said = authsvc("policy", "diff", "a.toml", "b.toml", "--json")
    assert "authsvc[server]" in json.loads(said.stderr)["error"]


def test_commands_are_listed_and_typing_errors_found():
    assert "authsvc[lab]" in authsvc("--help").stdout
    assert "`serv`" in authsvc("serv").stderr
