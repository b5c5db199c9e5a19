"""What a request says about itself in headers: who it is from, what it repeats, what it rests on, how long it would wait.

For `dispatch`. One answer for every bad credential: what was wrong with it is not said.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from authsvc.domain.once import Once
from authsvc.errors import IdempotencyKeyMissing, InvalidRequest, Unauthenticated
from authsvc.http import LONGEST_WAIT
from authsvc.web.operations import Plane

if TYPE_CHECKING:
    from authsvc.web.http import ApiRequest

_TOKEN = re.compile(r"[A-Za-z0-9_.~+/=-]{1,512}", re.ASCII)
_BARE_KEY = re.compile(
    r"[!#-+\--~]{1,255}"
)  # Visible ASCII without `"` and `,`: two headers are not one key.
_QUOTED_KEY = re.compile(r'"((?:[!#-\[\]-~]|\\["\\]){1,255})"')  # A String of RFC 8941 section 3.3.3.
_ETAG = re.compile(r'"([!#-~]{1,64})"')
_WAIT = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?([0-9]{1,6})"?\s*(?=$|[,;])', re.IGNORECASE)


def presented(request: ApiRequest, plane: Plane) -> str:
    """The key or token of the plane's `Authorization` scheme; raises Unauthenticated."""
    scheme, _, rest = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    token: str = rest.strip(" ")
    if scheme.lower() != plane.value.lower() or _TOKEN.fullmatch(token) is None:
        raise Unauthenticated("no credential of the expected scheme was presented")
    return token


def once(request: ApiRequest, raw: bytes) -> Once:
    """What the Idempotency-Key stands for; raises IdempotencyKeyMissing, or InvalidRequest for a malformed key."""
    given = request.environ.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if not given:
        raise IdempotencyKeyMissing("send a unique value of your own in the header `Idempotency-Key`")
    said = f"{request.method}\x00{request.path}\x00".encode("utf-8", "surrogatepass")
    return Once(_key(given), hashlib.sha256(said + raw).digest())


def names_key(request: ApiRequest) -> bool:
    """Whether an Idempotency-Key came at all."""
    return bool(request.environ.get("HTTP_IDEMPOTENCY_KEY", "").strip())


def if_match(request: ApiRequest) -> str:
    """The one etag of `If-Match` (RFC 9110), without its quotes; raises InvalidRequest for none, several and `*`."""
    found = _ETAG.fullmatch(request.environ.get("HTTP_IF_MATCH", "").strip())
    if found is None:
        raise InvalidRequest("send the `ETag` of the active policy, as you saw it, in the header `If-Match`")
    return found.group(1)


def preferred_wait(request: ApiRequest) -> float:
    """The seconds of `Prefer: wait=…` (RFC 7240), 25 at most; 0 where nothing usable is said."""
    found = _WAIT.search(request.environ.get("HTTP_PREFER", ""))
    return 0.0 if found is None else min(float(found.group(1)), LONGEST_WAIT)


def _key(given: str) -> str:
    quoted = _QUOTED_KEY.fullmatch(given)
    if quoted is not None:
        return quoted.group(1) if "\\" not in given else re.sub(r"\\(.)", r"\1", quoted.group(1))
    if _BARE_KEY.fullmatch(given) is None:
        raise InvalidRequest("`Idempotency-Key` must be 1 to 255 visible ASCII characters, bare or in quotes")
    return given
