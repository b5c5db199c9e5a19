"""What the payer should be told of an event, in a sentence that the backend sends over its own channel, in Chinese and English.

Made of the event alone: no amount and no payee, since a message on a locked screen is read by others.
"""

from __future__ import annotations

from collections.abc import Mapping

from authsvc.events import Event

ZH, EN = "zh-CN", "en"

_NOT_YOU = {ZH: "如非本人操作，请立即冻结账户。", EN: "If this was not you, freeze your account now."}

_SAID: Mapping[str, tuple[str, str]] = {
    "decision:habits:unlike": (
        "您的账户刚刚发起了一笔与平时习惯不同的付款。",
        "A payment unlike your habits was just asked for from your account.",
    ),
    "subject:device:enrolled": (
        "您的账户刚刚绑定了一台新设备。",
        "A new device was just added to your account.",
    ),
    "subject:device:restored": (
        "您账户中已停用的一台设备刚刚恢复使用。",
        "A suspended device of your account was just taken back into use.",
    ),
    "subject:otp:enrolled": (
        "您的账户刚刚开通了身份验证器。",
        "An authenticator app was just added to your account.",
    ),
    "subject:face:enrolled": (
        "您的账户刚刚开通了刷脸。",
        "Face verification was just added to your account.",
    ),
    "subject:face:renewed": (
        "刷脸方式已升级：您的人脸特征信息已用刚才的验证重新生成，旧的已删除。",
        "Face verification was updated: your face was enrolled anew from the check you just made, and the old data destroyed.",
    ),
    "subject:voice:enrolled": (
        "您的账户刚刚开通了声纹。",
        "Voice verification was just added to your account.",
    ),
    "subject:gait:enrolled": (
        "您的账户刚刚录制了步态。",
        "A walk was just recorded for your account.",
    ),
    "subject:recovery-codes:renewed": (
        "您的账户刚刚生成了新的恢复码。",
        "New recovery codes were just made for your account.",
    ),
    "subject:recovery:used": (
        "有人刚刚使用恢复码更换了您账户的手机。",
        "A recovery code was just used to replace the phone of your account.",
    ),
    "subject:unfrozen": (
        "您的账户刚刚解冻，可以继续付款。",
        "Your account was just unfrozen and can pay again.",
    ),
}
"""What may be somebody else's doing."""

_STOPPED = {
    ZH: "一笔付款已为您拦截，未扣款。对方可能再次联系您，请勿付款，也勿透露验证码。",
    EN: "A payment was stopped for you; nothing was paid. Whoever asked for it may call again: pay nothing, tell no code.",
}
_NOT_MINE = {
    ZH: "您表示并非本人操作的一笔付款已拦截，未扣款。",
    EN: "The payment that you said was not yours was stopped; nothing was paid.",
}


def alert_of(event: Event) -> Mapping[str, str] | None:
    """By language; None where the payer has nothing to be told."""
    if event.tag == "decision:warning:stopped":
        return _STOPPED
    if event.tag == "decision:challenge:declined":
        return _NOT_MINE if event.data.get("choice") == "not_me" else None
    if event.tag not in _SAID:
        return None
    chinese, english = _SAID[event.tag]
    return {ZH: chinese + _NOT_YOU[ZH], EN: f"{english} {_NOT_YOU[EN]}"}
