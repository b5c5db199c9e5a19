"""The `[input]` table of a manifest: how a network wants its input, in the words of the engine that feeds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from authsvc.errors import ModelUnusable


class InputTable(BaseModel):
    """What each engine derives its own form from: nothing unknown is accepted, nothing changes once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, table: Mapping[str, Any], manifest_id: str) -> Self:  # Any: a TOML table
        """The form that a manifest states; raises ModelUnusable that names the field."""
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(("input", *(str(part) for part in first["loc"])))
            raise ModelUnusable(
                f"manifest `{manifest_id}`, field `{where}`: {first['msg'].lower()}"
            ) from error
