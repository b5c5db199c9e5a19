"""The factor `voice` in the one flow: digits once, a second phrase where the first is in between, nothing else passes."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Modality, StoredTemplate, Template
from authsvc.ephemeral import Key
from authsvc.errors import InvalidRequest
from authsvc.factor import Factor, Received, Step, Submission, Unusable, Verification
from authsvc.payment import Binding, Payment
from authsvc.subject import Subject
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
from authsvc.voice.held import HeldPhrases
from authsvc.voice.verifier import VoiceVerifier, begin_enrollment_phrase, phrase

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOON = NOW + timedelta(seconds=20)
PAYER = Subject("shop", "u_42")


def seed_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


class Store:
    """Templates and captures of one person, and a short-lived store, in memory."""

    def __init__(self, model: str) -> None:
        self.template: StoredTemplate | None = StoredTemplate(
            "tpl_1", Template(Modality.VOICE, model, bytes(68), 3)
        )
        self.remembered: list[str] = []
        self.short_lived: dict[Key, bytes] = {}

    @property
    def templates(self) -> "Store":
        return self

    @property
    def accounts(self) -> "Accounts":
        return Accounts()

    def find(self, subject: Subject, modality: Modality) -> StoredTemplate | None:
        return self.template

    def stands(self, subject: Subject, modality: Modality, template_id: str) -> bool:
        return self.template is not None and self.template.id == template_id

    def fingerprints(self, subject: Subject, modality: Modality) -> tuple[str, ...]:
        return tuple(self.remembered)

    def remember_capture(
        self, subject: Subject, key: bytes, modality: Modality, fingerprints: Sequence[str], now: datetime
    ) -> None:
        assert key == b"subject key"
        self.remembered += fingerprints

    def put(self, key: Key, value: bytes, ttl: timedelta) -> None:
        self.short_lived[key] = value

    def get(self, key: Key) -> bytes | None:
        return self.short_lived.get(key)

    def delete(self, key: Key) -> None:
        self.short_lived.pop(key, None)

    def increment(self, key: Key, ttl: timedelta) -> int:
        self.short_lived[key] = self.short_lived.get(key, b"") + b"1"
        return len(self.short_lived[key])


class Accounts:
    def find(self, subject: Subject) -> "Accounts":
        return self

    def key(self) -> bytes:
        return b"subject key"


class Box:
    def seal(self, name: str, plaintext: bytes) -> bytes:
        return name.encode() + plaintext[::-1]

    def open(self, name: str, sealed: bytes) -> bytes:
        assert sealed.startswith(name.encode())
        return sealed[len(name.encode()) :][::-1]


class Room:
    """A voice room that answers scores in order, and remembers what it was asked."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.scores: list[float] = []
        self.verdict = Liveness.BONA_FIDE
        self.asked: list[CaptureContext] = []
        self.unusable: Unusable | None = None
        self.quality: dict[str, float] = {}
        self.in_another_language = False

    def listen(self, recording: bytes, context: CaptureContext) -> EnrollmentPhrase | Unusable:
        raise AssertionError("a verifier never enrolls")

    def enroll(self, shares: Sequence[bytes]) -> Template | Unusable:
        raise AssertionError("a verifier never enrolls")

    def verify(self, recording: bytes, reference: Template, context: CaptureContext) -> Heard | Unusable:
        self.asked.append(context)
        if self.unusable is not None:
            return self.unusable
        if self.in_another_language and context.corrects:
            return Unusable(("read_as_shown",))
        liveness = LivenessResult(self.verdict, ("prompt", "copy"), {"prompt": -0.3})
        frames = 1 if context.held is None else 2
        fingerprint = f"v1.{recording.decode()}"
        return Heard(
            Comparison(
                self.scores.pop(0), self.model, frames, liveness, self.quality, fingerprints=(fingerprint,)
            ),
            b"probe",
        )


class Bench:
    """A verifier with everything around it; `answer` begins and answers in one go."""

    def __init__(self, manifest: Manifest) -> None:
        self.store, self.room = Store(manifest.digest), Room(manifest.digest)
        held = HeldPhrases(self.store, Box())  # type: ignore[arg-type] # the three methods that are used
        self.verifier = VoiceVerifier(
            self.room, self.read, {manifest.digest: manifest}, held, lambda: True, seed_of
        )

    def read(self, query: Callable[[Any], Any]) -> Any:
        return query(self.store)

    def answer(self, score: float, step: Step, recording: bytes = b"one") -> Received | Unusable:
        self.room.scores = [score]
        kept = self.verifier.begin(step, NOW).kept
        submission = Submission({"nonce": kept["nonce"]}, {"audio": (recording,)})
        return self.verifier.receive(step, kept, submission, SOON)

    def settle(self, received: Received | Unusable, step: Step) -> Verification:
        assert isinstance(received, Received)
        return self.verifier.settle(self.store, step, received.kept, SOON)


@pytest.fixture
def bench(hum_manifest: Manifest) -> Bench:
    return Bench(hum_manifest)


@pytest.fixture
def step() -> Step:
    return a_step()


def a_step(**changes: Any) -> Step:
    payment: Any = Payment
    fields: dict[str, Any] = {
        "decision_id": "dec_1",
        "challenge_id": "chl_1",
        "subject": PAYER,
        "payment": payment,
        "binding": Binding,
        "locale": "zh-CN",
        "target_fmr": "1 in 200",
    }
    return Step(**(fields | changes))


@contextmanager
def refused(words: str) -> Iterator[None]:
    with pytest.raises(InvalidRequest, match=words):
        yield


def test_the_payer_is_shown_fresh_digits_in_their_language(bench: Bench, step: Step):
    one, other = bench.verifier.begin(step, NOW), bench.verifier.begin(step, NOW)
    assert one.sent["digits"] != other.sent["digits"] or one.sent["nonce"] != other.sent["nonce"]
    assert one.sent["language"] == "zh-CN"
    assert one.sent["expires_at"] == "2026-11-22T12:01:00.000Z"
    assert one.kept["digits"] == one.sent["digits"]


def test_a_good_phrase_passes_and_is_remembered(bench: Bench, step: Step):
    verification = bench.settle(bench.answer(0.95, step), step)
    assert (verification.passed, verification.reason) == (True, "match")
    assert verification.evidence["threshold"] == 0.9
    assert verification.evidence["log_likelihood_ratio"] == 3.0
    assert bench.store.remembered == ["v1.one"]


def test_a_poor_phrase_is_received_and_fails_where_the_payment_is_decided(bench: Bench, step: Step):
    verification = bench.settle(bench.answer(0.55, step), step)
    assert (verification.passed, verification.reason) == (False, "no match")
    assert bench.store.remembered == []


def test_a_phrase_in_between_asks_for_another_and_both_are_averaged(bench: Bench, step: Step):
    assert bench.answer(0.8, step) == Unusable(("say_another",))
    second = bench.answer(0.91, step, b"two")
    assert bench.room.asked[-1].held == b"probe"
    assert "v1.one" in bench.room.asked[-1].earlier
    assert bench.settle(second, step).passed
    assert sorted(bench.store.remembered) == ["v1.one", "v1.two"]
    assert bench.store.short_lived == {}


def test_who_spoke_through_a_telephone_is_told_so_before_the_second_phrase(bench: Bench, step: Step):
    bench.room.quality = {"upper_band": -60.0, "lower_band": -40.0}
    assert bench.answer(0.8, step) == Unusable(("say_another", "narrowband"))


def test_a_second_phrase_in_between_is_judged_and_no_third_is_asked(bench: Bench, step: Step):
    bench.answer(0.8, step)
    assert not bench.settle(bench.answer(0.85, step, b"two"), step).passed


def test_beginning_again_shows_the_same_digits_and_another_attempt_others(bench: Bench, step: Step):
    shown = {bench.verifier.begin(step, NOW).sent["digits"] for _ in range(30)}
    assert len(shown) == 1
    attempts = {bench.verifier.begin(replace(step, attempt=n), NOW).sent["digits"] for n in range(3)}
    others = {
        bench.verifier.begin(replace(step, challenge_id=f"chl_{n}"), NOW).sent["digits"] for n in range(3)
    }
    assert len(attempts | others | shown) == 5


def test_the_second_phrase_has_digits_of_its_own(bench: Bench, step: Step):
    first = bench.verifier.begin(step, NOW).sent["digits"]
    bench.answer(0.8, step)
    second = {bench.verifier.begin(step, NOW).sent["digits"] for _ in range(5)}
    assert len(second) == 1
    assert first not in second


def test_the_second_phrase_answers_new_digits(bench: Bench, step: Step):
    bench.room.scores = [0.8, 0.95]
    kept = bench.verifier.begin(step, NOW).kept
    submission = Submission({"nonce": kept["nonce"]}, {"audio": (b"one",)})
    assert bench.verifier.receive(step, kept, submission, SOON) == Unusable(("say_another",))
    with refused("begin again"):
        bench.verifier.receive(step, kept, submission, SOON)


def test_a_phrase_held_for_an_older_template_is_dropped(bench: Bench, step: Step):
    bench.answer(0.8, step)
    assert bench.store.template is not None
    bench.store.template = StoredTemplate("tpl_2", bench.store.template.template)
    bench.answer(0.95, step, b"two")
    assert bench.room.asked[-1].held is None


@pytest.mark.parametrize("verdict", [Liveness.ATTACK, Liveness.UNDECIDED])
def test_nothing_but_bona_fide_passes_and_no_second_phrase_is_wasted_on_it(
    bench: Bench, step: Step, verdict: Liveness
):
    bench.room.verdict = verdict
    for score in (0.8, 0.99):
        verification = bench.settle(bench.answer(score, step), step)
        assert (verification.passed, verification.reason) == (False, f"liveness {verdict}")
        assert verification.alarm == ("presentation" if verdict is Liveness.ATTACK else None)


def test_a_recording_that_another_decision_accepted_meanwhile_is_used_up(bench: Bench, step: Step):
    received = bench.answer(0.95, step)
    assert bench.settle(received, step).passed
    assert bench.settle(received, step).reason == "used before"


def test_an_enrollment_in_between_voids_the_comparison(bench: Bench, step: Step):
    received = bench.answer(0.95, step)
    assert bench.store.template is not None
    bench.store.template = StoredTemplate("tpl_2", bench.store.template.template)
    assert bench.settle(received, step).reason == "no such template"


def test_without_a_template_the_answer_looks_like_any_other(bench: Bench, step: Step):
    bench.store.template = None
    received = bench.answer(0.95, step)
    assert bench.settle(received, step) == Verification(Factor.VOICE, False, "no such template")


def test_what_cannot_be_judged_is_handed_on(bench: Bench, step: Step):
    bench.room.unusable = Unusable(("too_noisy",))
    assert bench.answer(0.95, step) == Unusable(("too_noisy",))


def test_three_hints_for_another_language_are_free_and_the_fourth_is_judged(bench: Bench, step: Step):
    bench.room.in_another_language = True
    for _ in range(3):
        assert bench.answer(0.95, step) == Unusable(("read_as_shown",))
    assert isinstance(bench.answer(0.95, step), Received)
    assert [context.corrects for context in bench.room.asked] == [True] * 4 + [False]


def test_a_policy_without_a_rate_settles_nothing(bench: Bench):
    step = a_step(target_fmr=None)
    received = bench.answer(0.95, step)
    with refused("states no target FMR"):
        bench.settle(received, step)


@pytest.mark.parametrize(
    ("nonce", "late", "files", "words"),
    [
        ("another", False, 1, "not the one"),
        (None, False, 1, "not the one"),
        ("same", True, 1, "too long"),
        ("same", False, 0, "one file named `audio`"),
        ("same", False, 2, "one file named `audio`"),
    ],
)
def test_a_submission_that_does_not_fit_its_ceremony_is_refused(
    bench: Bench, step: Step, nonce: str | None, late: bool, files: int, words: str
):
    kept = bench.verifier.begin(step, NOW).kept
    fields = {"nonce": kept["nonce"] if nonce == "same" else nonce}
    submission = Submission(fields, {"audio": (b"one",) * files})
    with refused(words):
        bench.verifier.receive(step, kept, submission, NOW + timedelta(seconds=60 if late else 59))


def test_a_phrase_of_an_enrollment_reads_a_longer_row_of_digits():
    begun = begin_enrollment_phrase("en", NOW, seed_of("enr_1:0"))
    submission = Submission({"nonce": begun.sent["nonce"]}, {"audio": (b"one",)})
    given, context = phrase(begun.kept, submission, SOON)
    assert given == b"one"
    assert context.digits == begun.sent["digits"]
    assert (len(context.digits), context.language) == (8, "en")


@pytest.mark.parametrize(("knows_model", "is_at_work"), [(True, True), (True, False), (False, True)])
def test_voice_is_offered_where_a_model_is_known_and_loaded(
    bench: Bench, hum_manifest: Manifest, knows_model: bool, is_at_work: bool
):
    manifests = {hum_manifest.digest: hum_manifest} if knows_model else {}
    held = HeldPhrases(bench.store, Box())  # type: ignore[arg-type] # as above
    verifier = VoiceVerifier(bench.room, bench.read, manifests, held, lambda: is_at_work, seed_of)
    assert verifier.is_offered() == (knows_model and is_at_work)
