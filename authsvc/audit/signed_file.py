"""A file of the host that the service signed: the signature stands beside it, over a label and every byte.

It is for what is made by a program and believed later, such as a lab report: who may write the file and lacks the audit keys
cannot change what it says.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from authsvc.audit.chain import PublicKeys, SigningKey

LARGEST_SIGNATURE = 4096


def signature_of(file: Path) -> Path:
    """Where the signature of a file stands."""
    return file.with_name(f"{file.name}.sig")


def sign(label: bytes, content: bytes, signing: SigningKey) -> str:
    key_id, key = signing
    return json.dumps({"key_id": key_id, "signature": base64.b64encode(key.sign(label + content)).decode()})


def is_signed(label: bytes, content: bytes, written: bytes, keys: PublicKeys) -> bool:
    """Whether one of these keys signed exactly this under that label; never raises, whatever is written."""
    try:
        said = json.loads(written)
        key = keys[said["key_id"]]
        key.verify(base64.b64decode(said["signature"], validate=True), label + content)
    except (InvalidSignature, LookupError, TypeError, ValueError, RecursionError):
        return False
    return True
