"""Two hundred hostile files, one after the other in one process: no crash, only refusals, little memory, little time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SPOILED_OR_ODD = ("jpeg spoiled", "png spoiled", "jpeg with", "png with")
HARMLESS = {
    "progressive of 24 megapixels",
    "jpeg in mode YCbCr",
    "jpeg in mode L",
    "a segment of 2",
    "many restart markers",
    # What phones and their programs write, and what is no more than large.
    "WEBP",
    "animated MPO",
    "jpeg that says 5000",
    "png bomb within limits, 0",
    "png in mode 1",
    "png in mode I;16",
    "png in mode LA",
    "png in mode P",
    "png of 16 bits",
    "png of colour 4",
    "transparent",
    "jpeg then zeros and a byte",
    "png then zeros and a byte",
}
LARGEST_MEMORY = 512 * 1024 * 1024
PROGRAM = """
import json, time
from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.face.image import decode
from tests.face.hostile import hostile_files

outcomes, slowest = {}, (0.0, "")
for name, data in hostile_files():
    started = time.process_time()
    try:
        outcomes[name] = f"decoded {max(decode(data).shape)}"
    except (InvalidRequest, PayloadTooLarge, UnsupportedMedia) as refusal:
        outcomes[name] = refusal.slug
    slowest = max(slowest, (time.process_time() - started, name))
# Not getrusage: what that reports as the largest size is inherited from the process that started this one.
with open("/proc/self/status") as status:
    memory = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
print(json.dumps({"outcomes": outcomes, "memory": memory, "slowest": slowest}))
"""


@pytest.fixture(scope="module")
def report() -> dict[str, object]:
    if not Path("/proc/self/status").exists():
        pytest.skip("the largest size of a process is read from /proc, which is not here")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    found: dict[str, object] = json.loads(ended.stdout)
    return found


@pytest.mark.long
def test_every_hostile_file_is_refused_or_harmless(report: dict[str, object]) -> None:
    outcomes = report["outcomes"]
    assert isinstance(outcomes, dict)
    assert len(outcomes) >= 200
    decoded = {name for name, outcome in outcomes.items() if outcome.startswith("decoded")}
    assert {name for name in decoded if not name.startswith(SPOILED_OR_ODD)} == HARMLESS


def test_memory_stays_below_half_a_gigabyte(report: dict[str, object]) -> None:
    memory = report["memory"]
    assert isinstance(memory, int)
    assert memory < LARGEST_MEMORY


def test_no_file_takes_long(report: dict[str, object]) -> None:
    slowest = report["slowest"]
    assert isinstance(slowest, list)
    assert slowest[0] < 3.0, slowest
