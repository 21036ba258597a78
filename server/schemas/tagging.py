"""One text: /v1/tag and /v1/classify. Unknown fields are ignored, as Classer's SDKs may send more."""

from typing import Annotated, Any, Literal

import msgspec

from nli_tagger.labels import MAX_DESCRIPTION_CHARACTERS, MAX_LABEL_CHARACTERS, MAX_LABELS, MAX_TEXT_TYPE_CHARACTERS

Meta = msgspec.Meta

Threshold = Annotated[
    float | None,
    Meta(description="Labels with at least this confidence are returned; 0 to 1. Default: the classifier's, or 0.5."),
]


class AskedLabels(msgspec.Struct, kw_only=True):
    """What is asked of a text: labels, or a saved classifier."""

    labels: Annotated[
        list[str] | None,
        Meta(
            description=f"1 to {MAX_LABELS} labels of at most {MAX_LABEL_CHARACTERS} characters, unique; required "
            "unless classifier is given.",
            examples=[["politics", "technology", "finance", "sports"]],
        ),
    ] = None
    classifier: Annotated[
        str | None,
        Meta(description='A saved classifier instead of labels: "name" (newest), "name@v3", or "name@alias".'),
    ] = None
    descriptions: Annotated[
        dict[str, str] | None,
        Meta(description=f"What a label means, at most {MAX_DESCRIPTION_CHARACTERS} characters each."),
    ] = None
    text_type: Annotated[
        str | None,
        Meta(description=f'What the text is, such as "support ticket"; at most {MAX_TEXT_TYPE_CHARACTERS} characters.'),
    ] = None
    cache: Annotated[
        bool | None, Meta(description="false: compute afresh instead of returning an answer computed before.")
    ] = None
    image: Annotated[Any, Meta(description="Not supported yet: answered 422.")] = None
    file: Annotated[Any, Meta(description="Not supported yet: answered 422.")] = None
    examples: Annotated[Any, Meta(description="Not supported yet outside of a classifier: answered 422.")] = None


class ClassifyRequest(AskedLabels, kw_only=True):
    """A text and the labels to choose from."""

    text: Annotated[str | None, Meta(description="The text; up to 1,000,000 tokens.")] = None
    priority: Annotated[
        Literal["standard", "fast"] | None, Meta(description='"fast" goes before "standard" in the queue.')
    ] = None


class TagRequest(ClassifyRequest, kw_only=True):
    """A text with the labels to judge."""

    threshold: Threshold = None


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


class ClassifyResponse(msgspec.Struct):
    """The one label that fits best."""

    label: str
    confidence: Annotated[float, Meta(description="Its share among the labels asked, 0 to 1, four decimals.")]
    tokens: int
    latency_ms: float
    cached: bool = False
