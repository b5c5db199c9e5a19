"""What every answer's type is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class ResponsePart(BaseModel):
    """A part of an answer: it describes and does not filter, since the services' answers go out as they are."""


class OpenResponsePart(ResponsePart):
    """An answer that may hold more than is described here."""

    model_config = ConfigDict(extra="allow")
