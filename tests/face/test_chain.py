"""The chain: one gesture at a time, each nonce made of the last, and a deadline on the server's clock."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.clock import to_millis
from authsvc.errors import InvalidRequest
from authsvc.face.chain import CHAIN_LIFE, COARSENESS, LONGEST_DELAY, MOST_FRAMES, PART_TIME, Chain
from authsvc.face.drawing import drawn, gesture_sequences
from authsvc.factor import Submission

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SEED = b"a seed of thirty-two bytes, or so"
PHONE = 7_000
"""What the phone's own clock shows when the first gesture comes."""

FRAMES = (b"one", b"two")


@pytest.fixture
def chain() -> Chain:
    return replace(Chain.begin(SEED, 4, NOW), pause_ms=400)


def part(
    chain: Chain,
    person: timedelta = timedelta(seconds=2),
    shown_at: int = PHONE,
    frames: Sequence[bytes] = FRAMES,
    nonce: str | None = None,
) -> Submission:
    """What a person sends who took so long, by the phone's clock."""
    sent = shown_at + person // timedelta(milliseconds=1)
    meta = {"taken_at_ms": [0] * len(frames), "prompted_at_ms": shown_at, "sent_at_ms": sent}
    return Submission({"nonce": nonce or chain.nonce, "meta": meta}, {"frame": tuple(frames)})


def test_only_the_first_gesture_is_shown(chain: Chain) -> None:
    shown = chain.view()
    assert shown["gestures"] == [drawn(SEED, 4)[0].value]
    assert (shown["part"], shown["parts"]) == (1, 4)
    assert not chain.is_revealed
    assert Chain.begin(SEED, 4, NOW + timedelta(minutes=1)).gestures == chain.gestures


def test_each_part_shows_the_next_gesture_under_a_nonce_of_its_own(chain: Chain) -> None:
    nonces, gestures, now = {chain.nonce}, [], NOW
    while not chain.is_over:
        gestures.append(chain.view()["gestures"][0])  # type: ignore[index]  # JSON.
        submission = part(chain, shown_at=PHONE + 5_000 * len(gestures))
        now += timedelta(seconds=2)
        frames, context = chain.admit(submission, now)
        assert (context.part, [one.value for one in context.gestures]) == (len(gestures) - 1, gestures[-1:])
        assert context.prompted_at_ms == PHONE + 5_000 * len(gestures) + chain.pause_ms
        chain = Chain.from_json(chain.followed({"a": 1}, frames, submission, now, now).to_json())
        nonces.add(chain.nonce)
    assert tuple(gestures) == drawn(SEED, 4)
    assert len(nonces) == 5
    assert chain.prompt_to_part_ms == (2000,) * 4


@pytest.mark.parametrize(
    ("person", "network", "in_time"),
    [
        (timedelta(seconds=2), timedelta(milliseconds=400), True),
        (timedelta(milliseconds=3300), timedelta(milliseconds=800), True),
        (timedelta(milliseconds=3300), LONGEST_DELAY, True),
        (timedelta(milliseconds=3500), timedelta(), False),
        (timedelta(milliseconds=3300), LONGEST_DELAY + timedelta(milliseconds=200), False),
        (timedelta(seconds=1), timedelta(seconds=31), False),
        (timedelta(seconds=-20), timedelta(seconds=25), False),
        (timedelta(seconds=60), timedelta(seconds=-30), False),
    ],
    ids=["a phone far away", "slow at both", "just", "a slow person", "a slow network", "prepared", "a lie", "another"],
)  # fmt: skip
def test_a_part_has_three_seconds_after_the_pause_and_a_network_that_is_not_believed_beyond_its_cap(
    chain: Chain, person: timedelta, network: timedelta, in_time: bool
) -> None:
    arrives = NOW + person + network
    if in_time:
        assert chain.admit(part(chain, person), arrives)[0] == FRAMES
        return
    with pytest.raises(InvalidRequest, match=r"too late"):
        chain.admit(part(chain, person), arrives)


def test_no_lie_of_the_phone_buys_more_than_the_cap(chain: Chain) -> None:
    latest = NOW + timedelta(milliseconds=chain.pause_ms) + PART_TIME + LONGEST_DELAY
    for told in (-100_000, -4_000, 0, 1_000, 100_000):
        with pytest.raises(InvalidRequest):
            chain.admit(part(chain, timedelta(milliseconds=told)), latest + timedelta(milliseconds=1))


def test_a_part_cannot_come_before_it_can_have_been_made(chain: Chain) -> None:
    """A recording that is sent at once does not pass for one that waited: the pause goes by on the server's clock."""
    two_seconds = part(chain)
    for network in (timedelta(0), timedelta(milliseconds=400)):
        assert chain.admit(two_seconds, NOW + timedelta(seconds=2) + network)
    for early in (timedelta(0), timedelta(milliseconds=300), timedelta(seconds=2) - 2 * COARSENESS):
        with pytest.raises(InvalidRequest, match="before it can have been made"):
            chain.admit(two_seconds, NOW + early)


def test_no_frame_was_taken_after_the_part_was_sent(chain: Chain) -> None:
    submission = part(chain)
    meta = {**submission.fields["meta"], "taken_at_ms": [0, PHONE + 2_001]}  # type: ignore[dict-item]  # JSON.
    with pytest.raises(InvalidRequest, match="taken_at_ms"):
        chain.admit(
            replace(submission, fields={**submission.fields, "meta": meta}), NOW + timedelta(seconds=2)
        )


@pytest.mark.parametrize("down", [0, 200, 400])
@pytest.mark.parametrize("up", [0, 200, 400])
def test_a_gesture_begun_before_the_pause_is_over_by_the_servers_clock_is_early_whatever_the_phone_says(
    chain: Chain, down: int, up: int
) -> None:
    """Over a network with up to 400 ms each way whoever follows has their time, and no statement makes up for waiting.

    `begun` is how long after the prompt left the server the gesture really begins; the part is sent 1.5 seconds later. Whatever a
    phone states, the gesture begins for the judge no later than the server's clock allows, the way of the frames included.
    """
    pause = timedelta(milliseconds=chain.pause_ms)
    network = timedelta(milliseconds=down + up)
    honest_frames, context = chain.admit(
        part(chain, pause + timedelta(seconds=2)), NOW + pause + network + timedelta(seconds=2)
    )
    assert honest_frames == FRAMES
    assert context.prompted_at_ms == PHONE + chain.pause_ms
    begun, made = timedelta(milliseconds=150), timedelta(milliseconds=1_500)
    arrives = NOW + begun + made + timedelta(milliseconds=up)
    for stated in range(0, 5_000, 50):
        sent = PHONE + stated
        onset = sent - made // timedelta(milliseconds=1)
        meta = {"taken_at_ms": [onset, sent], "prompted_at_ms": PHONE, "sent_at_ms": sent}
        try:
            _, context = chain.admit(
                Submission({"nonce": chain.nonce, "meta": meta}, {"frame": FRAMES}), arrives
            )
        except InvalidRequest:
            continue
        assert onset - context.prompted_at_ms <= (150 + up - chain.pause_ms) + COARSENESS // timedelta(
            milliseconds=1
        )


@pytest.mark.parametrize("nonce", ["", "x", "é"])
def test_a_foreign_nonce_is_refused(chain: Chain, nonce: str) -> None:
    submission = Submission({**part(chain).fields, "nonce": nonce}, part(chain).files)
    with pytest.raises(InvalidRequest, match="nonce"):
        chain.admit(submission, NOW)


def test_a_part_sent_twice_or_out_of_order_finds_no_nonce(chain: Chain) -> None:
    first = part(chain)
    frames, _ = chain.admit(first, NOW + timedelta(seconds=2))
    second = chain.followed({}, frames, first, NOW, NOW)
    with pytest.raises(InvalidRequest, match="nonce"):
        second.admit(first, NOW)
    with pytest.raises(InvalidRequest, match="nonce"):
        chain.admit(part(second), NOW)
    # Nor can it be guessed by whoever sends the same frames under the same nonce.
    assert chain.followed({}, frames, first, NOW, NOW).nonce != second.nonce


def test_a_capture_ends_after_two_minutes(chain: Chain) -> None:
    late = replace(chain, prompted_at=to_millis(NOW + CHAIN_LIFE))
    with pytest.raises(InvalidRequest, match="too long"):
        late.admit(part(late), NOW + CHAIN_LIFE)


@pytest.mark.parametrize("count", [0, MOST_FRAMES + 1])
def test_a_part_has_a_bounded_number_of_frames(chain: Chain, count: int) -> None:
    with pytest.raises(InvalidRequest, match="1 to 30"):
        chain.admit(part(chain, frames=[b"x"] * count), NOW + timedelta(seconds=1))


@pytest.mark.parametrize("meta", [{}, {"prompted_at_ms": 1}, {"prompted_at_ms": 1, "sent_at_ms": True}, None])
def test_a_part_says_when_it_was_made(chain: Chain, meta: object) -> None:
    with pytest.raises(InvalidRequest, match="_at_ms"):
        chain.admit(Submission({"nonce": chain.nonce, "meta": meta}, {"frame": FRAMES}), NOW)


def test_a_prompt_cannot_have_been_shown_before_the_part_that_led_to_it(chain: Chain) -> None:
    first = part(chain)
    second = chain.followed({}, FRAMES, first, NOW, NOW)
    with pytest.raises(InvalidRequest, match="prompted_at_ms"):
        second.admit(part(second, shown_at=PHONE), NOW + timedelta(seconds=2))


def test_a_gesture_is_swapped_once_for_another_and_the_capture_starts_anew_with_one_more(
    chain: Chain,
) -> None:
    first = part(chain)
    second = chain.followed({}, FRAMES, first, NOW, NOW)
    made = second.swap(NOW)
    assert (made.parts, made.is_revealed, len(made.gestures)) == ((), True, 5)
    assert made.gestures in gesture_sequences(5)
    assert made.gestures[0] is chain.gestures[0]
    assert made.gestures[1] is not chain.gestures[1]
    assert made.nonce not in (chain.nonce, second.nonce)
    with pytest.raises(InvalidRequest, match="swapped"):
        made.swap(NOW)
