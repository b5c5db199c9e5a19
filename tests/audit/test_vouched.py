"""What was signed is kept by its place, on disk: a log of any length is verified in the same memory."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from authsvc.audit.chain import Head, SignedHead
from authsvc.audit.export import write_export
from authsvc.audit.vouched import Vouched
from tests.audit.samples import START

MIB = 1024 * 1024
VERIFY = """
import resource, sys
from pathlib import Path
from authsvc.audit import chain
from authsvc.audit.export import verify_export
chain.is_signed = lambda *given: True  # What signatures cost is time.
verify_export(Path(sys.argv[1]), {})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
verify_export(Path(sys.argv[2]), {})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def test_the_first_hash_of_a_place_stays() -> None:
    with closing(Vouched()) as vouched:
        assert vouched.first("a", 1, "x") == "x"
        assert vouched.first("a", 1, "y") == "x"
        assert vouched.first("a\0", 1, "y") == "y"
        assert vouched.first("\ud800", 1 << 80, "z") == "z"
        assert (vouched.find("a", 1), vouched.find("a", 2)) == ("x", None)
        vouched.forget("a", 1)
        assert vouched.find("a", 1) is None


def test_a_long_log_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Signed heads were all in memory, 400 bytes each."""
    places: dict[str, int] = {"short": 1, "long": 60_000}
    for name, count in places.items():
        heads = (
            SignedHead(Head("a", seq, f"{seq:064x}"), START, "nobody", bytes(64))
            for seq in range(1, count + 1)
        )
        write_export(tmp_path / name, [], heads, [], {})
    command = [sys.executable, "-c", VERIFY, *(str(tmp_path / name) for name in places)]
    grown = int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert grown < 8 * MIB
