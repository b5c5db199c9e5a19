"""The ceilings that Regulation (EU) 2018/389 sets to exemptions (Art. 16, Art. 18 and Annex), and what slips over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from authsvc.factor import Category
from authsvc.policy.currency import UNBOUNDED
from authsvc.policy.document import Document
from authsvc.policy.findings import Finding, Witness, breach
from authsvc.policy.inputs import Inputs
from authsvc.policy.rules import Exemption, Kind
from authsvc.policy.walk import Walk

MOST_IN_A_ROW = 5
TRA_BANDS: Mapping[str, tuple[tuple[int, Decimal], ...]] = {
    "card": ((500, Decimal("0.01")), (250, Decimal("0.06")), (100, Decimal("0.13"))),
    "transfer": ((500, Decimal("0.005")), (250, Decimal("0.01")), (100, Decimal("0.015"))),
}
"""Exemption threshold values in EUR and the reported fraud rate in percent up to which each holds (RTS, Annex)."""


def exemptions_beyond_the_rts(walk: Walk) -> Iterator[Finding]:
    """Bounds that admit more than the regulation does, each with such a payment where the document lets one pass."""
    document = walk.policy.document
    for exemption in document.exemptions:
        for key, euros, clause in _ceilings(exemption):
            if not _within(document, getattr(exemption, key), euros):
                text = f"`{key}` of exemption `{exemption.id}` admits more than {euros} EUR"
                example = _beyond(walk, exemption, **_first_beyond(key, euros))
                yield breach("psd2-exemption", text, clause, *example, rule=exemption.id)
        if exemption.kind is Kind.LOW_VALUE and (exemption.in_a_row_at_most or 0) > MOST_IN_A_ROW:
            text = f"exemption `{exemption.id}` admits more than {MOST_IN_A_ROW} payments in a row"
            example = _beyond(walk, exemption, before=MOST_IN_A_ROW)
            yield breach("psd2-exemption", text, "RTS Art. 16(c)", *example, rule=exemption.id)


def _first_beyond(key: str, euros: int) -> dict[str, int]:
    """The payment one cent above a ceiling: of its own, or of what was spent before it."""
    return {"spent": euros * 100} if key == "cumulative_at_most" else {"amount": euros * 100 + 1}


def _beyond(
    walk: Walk, exemption: Exemption, amount: int = 1, spent: int = 0, before: int = 0
) -> Iterator[Witness]:
    """A payment in euro cents just beyond a clause's bound, if this document lets it pass under the exemption.

    Looked for with everything proven that a backend can prove, from the highest admitted risk down.
    """
    for risk in range(exemption.risk_at_most, -1, -1):
        inputs = Inputs(
            type="payment" if exemption.type_in is None else exemption.type_in[0],
            amount_minor=amount,
            currency="EUR",
            novelty=exemption.device_at_most,
            risk_score=risk,
            proven=tuple(Category),
            channel=None if exemption.channel_in is None else exemption.channel_in[0],
            low_value_count=before,
            low_value_sum=walk.policy.document.conversion(spent, "EUR"),
        )
        outcome = walk.policy.evaluate(inputs)
        if outcome.lifted_by == exemption:
            yield Witness(inputs, outcome.level)
            return


def _ceilings(exemption: Exemption) -> Iterator[tuple[str, int, str]]:
    if exemption.kind is Kind.LOW_VALUE:
        yield "amount_at_most", 30, "RTS Art. 16(a)"
        yield "cumulative_at_most", 100, "RTS Art. 16(b)"
    if exemption.kind is Kind.TRA and exemption.instrument is not None:
        bands = TRA_BANDS[exemption.instrument]
        rate = exemption.fraud_rate_percent
        admitted = [euros for euros, highest in bands if rate is not None and rate <= highest]
        yield "amount_at_most", max(admitted, default=0), "RTS Art. 18 and Annex"


def _within(document: Document, bound: int, euros: int) -> bool:
    """Whether a bound refuses the first cent above the ceiling; without a rate for the euro nobody knows."""
    first_above = document.conversion(euros * 100 + 1, "EUR")
    return first_above != UNBOUNDED and bound < first_above
