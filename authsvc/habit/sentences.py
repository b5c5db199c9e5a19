"""A signal in a sentence, in Chinese and English: for the backend and the console. The numbers are those that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from authsvc.habit.words import AMOUNT, Numbers, Signal
from authsvc.money import major_units

ZH, EN = "zh-CN", "en"
_WEEKDAYS = {
    ZH: ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    EN: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}

Told = Callable[[Any], str]  # Any: the numbers of one signal, which its sentence knows.

_SENTENCES: Mapping[str, tuple[Told, Told]] = {
    Signal.PAYEE_NEW: (
        lambda n: f"此收款方未曾付过款；已知 {n['payees']} 个收款方、{n['payments']} 笔付款。",
        lambda n: (
            f"This payee was never paid before; {n['payees']} payees and {n['payments']} payments are known."
        ),
    ),
    Signal.AMOUNT_UNUSUAL: (
        lambda n: f"金额 {n['amount']} 约为平常的 {n['times']} 倍：十笔中有九笔低于 {n['usual']}。",
        lambda n: (
            f"The amount of {n['amount']} is {n['times']} times the usual: nine in ten are below "
            f"{n['usual']}."
        ),
    ),
    Signal.HOUR_UNUSUAL: (
        lambda n: f"很少在这个时间付款：UTC {n['hour_utc']} 时前后一小时内仅占 {n['percent']}%。",
        lambda n: (
            f"An unusual hour: {n['percent']} % of the payments were made within an hour of {n['hour_utc']}:00 UTC."
        ),
    ),
    Signal.WEEKDAY_UNUSUAL: (
        lambda n: f"很少在{_WEEKDAYS[ZH][n['weekday'] - 1]}（UTC）付款：仅占 {n['percent']}%。",
        lambda n: (
            f"An unusual day: {n['percent']} % of the payments were made on a {_WEEKDAYS[EN][n['weekday'] - 1]} (UTC)."
        ),
    ),
    Signal.BURST: (
        lambda n: f"一小时内第 {n['recent']} 笔付款；平常少于 {n['usual_below']} 笔。",
        lambda n: (
            f"Payment number {n['recent']} within an hour; usually there are fewer than {n['usual_below']}."
        ),
    ),
    Signal.DORMANT: (
        lambda n: f"距上一笔付款已有 {n['days']} 天；平常间隔少于 {n['usual_gap_below_days']} 天。",
        lambda n: (
            f"The first payment for {n['days']} days; usually fewer than {n['usual_gap_below_days']} lie between two."
        ),
    ),
    Signal.PLACE_NEW: (
        lambda n: f"首次从此地付款；已知 {n['places']} 个地点。",
        lambda n: f"The first payment from this place; {n['places']} are known.",
    ),
    Signal.DEVICE_UNUSED: (
        lambda n: f"首次用此设备付款；已知 {n['devices']} 台设备。",
        lambda n: f"The first payment from this device; {n['devices']} are known.",
    ),
    Signal.CHANNEL_UNUSED: (
        lambda n: f"首次通过此渠道付款；已知 {n['channels']} 个渠道。",
        lambda n: f"The first payment through this channel; {n['channels']} are known.",
    ),
}


def sentences(signal: str, numbers: Numbers) -> dict[str, str]:
    """By language."""
    chinese, english = _SENTENCES[signal]
    if signal == AMOUNT:
        numbers = _in_major_units(numbers)
    return {ZH: chinese(numbers), EN: english(numbers)}


def _in_major_units(numbers: Mapping[str, Any]) -> Numbers:  # Any: as above.
    currency = numbers["currency"]
    return {
        "times": numbers["times"],
        "amount": f"{major_units(numbers['amount_minor'], currency)} {currency}",
        "usual": f"{major_units(numbers['usual_below_minor'], currency)} {currency}",
    }
