"""The schema of a policy document, the same for TOML and JSON: data, never code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from authsvc.biometric.words import GESTURES, PROVING, Modality
from authsvc.factor import Factor
from authsvc.policy import iso4217
from authsvc.policy.currency import Conversion
from authsvc.policy.gestures import Stated as StatedGestures
from authsvc.policy.gestures import fewer
from authsvc.policy.level import CHALLENGES, Level
from authsvc.policy.liveness import Asked, Stated, weakened
from authsvc.policy.rules import Exemption, Id, Minor, Part, Rule
from authsvc.policy.ways import LevelSets
from authsvc.subject import Novelty

Judged = Literal[Modality.FACE, Modality.VOICE]
"""The modalities that are a factor, as a type."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Worth = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]
TargetFmr = Annotated[str, StringConstraints(pattern=r"^1 in [1-9][0-9]{0,8}$")]


Gestures = Annotated[int, Field(ge=min(GESTURES), le=max(GESTURES))]


class Currency(Part):
    """What one unit (not the smallest) is worth in the reference currency, and how many digits follow its point."""

    worth: Worth
    minor_digits: Annotated[int, Field(ge=0, le=4)]


class OnMissing(Part):
    """What an input reads as when nobody states it. Each admits one value, the riskier one; written down to be read."""

    risk_score: Literal[100] = 100
    device: Literal[Novelty.UNKNOWN] = Novelty.UNKNOWN
    device_synced: Literal[True] = True
    channel: Literal["any"] = "any"
    currency: Literal["unbounded"] = "unbounded"
    habits: Literal["unlike"] = "unlike"


class Biometric(Part):
    """The operating point of a modality, as a target false match rate that a model's manifest turns into a score."""

    fmr: TargetFmr
    liveness: dict[Literal[Level.OTP, Level.FACE, Level.FACE_FINGERPRINT], Asked] = Field(
        default_factory=dict,
        description="Of a face, the gates that a level asks; a level that states none asks what the next milder one does.",
    )

    gestures: dict[Literal[Level.OTP, Level.FACE, Level.FACE_FINGERPRINT], Gestures] = Field(
        default_factory=dict,
        description="Of a face, how many gestures a level asks; a level that states none asks as many as the next milder one.",
    )

    @cached_property
    def asked(self) -> Stated:
        return {Level(level): asked for level, asked in self.liveness.items()}

    @cached_property
    def asked_gestures(self) -> StatedGestures:
        return {Level(level): count for level, count in self.gestures.items()}


class Devices(Part):
    """`synced_amount_at_most`: above it a passkey that a cloud account may hand on counts only beside a biometric."""

    synced_amount_at_most: Minor | None = None


class Expectation(Part):
    level: Level
    exemption: str | None = None
    fired: tuple[Id, ...] | None = None


class EmbeddedTest(Part):
    """A payment (an input snapshot, possibly partial) and the answer that the document promises for it."""

    name: Annotated[str, Field(min_length=1)]
    payment: dict[str, JsonValue]
    expect: Expectation


class Document(Part):
    """A whole policy. `default` answers where no rule applies; without one such a payment asks for the strictest level."""

    format: Literal[1]
    id: Id
    version: Annotated[int, Field(ge=1)]
    title: str | None = None
    reference_currency: Code
    currencies: Annotated[dict[Code, Currency], Field(min_length=1)]
    on_missing: OnMissing = OnMissing()
    levels: dict[Literal[Level.OTP, Level.FACE, Level.FACE_FINGERPRINT], LevelSets]
    biometrics: dict[Judged, Biometric]
    devices: Devices = Devices()
    default: Level | None = None
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=2_000)]
    exemptions: Annotated[tuple[Exemption, ...], Field(max_length=50)] = ()
    tests: Annotated[tuple[EmbeddedTest, ...], Field(max_length=1_000)] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        missing = [level for level in CHALLENGES if level not in self.levels]
        if missing:
            raise ValueError(f"level `{missing[0]}` has no sets of factors")
        own = self.currencies.get(self.reference_currency)
        if own is None or Fraction(own.worth) != 1:
            raise ValueError(
                f"reference currency `{self.reference_currency}` must be among the currencies, with worth `1`"
            )
        for code, currency in self.currencies.items():
            if (fault := iso4217.fault_of(code, currency.minor_digits)) is not None:
                raise ValueError(fault)
        worthless = [code for code, currency in self.currencies.items() if Fraction(currency.worth) == 0]
        if worthless:
            raise ValueError(f"currency `{worthless[0]}` cannot be worth nothing")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        ids = [*(rule.id for rule in self.rules), *(exemption.id for exemption in self.exemptions)]
        if (twice := _first_repeated(ids)) is not None:
            raise ValueError(f"two rules or exemptions are called `{twice}`")
        if (twice := _first_repeated(test.name for test in self.tests)) is not None:
            raise ValueError(f"two tests are called `{twice}`")
        return self

    @model_validator(mode="after")
    def _asked_modalities_have_a_target(self) -> Self:
        asked = {factor for sets in self.levels.values() for way in sets.ways for factor in way.factors}
        for modality in PROVING:
            if Factor(modality) in asked and modality not in self.biometrics:
                raise ValueError(
                    f"`biometrics.{modality}` must state the `fmr` that `{modality}` is judged at"
                )
        return self

    @model_validator(mode="after")
    def _liveness_never_weakens(self) -> Self:
        for modality, biometric in self.biometrics.items():
            if biometric.liveness and modality is not Modality.FACE:
                raise ValueError(
                    f"`biometrics.{modality}.liveness` is not to be chosen: it is the spoken prompt"
                )
        face = self.biometrics.get(Modality.FACE)
        for milder, stricter in () if face is None else weakened(face.asked, self._asking_for_a_face):
            raise ValueError(
                f"`biometrics.face.liveness` of `{stricter}` asks for less than that of `{milder}`"
            )
        return self

    @model_validator(mode="after")
    def _gestures_never_become_fewer(self) -> Self:
        for modality, biometric in self.biometrics.items():
            if biometric.gestures and modality is not Modality.FACE:
                raise ValueError(
                    f"`biometrics.{modality}.gestures` is not to be chosen: only a face makes them"
                )
        face = self.biometrics.get(Modality.FACE)
        for milder, stricter in () if face is None else fewer(face.asked_gestures, self._asking_for_a_face):
            raise ValueError(
                f"`biometrics.face.gestures` of `{stricter}` asks for fewer than that of `{milder}`"
            )
        return self

    @property
    def _asking_for_a_face(self) -> list[Level]:
        """Levels, mildest first."""
        return [
            level
            for level in CHALLENGES
            if any(Factor.FACE in way.factors for way in self.levels[level].ways)  # type: ignore[index]  # a challenge
        ]

    @cached_property
    def conversion(self) -> Conversion:
        """To the reference currency, smallest unit to smallest unit."""
        digits = self.currencies[self.reference_currency].minor_digits
        return Conversion(
            {
                code: Fraction(currency.worth) * Fraction(10) ** (digits - currency.minor_digits)
                for code, currency in self.currencies.items()
            }
        )

    @classmethod
    def published_schema(cls) -> dict[str, Any]:
        """The JSON Schema (2020-12) of documents. Any: JSON. What spans several fields it cannot say; validation does."""
        schema = cls.model_json_schema()
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **schema,
            "title": "authsvc policy",
        }


def _first_repeated(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)
