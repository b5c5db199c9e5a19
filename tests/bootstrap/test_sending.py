"""The process that sends webhooks, as the supervisor runs it: it works until it is told to stop, and then stops soon."""

import multiprocessing
import threading
import time
from pathlib import Path

from authsvc.bootstrap.opening import open_store
from authsvc.bootstrap.sending import LAST_WORDS, send_webhooks
from authsvc.services.outbox import StoredBeats
from tests.support.receiver import Received, Receiver, Told
from tests.support.service import Bench, embedded
from tests.support.slowness import slowness


def test_a_receiver_that_hangs_does_not_hold_up_the_end(tmp_path: Path):
    settings = embedded(tmp_path / "data", webhook_networks="127.0.0.0/8")
    bench = Bench(settings)
    release = threading.Event()

    def hang(received: Received) -> Told:
        release.wait(200)
        return Told()

    with Receiver(hang) as receiver:
        made = bench.services.webhooks.create(bench.key, bench.once(), receiver.url, ())
        assert made.problem is None
        process = multiprocessing.get_context("spawn").Process(target=send_webhooks, args=(settings,))
        process.start()
        bench.enroll(face=None, device=False)
        receiver.wait_for(1)
        began = time.monotonic()
        process.terminate()
        process.join(100)
        took = time.monotonic() - began
        release.set()
    assert process.exitcode == 0
    # Far from the time for which the receiver would have kept it.
    assert took < (LAST_WORDS + 10) * slowness()
    store = open_store(settings, bench.clock)
    try:
        beat = StoredBeats(store.ledger).read()
    finally:
        store.close()
        bench.close()
    assert beat is not None
    assert beat.holder == ""
