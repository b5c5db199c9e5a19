"""Every problem this service answers with (RFC 9457): its slug, its status, and what the reader should do about it.

For integrators. A slug is a promise: it is never renamed and its meaning never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem; `en` and `zh` say what happened and what to do, in a sentence or two."""

    slug: str
    status: int
    title: str
    en: str
    zh: str
    retry_after: int | None = None
    """Seconds after which to try again, where the case itself says nothing."""


_TABLE = (
    Problem(
        "invalid-request",
        400,
        "The request cannot be understood",
        "A field is missing, unknown, of the wrong type or out of range. `errors` names each field. Correct the request;"
        " sending it again unchanged will fail again.",
        "某个字段缺失、未知、类型不符或超出范围，`errors` 会逐一指出。请修改后再发送，原样重发仍会失败。",
    ),
    Problem(
        "idempotency-key-missing",
        400,
        "An Idempotency-Key is required",
        "This call creates or consumes something. Send the header `Idempotency-Key` with a value of your own, unique to this"
        " operation, and the same value whenever you repeat the request.",
        "此调用会创建或消耗对象。请在请求头 `Idempotency-Key` 中放入本次操作唯一的值，重试时使用同一个值。",
    ),
    Problem(
        "unauthenticated",
        401,
        "No good credential was presented",
        "The `Authorization` header is missing, or its key or token is unknown, wrong, expired or revoked. Which of these it is"
        " is not said.",
        "缺少 `Authorization` 请求头，或其中的密钥、令牌未知、有误、过期或已吊销；具体是哪一种不予说明。",
    ),
    Problem(
        "challenge-failed",
        401,
        "What was shown is not accepted",
        "The evidence as a whole did not convince. Which factor was wrong is not said. `attempts_remaining` says how often the"
        " person may still try; at 0 the challenge is over.",
        "所提交的凭据整体未获通过，不说明是哪一项。`attempts_remaining` 为剩余次数，为 0 时本次验证结束。",
    ),
    Problem(
        "insufficient-scope",
        403,
        "The key may not do this",
        "The API key is good, but was created without the scope that this call needs. Use another key, or create one with it.",
        "API 密钥有效，但没有此调用所需的权限范围。请换用或新建具有该权限的密钥。",
    ),
    Problem(
        "not-permitted",
        403,
        "The operator may not do this",
        "The operator is signed in, and their roles do not allow this, or it needs another person: nobody approves a policy of"
        " their own. The refusal stands in the audit.",
        "操作员已登录，但其角色无权进行此操作，或此操作须由另一人完成（任何人不得批准自己起草的策略）。该拒绝已记入审计。",
    ),
    Problem(
        "user-frozen",
        403,
        "The account is frozen",
        "Nothing is done for this user until the account is unfrozen, which needs a receipt of the highest level or two"
        " operators.",
        "该用户已被冻结，解冻前不办理任何业务；解冻需要最高级别的凭证或两名操作员。",
    ),
    Problem(
        "proof-required",
        403,
        "Changing factors needs a fresh proof",
        "The account has factors already. Have the user authenticate at the account's highest level and send that receipt as"
        " `proof`.",
        "该账户已有验证方式，变更前须以账户的最高级别完成一次验证，并把凭证作为 `proof` 一并提交。",
    ),
    Problem(
        "not-found",
        404,
        "There is no such object",
        "The address or the id in it is unknown here. An object of another client looks the same as one that does not exist.",
        "地址或其中的标识不存在。属于其他接入方的对象与不存在的对象看起来相同。",
    ),
    Problem(
        "method-not-allowed",
        405,
        "This address does not offer that method",
        "The header `Allow` lists the methods that it offers.",
        "该地址不支持此方法，可用的方法见响应头 `Allow`。",
    ),
    Problem(
        "request-timeout",
        408,
        "The request did not arrive in time",
        "Headers and body must arrive within seconds. Send the request again, with the same Idempotency-Key.",
        "请求头和请求体须在数秒内送达。请使用同一个 Idempotency-Key 重新发送。",
    ),
    Problem(
        "idempotency-in-progress",
        409,
        "The first request is still being worked on",
        "A request with this Idempotency-Key has come in and was not answered yet. Repeat it after `Retry-After` seconds to get"
        " its answer.",
        "使用同一 Idempotency-Key 的请求仍在处理中。请在 `Retry-After` 秒后重试以取得结果。",
        retry_after=1,
    ),
    Problem(
        "transaction-changed",
        409,
        "The transaction id belongs to another payment",
        "A decision for this transaction id is open, with another amount, currency, type or payee. Its challenge is cancelled"
        " now. Ask again to decide about the changed payment.",
        "该交易号下已有一笔金额、币种、类型或收款方不同的未结决策，其验证现已取消。请重新请求，以便对更改后的付款作出决策。",
    ),
    Problem(
        "challenge-closed",
        409,
        "The challenge or enrollment is over",
        "It was answered, declined, cancelled or has expired. Ask for a new decision or a new enrollment.",
        "该验证或开通已完成、被拒绝、被取消或已过期。请重新发起。",
    ),
    Problem(
        "warning-unanswered",
        409,
        "A warning comes first",
        "The challenge carries a warning, and no proof is taken before its payer has acknowledged it. Begin the warning, show it,"
        " and hand in the answer; `Retry-After` is there while it must still be read.",
        "该验证带有风险提示，付款人确认提示之前不接受任何验证。请先取得并展示提示，再提交付款人的回答；阅读时间未到时，"
        "响应头 `Retry-After` 会给出剩余秒数。",
    ),
    Problem(
        "receipt-consumed",
        409,
        "The receipt has been used",
        "A receipt releases one payment, once. If your own first request used it, repeating that request with its"
        " Idempotency-Key gives its answer; otherwise do not release the payment.",
        "一张凭证只能放行一笔付款一次。若由您的首个请求使用，请以原 Idempotency-Key 重发取得结果；否则不要放行付款。",
    ),
    Problem(
        "policy-step",
        409,
        "The version is not that far",
        "A version of the policy goes from draft over validated, analyzed and approved to active; `state` says where it is. Take"
        " the steps before this one first, or draft the document again. `lab` says why the"
        " lab report that is required does not count.",
        "策略版本须依次经过草稿、校验、分析、批准，然后才能生效；`state` 为其当前状态。请先完成之前的步骤，或重新起草。"
        "`lab` 说明所需的实验室报告为何不作数。",
    ),
    Problem(
        "endpoint-disabled",
        409,
        "The webhook endpoint is disabled",
        "Nothing is sent to it now; `disabled_reason` says why. Enable it with `PATCH`, and what waited is sent as well.",
        "该 webhook 端点已停用，目前不会向其发送任何内容，原因见 `disabled_reason`。用 `PATCH` 启用后，积压的事件也会发出。",
    ),
    Problem(
        "policy-conflict",
        412,
        "Somebody else changed the policy",
        "The active policy is no longer the one named in `If-Match`. Read it again, and decide whether your change still stands.",
        "当前策略已不是 `If-Match` 所指的版本。请重新读取，再决定是否仍要修改。",
    ),
    Problem(
        "payload-too-large",
        413,
        "More than is accepted",
        "The body, a file in it, a picture's pixels or a recording's length exceeds the limit that `detail` names.",
        "请求体、文件、图片像素或录音时长超过了 `detail` 所述的上限。",
    ),
    Problem(
        "unsupported-media",
        415,
        "The media type is not accepted here",
        "Send JSON as `application/json` in UTF-8, captures as `multipart/form-data`, pictures as JPEG, PNG or WebP.",
        "JSON 请以 UTF-8 编码的 `application/json` 发送，采集内容用 `multipart/form-data`，图片用 JPEG、PNG 或 WebP。",
    ),
    Problem(
        "capture-unusable",
        422,
        "The capture cannot be judged",
        "`hints` tell the person what to do better. No attempt was used up; record again within the same step.",
        "`hints` 说明如何改进。本次不计入尝试次数，可在同一步骤中重新采集。",
    ),
    Problem(
        "idempotency-key-reused",
        422,
        "The Idempotency-Key belongs to another request",
        "The key was used for another address or another body. Use a new key for a new request.",
        "该 Idempotency-Key 已用于其他地址或内容的请求。新的请求请使用新的值。",
    ),
    Problem(
        "receipt-mismatch",
        422,
        "The receipt is not for this payment",
        "It is not one of ours for this client, it has expired, or the payment you stated differs from the one that was"
        " authenticated. Do not release the payment.",
        "凭证并非本服务签发给您的、已过期，或您所述付款与已验证的付款不一致。请勿放行付款。",
    ),
    Problem(
        "policy-invalid",
        422,
        "The policy is not accepted",
        "The document breaks its schema or its own tests. `findings` says where.",
        "策略文档不符合格式或未通过其自带的测试，位置见 `findings`。",
    ),
    Problem(
        "locked",
        423,
        "Too many failures",
        "The factor or the user is blocked for a while. `Retry-After` says for how long.",
        "失败次数过多，该验证方式或用户暂时锁定，时长见 `Retry-After`。",
    ),
    Problem(
        "rate-limited",
        429,
        "Too many requests",
        "Slow down, and try again after `Retry-After` seconds.",
        "请求过于频繁，请在 `Retry-After` 秒后重试。",
        retry_after=1,
    ),
    Problem(
        "internal-error",
        500,
        "The request could not be answered",
        "The server itself failed before the service could answer. Repeat the request with the same Idempotency-Key; nothing is"
        " done twice.",
        "服务器自身出错，未能作答。请以同一 Idempotency-Key 重试，不会重复执行。",
    ),
    Problem(
        "record-broken",
        503,
        "A stored record is not as it was written",
        "Something in the database that carries authority was changed, copied or put there by somebody who is not this service."
        " It lets nobody in. The operators are told which record it is; repeating the request does not help until they have"
        " looked at it. What does not depend on that record goes on working.",
        "数据库中承载权限的某条记录并非由本服务写入（被改动、复制或插入），不会据此放行任何人。系统已告知运维人员是哪一条；"
        "在其处理之前重试无益。与该记录无关的功能照常可用。",
        retry_after=60,
    ),
    Problem(
        "unavailable",
        503,
        "No answer can be given now",
        "Something this service depends on is gone or slow, and doubt is never a yes. Repeat the request after `Retry-After`"
        " seconds with the same Idempotency-Key; nothing is done twice.",
        "本服务所依赖的部分暂不可用或过慢；存疑时一律不放行。请在 `Retry-After` 秒后以同一 Idempotency-Key 重试，不会重复执行。",
        retry_after=1,
    ),
)

PROBLEMS: Mapping[str, Problem] = {problem.slug: problem for problem in _TABLE}
