"""What the shop sells, and the circumstances that a visitor may pretend: together they show every level of the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CURRENCY = "CNY"
PAYEE = ("shop_1", "友谊商店")


@dataclass(frozen=True, slots=True)
class Good:
    """Something to buy; `price` in fen."""

    id: str
    name: str
    english: str
    price: int


GOODS: Mapping[str, Good] = {
    good.id: good
    for good in (
        Good("tea", "一杯茶", "A cup of tea", 2_500),
        Good("teapot", "紫砂壶", "A teapot", 125_000),
        Good("bicycle", "自行车", "A bicycle", 480_000),
        Good("piano", "钢琴", "A piano", 2_600_000),
    )
}

RISKS: Mapping[str, int] = {"quiet": 5, "unusual": 45, "suspicious": 80}
"""The payment layer's estimate, as the visitor pretends it: 0 is harmless, 100 the worst."""
