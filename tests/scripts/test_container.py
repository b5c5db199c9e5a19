"""`scripts/container` takes minutes and root; where its tools are missing it says so, and proves nothing."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/container"


def test_without_its_tools_it_says_so_and_is_no_success(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.splitlines()[0].partition(":")[0]) == (2, "not run")
    assert "buildah" in done.stdout
    assert "apt-get install" in done.stdout
