"""The demo as people run it: a process of its own, which starts a service, and ends it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from authsvc.bootstrap.launch import DEVELOPMENT_CLIENT
from authsvc.cli.demo.commands import CLIENT

PROGRAM = Path(sys.executable).with_name("authsvc")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty folder whose path leaves room for the name of a Unix socket (108 bytes); pytest's own does not."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield Path(folder)


@pytest.mark.timeout(180)
def test_every_step_of_the_demo_holds_and_nothing_of_it_stays(model_dir: Path, short_path: Path):
    started = subprocess.Popen(
        # As in a bare clone, where nobody has a photograph.
        [PROGRAM, "demo", "--json", "--model-dir", str(model_dir), "--test-data", str(short_path / "none")],
        env={
            **os.environ,
            "TMPDIR": str(short_path),
            "AUTHSVC_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = started.communicate(timeout=170)
    assert started.returncode == 0, out + err
    told = json.loads(out)
    assert told["held"] is True
    assert [step["number"] for step in told["steps"]] == list(range(1, len(told["steps"]) + 1))
    assert {step["level"] for step in told["steps"]} == {"-", "none", "otp", "face", "deny"}
    assert any("liveness: UNSAFE_NO_PAD" in line for line in told["preface"])
    assert any("faces: drawn by this program" in line for line in told["preface"])
    attacks = [step for step in told["steps"] if step["reason"].startswith("stopped: ")]
    assert len(attacks) == 12
    assert list(short_path.iterdir()) == []
    assert not [process for process in psutil.process_iter(["cmdline"]) if _is_from(process, short_path)]


def _is_from(process: psutil.Process, folder: Path) -> bool:
    return any(str(folder) in word for word in process.info["cmdline"] or ())


def test_the_demo_is_the_backend_that_a_development_service_knows():
    assert CLIENT == DEVELOPMENT_CLIENT


def test_the_demo_loads_nothing_of_the_service_it_talks_to():
    probe = "import sys, authsvc.cli.demo.commands; print(*sorted(name for name in sys.modules if name in {rooms}))"
    rooms = {
        "authsvc.services.services",
        "authsvc.stepup.flow",
        "authsvc.bootstrap.wiring",
        "authsvc.bootstrap.launch",
        "authsvc.web",
        "authsvc.face",
    }
    done = subprocess.run(
        [sys.executable, "-c", probe.replace("{rooms}", repr(rooms))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""


def test_a_demo_without_models_says_what_is_missing(tmp_path: Path):
    done = subprocess.run(
        [PROGRAM, "demo", "--model-dir", str(tmp_path), "--faces", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "folder a person" in done.stderr
    assert "Traceback" not in done.stderr
