"""What rule books outside say about a policy, checked on the document alone: where it breaks them, and which clause.

A profile without findings is evidence, not a verdict: these texts ask for more than a document can show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import islice

from authsvc.biometric.words import USUAL_GESTURES, LivenessGate, Modality
from authsvc.factor import Category, Factor
from authsvc.policy.document import Judged
from authsvc.policy.findings import Finding, breach
from authsvc.policy.gestures import worth
from authsvc.policy.level import CHALLENGES, FactorSet, Level
from authsvc.policy.rts import exemptions_beyond_the_rts
from authsvc.policy.walk import Walk
from authsvc.subject import Novelty


class Profile(StrEnum):
    """`seed`: authsvc's own table. `psd2`: Regulation (EU) 2018/389. `nist`: SP 800-63B-4. `cn`: CAC and JR/T 0164."""

    SEED = "seed"
    PSD2 = "psd2"
    NIST = "nist"
    CN = "cn"


def check(profile: Profile, walk: Walk) -> Iterator[Finding]:
    """Where the walked document breaks a profile; each finding names the clause."""
    for each in _CHECKS[profile]:
        yield from each(walk)


def _outside_the_table(walk: Walk) -> Iterator[Finding]:
    for level in CHALLENGES:
        for factors in walk.policy.sets_for(level):
            if factors not in _TABLE[level]:
                text = f"{_shown(factors)} is no set of `{level}` in the table of levels and factors"
                yield breach("seed-table", text, "authsvc, levels and factors", *walk.example(level, factors))


def _unlimited_path(walk: Walk) -> Iterator[Finding]:
    for way in walk.policy.document.levels[Level.FACE_FINGERPRINT].ways:
        if way.amount_at_most is None and not any(factor.is_server_side_biometric for factor in way.factors):
            text = f"{_shown(way.set)} proves `face_fingerprint` without server-side biometrics and without a limit"
            example = walk.example(Level.FACE_FINGERPRINT, way.set)
            yield breach("seed-limit", text, "authsvc, levels and factors", *example)


def _from_afar(clause: str) -> Callable[[Walk], Iterator[Finding]]:
    """Nobody here sees whether a picture or a sound was put in the place of camera and microphone."""

    def check(walk: Walk) -> Iterator[Finding]:
        for level in CHALLENGES:
            for way in walk.policy.document.levels[level].ways:  # type: ignore[index]  # a challenge
                if way.is_open_from_afar:
                    text = f"{_shown(way.set)} alone proves `{level}` from a device that is new or unknown"
                    yield breach(
                        "biometric-from-afar", text, clause, *walk.example(level, way.set, Novelty.NEW)
                    )

    return check


def _unauthenticated(walk: Walk) -> Iterator[Finding]:
    for answer, coords in walk.answers.items():
        if answer.level is Level.NONE and answer.exemption is None:
            text = "a payment passes without strong authentication and without a named exemption"
            yield breach("psd2-none", text, "RTS Art. 4(1)", walk.witness(coords))
            return


def _one_category(walk: Walk) -> Iterator[Finding]:
    told: set[tuple[Level, FactorSet]] = set()
    for answer, coords in walk.answers.items():
        for factors in answer.sets if answer.level.asks else ():
            if (answer.level, factors) not in told and not _is_strong(factors, answer.proven):
                told.add((answer.level, factors))
                text = f"{_shown(factors)} proves `{answer.level}` with fewer than two categories including possession"
                yield breach("psd2-categories", text, "RTS Art. 4(1)", walk.witness(coords))


def _is_strong(factors: FactorSet, proven: tuple[Category, ...]) -> bool:
    categories = {factor.category for factor in factors}
    return Category.POSSESSION in categories and len(categories.union(proven)) >= 2


def _voice(walk: Walk) -> Iterator[Finding]:
    for level, factors in _sets(walk):
        if Factor.VOICE in factors:
            text = f"{_shown(factors)} of `{level}` compares voices"
            yield breach("nist-voice", text, _NIST, *walk.example(level, factors))


def _face_without_key(walk: Walk) -> Iterator[Finding]:
    for level, factors in _sets(walk):
        if Factor.FACE in factors and _KEYS.isdisjoint(factors):
            text = f"{_shown(factors)} of `{level}` uses a face without a key that the device holds"
            yield breach("nist-biometric-alone", text, _NIST, *walk.example(level, factors))


def _gestures_alone(walk: Walk) -> Iterator[Finding]:
    """What gestures stop was measured on one person and on drawn heads: too little to be alone."""
    for level, factors in _sets(walk):
        gates = walk.policy.liveness(level)
        if Factor.FACE in factors and LivenessGate.PASSIVE not in (gates or ()):
            asked = (
                "gestures alone" if gates else "whatever liveness is installed, which may be gestures alone"
            )
            text = f"a face of `{level}` is asked {asked}: replays may pass more often than 7 %"
            yield breach("nist-liveness", text, _NIST, *walk.example(level, factors))


def _few_gestures(walk: Walk) -> Iterator[Finding]:
    """Few gestures are for payments that something else proves as well."""
    for level, factors in _sets(walk):
        count, gates = walk.policy.gestures(level), walk.policy.liveness(level)
        if set(factors) <= _CAPTURED and LivenessGate.PASSIVE not in (gates or ()) and count < USUAL_GESTURES:
            text = (
                f"{_shown(factors)} of `{level}` is asked {count} gestures and nothing else: {worth(count)}"
            )
            yield breach("few-gestures", text, "authsvc, liveness", *walk.example(level, factors))


def _loose_face(walk: Walk) -> Iterator[Finding]:
    yield from _looser_than(walk, Modality.FACE, 10_000, _NIST)


def _only_faces(walk: Walk) -> Iterator[Finding]:
    for answer, coords in walk.answers.items():
        if answer.level.asks and answer.sets and all(Factor.FACE in factors for factors in answer.sets):
            text = f"a face is the only way through `{answer.level}` for this payment"
            clause = "Measures for Face Recognition Technology (CAC 2025), Art. 10"
            yield breach("cn-only-face", text, clause, walk.witness(coords))


def _loose_voice(walk: Walk) -> Iterator[Finding]:
    yield from _looser_than(walk, Modality.VOICE, 200, "JR/T 0164-2018, false acceptance")


def _looser_than(walk: Walk, modality: Judged, one_in: int, clause: str) -> Iterator[Finding]:
    stated = walk.policy.document.biometrics.get(modality)
    if stated is not None and int(stated.fmr.removeprefix("1 in ")) < one_in:
        text = f"`{modality}` is judged at `{stated.fmr}`, where 1 in {one_in} is the most that is admitted"
        asking = (
            at
            for level, factors in _sets(walk)
            if Factor(modality.value) in factors
            for at in walk.example(level, factors)
        )
        yield breach("loose-fmr", text, clause, *islice(asking, 1))


def _sets(walk: Walk) -> Iterator[tuple[Level, FactorSet]]:
    for level in CHALLENGES:
        yield from ((level, factors) for factors in walk.policy.sets_for(level))


def _shown(factors: FactorSet) -> str:
    return " + ".join(f"`{factor}`" for factor in factors)


_NIST = "SP 800-63B-4 section 3.2.3"
_KEYS = frozenset({Factor.DEVICE_UV, Factor.DEVICE_KEY})
_CAPTURED = frozenset({Factor.FACE})
_UV, _OTP, _FACE, _VOICE = Factor.DEVICE_UV, Factor.OTP, Factor.FACE, Factor.VOICE
_TABLE: Mapping[Level, frozenset[FactorSet]] = {
    Level.OTP: frozenset({(_OTP,), (_UV,)}),
    Level.FACE: frozenset({(_FACE,), (_FACE, _OTP), (_UV, _OTP), (_VOICE, _OTP), (_FACE, _UV)}),
    Level.FACE_FINGERPRINT: frozenset({(_FACE, _UV), (_UV, _OTP)}),
}
_CHECKS: Mapping[Profile, tuple[Callable[[Walk], Iterator[Finding]], ...]] = {
    Profile.SEED: (
        _outside_the_table,
        _unlimited_path,
        _from_afar("authsvc, levels and factors"),
        _few_gestures,
    ),
    Profile.PSD2: (_unauthenticated, _one_category, exemptions_beyond_the_rts),
    Profile.NIST: (_voice, _face_without_key, _gestures_alone, _loose_face),
    Profile.CN: (_only_faces, _loose_voice, _from_afar("PBOC Announcement [2015] No. 43, Art. 23")),
}
