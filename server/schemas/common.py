"""What every group of endpoints answers with."""

from typing import Annotated, Any

import msgspec

Meta = msgspec.Meta


class ErrorBody(msgspec.Struct):
    """Every error of the API."""

    error: Annotated[str, Meta(examples=["validation-error"])]
    code: Annotated[str, Meta(examples=["VALIDATION_ERROR"])]
    message: Annotated[str, Meta(examples=["labels is empty; send at least one label."])]
    detail: Annotated[str, Meta(description="The message again, where Classer's SDKs look for it.")]
    details: dict[str, Any] = {}


class Health(msgspec.Struct):
    """`status` is "ok" or says what is wrong."""

    status: str
    model: str = ""
