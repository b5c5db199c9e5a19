"""The evidence of one decision as a page to read: Chinese and English beside each other, in one file that loads nothing.

It renders what the bundle says and what verifying it found; it shows no more than the bundle holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from authsvc.audit.witness import Witness

Json = Mapping[str, Any]  # Any: what somebody else wrote; it is shown as text.

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; }
body { font: 16px/1.5 system-ui, "Noto Sans SC", "PingFang SC", sans-serif; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.en { color: #777; font-weight: normal; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { border-top: 1px solid var(--line); padding: .4rem .6rem; text-align: left; vertical-align: top; }
th, td { overflow-wrap: anywhere; }
th { width: 30%; font-weight: 500; }
code { font-size: .85em; overflow-wrap: anywhere; }
.verdict { border: 1px solid var(--line); border-left: .4rem solid; padding: .6rem .9rem; margin: 1rem 0; }
.sound { border-left-color: #1a7f37; }
.broken { border-left-color: #cf222e; }
pre { overflow-x: auto; background: var(--soft); padding: .8rem; font-size: .8rem; }
""".replace("\n", "")

_POLICY = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; """
    """base-uri 'none'; form-action 'none'">"""
)
"""It loads nothing and runs nothing, whatever somebody wrote into a bundle."""

_NAMED = {
    "decision_id": ("决定", "Decision"),
    "subject": ("用户", "Payer"),
    "decided_at": ("时间", "Decided at"),
    "status": ("结果", "Status"),
    "level": ("等级", "Level"),
    "binding": ("支付摘要", "Binding of the payment"),
    "policy": ("策略", "Policy"),
    "device": ("设备", "Device"),
}


def page(bundle: Json, witness: Witness) -> str:
    """The whole page."""
    evidence = bundle.get("evidence")
    evidence = evidence if isinstance(evidence, dict) else {}
    parts = [
        _verdict(witness),
        _table("决定", "Decision", [(_both(*_NAMED[name]), evidence.get(name)) for name in _NAMED]),
        _table("输入", "What the policy was told", _pairs(evidence.get("inputs"))),
        _table("规则", "Rules that fired", _numbered(evidence.get("reasons"))),
        _table("凭证", "What was proven", _numbered(evidence.get("proofs"))),
        _table("经过", "Timeline", [(escape(str(line.get("at"))), _line(line)) for line in witness.timeline]),
        _table("审计", "Place in the audit", _places(bundle.get("timeline"))),
        _document(bundle.get("policy_document")),
    ]
    title = f"证据 · Evidence {escape(str(evidence.get('decision_id', '')))}"
    head = f'<meta charset="utf-8">{_POLICY}<meta name="viewport" content="width=device-width"><title>{title}</title>'
    return f'<!doctype html>\n<html lang="zh">{head}<style>{_STYLE}</style><body><h1>{title}</h1>{"".join(parts)}</body></html>\n'


def _both(zh: str, en: str) -> str:
    return f'{zh} <span class="en">{en}</span>'


def _verdict(witness: Witness) -> str:
    if witness.is_sound:
        text = _both("已核对，未被改动。", "Verified: nothing was touched.")
        return f'<p class="verdict sound">{text}<br><code>{escape(witness.evidence_hash)}</code></p>'
    faults = "".join(f"<li>{escape(each)}</li>" for each in witness.faults)
    return f'<div class="verdict broken">{_both("核对失败：", "It does not hold:")}<ul>{faults}</ul></div>'


def _table(zh: str, en: str, rows: Sequence[tuple[str, object]]) -> str:
    if not rows:
        return f"<h2>{_both(zh, en)}</h2><p>—</p>"
    body = "".join(f"<tr><th>{name}</th><td>{_value(value)}</td></tr>" for name, value in rows)
    return f"<h2>{_both(zh, en)}</h2><table>{body}</table>"


def _value(value: object) -> str:
    if value is None or value in ({}, []):
        return "—"
    if isinstance(value, dict):
        return "<br>".join(f"{escape(str(name))}: {_value(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"<code>{escape(text)}</code>"


def _pairs(value: object) -> list[tuple[str, object]]:
    return [(escape(str(name)), each) for name, each in value.items()] if isinstance(value, dict) else []


def _numbered(value: object) -> list[tuple[str, object]]:
    return [(str(number), each) for number, each in enumerate(value, 1)] if isinstance(value, list) else []


def _line(line: Json) -> dict[str, object]:
    return {f"{line.get('actor')} {line.get('action')}": line.get("result")}


def _places(timeline: object) -> list[tuple[str, object]]:
    return list(_of_paths(timeline)) if isinstance(timeline, list) else []


def _of_paths(timeline: Sequence[Any]) -> Iterator[tuple[str, object]]:  # Any: as above.
    for path in timeline:
        if isinstance(path, dict) and path.get("links"):
            last = path["links"][-1]
            signed = path.get("head") or path.get("checkpoint") or {}
            yield (
                f"{escape(str(last.get('chain')))} {last.get('seq')}",
                {"hash": last.get("hash"), "key": signed.get("key_id")},
            )


def _document(document: object) -> str:
    text = escape(json.dumps(document, ensure_ascii=False, indent=1))
    return f"<h2>{_both('策略全文', 'The policy as it was')}</h2><details><summary>JSON</summary><pre>{text}</pre></details>"
