"""Counters and durations, over one process and over several."""

import subprocess
import sys
from pathlib import Path

import pytest

from authsvc.biometric.drift import DriftVerdict, ScoreHistogram
from authsvc.domain.once import Answer
from authsvc.errors import CaptureUnusable
from authsvc.web.metrics import Metrics
from authsvc.web.metrics_files import ROOM, CountingPlace, fresh_directory
from tests.web.support import CHALLENGE_ID, PAYER, Api, FakeServices, decision

OTP = f"/v1/challenges/{CHALLENGE_ID}/steps/otp"


def lines(api: Api) -> list[str]:
    answer = api.get("/metrics")
    assert answer.mimetype == "text/plain"
    return answer.text.splitlines()


def test_decisions_are_counted_by_status_and_level_but_replays_are_not(api: Api, fake: FakeServices):
    api.decide()
    fake.on("decisions.decide", Answer.of(decision(status="approved", level="none")))
    api.decide()
    fake.on("decisions.decide", Answer(Answer.of(decision()).body, replayed=True))
    api.decide()
    found = lines(api)
    assert 'authsvc_decisions_total{level="otp",status="challenge_required"} 1.0' in found
    assert 'authsvc_decisions_total{level="none",status="approved"} 1.0' in found


def test_steps_problems_and_durations_are_counted(api: Api, fake: FakeServices):
    fake.on("challenges.take_step", {"state": "received"})
    api.put(OTP, json={"code": "123456"}, headers=PAYER)
    fake.on("challenges.take_step", CaptureUnusable("too dark", hints=[]))
    api.client.put(OTP, json={"code": "123456"}, headers=PAYER)
    found = lines(api)
    assert 'authsvc_factor_steps_total{factor="otp",result="received"} 1.0' in found
    assert 'authsvc_factor_steps_total{factor="otp",result="unusable"} 1.0' in found
    assert 'authsvc_problems_total{slug="capture-unusable"} 1.0' in found
    route = "/v1/challenges/<challenge_id>/steps/otp"
    assert f'authsvc_request_seconds_count{{method="PUT",route="{route}"}} 2.0' in found


def test_what_only_the_flow_knows_can_be_counted():
    metrics = Metrics()
    metrics.judged("face", "passed")
    metrics.happened("subject:locked")
    metrics.completed("failed")
    text = metrics.text()[0].decode()
    assert 'authsvc_factor_judgements_total{factor="face",outcome="passed"} 1.0' in text
    assert 'authsvc_events_total{tag="subject:locked"} 1.0' in text
    assert 'authsvc_completions_total{result="failed"} 1.0' in text


def test_no_address_makes_a_label_of_its_own(api: Api):
    for number in range(5):
        api.get(f"/wp-admin/{number}")
    assert 'authsvc_request_seconds_count{method="GET",route="unknown"} 5.0' in lines(api)


COUNT_IN_TWO_PROCESSES = """
import os, sys
from pathlib import Path
from authsvc.web.metrics import Metrics

for _ in range(2):
    child = os.fork()
    if child == 0:
        metrics = Metrics(Path(sys.argv[1]))
        metrics.decided(b'{"status":"approved","level":"none"}')
        metrics.served("GET", "/healthz", 200, 0.002, 0.001)
        os._exit(0)
    os.waitpid(child, 0)
print(Metrics(Path(sys.argv[1])).text()[0].decode())
"""


def test_processes_count_together(tmp_path: Path):
    directory = tmp_path / "run" / "metrics"
    command = [sys.executable, "-c", COUNT_IN_TWO_PROCESSES, str(directory)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert 'authsvc_decisions_total{level="none",status="approved"} 2.0' in found
    assert 'authsvc_request_seconds_bucket{le="0.0025",method="GET",route="/healthz"} 2.0' in found


def test_a_fresh_directory_holds_nothing_of_the_last_run(tmp_path: Path):
    directory = tmp_path / "metrics"
    directory.mkdir()
    (directory / "counter_1.db").write_bytes(b"x")
    assert list(fresh_directory(directory).iterdir()) == []


MODEL = "sha256:a"
CALIBRATED = ScoreHistogram.of([0.95 + 0.0004 * number for number in range(100)] * 10)


def gauge(metrics: Metrics, name: str) -> str | None:
    start = f'authsvc_score_drift_{name}{{model="{MODEL}"}} '
    told = [line for line in metrics.text()[0].decode().splitlines() if line.startswith(start)]
    return told[0].removeprefix(start) if told else None


@pytest.mark.parametrize(("moved", "alarm"), [(0.0, "0"), (-0.05, "1")])
def test_scores_that_moved_away_from_their_calibration_raise_the_alarm(moved: float, alarm: str):
    metrics = Metrics(expected={MODEL: CALIBRATED})
    for number in range(600):
        metrics.scored(MODEL, 0.95 + 0.0004 * (number % 100) + moved)
    assert gauge(metrics, "alarm") == alarm
    assert gauge(metrics, "scores") == "600"
    assert float(gauge(metrics, "index") or "nan") >= 0
    assert metrics.drift()[MODEL].scores == 600


def test_too_few_scores_are_neither_an_alarm_nor_all_clear():
    metrics = Metrics(expected={MODEL: CALIBRATED})
    metrics.scored(MODEL, 0.5)
    assert (gauge(metrics, "alarm"), gauge(metrics, "index"), gauge(metrics, "scores")) == (None, None, "1")


def test_without_a_calibration_there_is_nothing_to_compare_with():
    metrics = Metrics()
    for _ in range(600):
        metrics.scored(MODEL, 0.97)
    assert metrics.drift()[MODEL].verdict is DriftVerdict.UNCALIBRATED
    assert gauge(metrics, "alarm") is None


def test_scores_of_several_processes_are_judged_together(tmp_path: Path):
    directory = fresh_directory(tmp_path / "metrics")
    program = (
        "import sys; from pathlib import Path; from authsvc.web.metrics import Metrics\n"
        "metrics = Metrics(Path(sys.argv[1]))\n"
        "for _ in range(300): metrics.scored('sha256:a', 0.9)\n"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program, str(directory)], check=True)
    look = "import sys; from pathlib import Path; from authsvc.web.metrics import Metrics\n"
    look += "print(Metrics(Path(sys.argv[1])).drift()['sha256:a'].scores)"
    done = subprocess.run(
        [sys.executable, "-c", look, str(directory)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "600"


NO_ROOM = """
import os, sys, resource, signal
from pathlib import Path
from authsvc.web.metrics import Metrics

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
metrics = Metrics(Path(sys.argv[1]))
metrics.decided(b'{"status":"approved","level":"none"}')
print(metrics.text()[0].decode())
"""


def test_where_no_room_can_be_taken_a_process_counts_for_itself(tmp_path: Path):
    command = [sys.executable, "-c", NO_ROOM, str(tmp_path / "metrics")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert 'authsvc_decisions_total{level="none",status="approved"} 1.0' in done.stdout
    assert "this process counts for itself alone" in done.stderr


def test_a_place_is_taken_over_and_its_room_was_taken_before(tmp_path: Path):
    directory = tmp_path / "metrics"
    command = [sys.executable, "-c", COUNT_IN_TWO_PROCESSES, str(directory)]
    subprocess.run(command, capture_output=True, check=True, timeout=60)
    files = sorted(directory.glob("*.db"))
    assert [file.name for file in files] == ["counter_1.db", "histogram_1.db"]
    assert all(file.stat().st_size == ROOM <= file.stat().st_blocks * 512 for file in files)


@pytest.mark.parametrize("in_the_way", ["a file", "somebody else's"])
def test_a_directory_that_is_not_ours_is_not_used(
    tmp_path: Path, in_the_way: str, monkeypatch: pytest.MonkeyPatch
):
    directory = tmp_path / "metrics"
    if in_the_way == "a file":
        directory.write_bytes(b"")
    else:
        directory.mkdir()
        monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert CountingPlace.claim(directory) is None


def test_the_room_that_is_left_is_shown(tmp_path: Path):
    text = Metrics(spaces={"data": tmp_path, "gone": tmp_path / "gone"}).text()[0].decode()
    assert 'authsvc_free_bytes{place="data"} ' in text
    assert "gone" not in text
