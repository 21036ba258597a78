"""Bodies of requests and answers. Field names are Classer's; unknown fields are ignored, as its SDKs may send more."""

from typing import Annotated, Any, Literal

import msgspec

from nli_tagger.labels import MAX_DESCRIPTION_CHARACTERS, MAX_LABEL_CHARACTERS, MAX_LABELS, MAX_TEXT_TYPE_CHARACTERS

Meta = msgspec.Meta


class TagRequest(msgspec.Struct):
    """A text with the labels to judge."""

    text: Annotated[str | None, Meta(description="The text to tag; up to 1,000,000 tokens.")] = None
    labels: Annotated[
        list[str] | None,
        Meta(
            description=f"1 to {MAX_LABELS} labels of at most {MAX_LABEL_CHARACTERS} characters, unique.",
            examples=[["politics", "technology", "finance", "sports"]],
        ),
    ] = None
    descriptions: Annotated[
        dict[str, str] | None,
        Meta(description=f"What a label means, at most {MAX_DESCRIPTION_CHARACTERS} characters each."),
    ] = None
    text_type: Annotated[
        str | None,
        Meta(description=f'What the text is, such as "support ticket"; at most {MAX_TEXT_TYPE_CHARACTERS} characters.'),
    ] = None
    threshold: Annotated[
        float | None, Meta(description="Labels with at least this confidence are returned; 0 to 1, default 0.5.")
    ] = None
    priority: Annotated[
        Literal["standard", "fast"] | None, Meta(description='"fast" goes before "standard" in the queue.')
    ] = None
    cache: Annotated[bool | None, Meta(description="Accepted; every answer is computed fresh for now.")] = None
    image: Annotated[Any, Meta(description="Not supported yet: answered 422.")] = None
    file: Annotated[Any, Meta(description="Not supported yet: answered 422.")] = None
    classifier: Annotated[Any, Meta(description="Not supported yet: answered 422.")] = None
    examples: Annotated[Any, Meta(description="Not supported yet: answered 422.")] = None


class TaggedLabel(msgspec.Struct):
    """A label that applies."""

    label: str
    confidence: Annotated[float, Meta(description="0 to 1, four decimals.")]


class TagResponse(msgspec.Struct):
    """The labels that apply, highest confidence first; empty when none does."""

    labels: list[TaggedLabel]
    tokens: Annotated[int, Meta(description="Tokens of the text and of the labels' hypotheses.")]
    latency_ms: float
    cached: bool = False


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
