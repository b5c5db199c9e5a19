"""Counters and durations, over one process and over several."""

import subprocess
import sys
from pathlib import Path

from authsvc.errors import CaptureUnusable
from authsvc.once import Answer
from authsvc.web.metrics import Metrics, fresh_directory
from tests.web.support import CHALLENGE_ID, PAYER, Api, FakeServices, decision

OTP = f"/v1/challenges/{CHALLENGE_ID}/steps/otp"


def lines(api: Api) -> list[str]:
    answer = api.get("/metrics")
    assert answer.mimetype == "text/plain"
    return answer.text.splitlines()


def test_decisions_are_counted_by_status_and_level_but_replays_are_not(api: Api, fake: FakeServices):
    api.decide()
    fake.on("decide", Answer.of(decision(status="approved", level="none")))
    api.decide()
    fake.on("decide", Answer(Answer.of(decision()).body, replayed=True))
    api.decide()
    found = lines(api)
    assert 'authsvc_decisions_total{level="otp",status="challenge_required"} 1.0' in found
    assert 'authsvc_decisions_total{level="none",status="approved"} 1.0' in found


def test_steps_problems_and_durations_are_counted(api: Api, fake: FakeServices):
    fake.on("answer_step", {"state": "received"})
    api.put(OTP, json={"code": "123456"}, headers=PAYER)
    fake.on("answer_step", CaptureUnusable("too dark", hints=[]))
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
        metrics.served("GET", "/healthz", 0.002)
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
