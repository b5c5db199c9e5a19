"""One caller finds out whether a store answers again, and nobody else waits for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from authsvc.errors import Unavailable
from authsvc.storage.doubt import Doubt


@pytest.fixture
def doubt() -> Doubt:
    return Doubt("the store does not answer")


def test_without_a_doubt_everybody_may_ask(doubt: Doubt):
    with doubt.asking(), doubt.asking():
        pass


def test_in_doubt_one_asks_and_the_others_are_refused_at_once(doubt: Doubt):
    doubt.raise_()
    asked, refused = threading.Event(), threading.Event()

    def ask_slowly() -> None:
        with doubt.asking():
            asked.set()
            assert refused.wait(60)

    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(ask_slowly)
        assert asked.wait(60)
        with pytest.raises(Unavailable, match="the store does not answer"), doubt.asking():
            pass
        refused.set()
        asking.result()


def test_whoever_asked_in_vain_leaves_the_next_one_to_ask(doubt: Doubt):
    doubt.raise_()
    for _ in range(2):
        with pytest.raises(TimeoutError), doubt.asking():
            raise TimeoutError


def test_an_answer_settles_it(doubt: Doubt):
    doubt.raise_()
    with doubt.asking():
        doubt.settle()
    with doubt.asking(), doubt.asking():
        pass
