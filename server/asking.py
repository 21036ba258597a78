"""From the body of a request to a question: labels sent inline, or a saved version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request

from nli_tagger import LabelSet
from nli_tagger.tagger import DEFAULT_THRESHOLD, check_threshold
from server.auth import Caller
from server.errors import ValidationError
from server.recorder import Facts
from server.scheduler import Lane
from server.schemas.tagging import AskedLabels
from server.scoring import Question
from server.store.classifiers import Classifiers, Version

_LATER = ("image", "file", "examples")
_OF_THE_CLASSIFIER = ("labels", "descriptions", "text_type")


@dataclass(frozen=True)
class Asked:
    """A question, and the thresholds that go with its labels."""

    question: Question
    thresholds: Sequence[float]

    @property
    def labels(self) -> LabelSet:
        """The labels in the order asked."""
        return self.question.labels


class Asker:
    """Resolves what is asked, and says what is wrong with it."""

    def __init__(self, classifiers: Classifiers) -> None:
        self.classifiers = classifiers

    async def ask(
        self, data: AskedLabels, request: Request[Any, Any, Any], lane: Lane, threshold: float | None = None
    ) -> Asked:
        """Raises `ValidationError`, `InputError`, `NotFound` or `Forbidden`."""
        caller, facts = caller_of(request), facts_of(request)
        own = None if threshold is None else check_threshold(threshold)
        if data.classifier is None:
            caller.check_classifier(None)
            labels, version = LabelSet.of(data.labels or [], data.descriptions, data.text_type), ""
            thresholds = [DEFAULT_THRESHOLD] * len(labels.names)
        else:
            saved = await self._saved(data, data.classifier, caller)
            labels, version, thresholds = saved.definition.label_set, saved.id, saved.definition.least()
            facts.classifier = saved.reference
        facts.labels = len(labels.names)
        question = Question(caller, labels, version, lane, use_cache=data.cache is not False)
        return Asked(question, thresholds if own is None else [own] * len(labels.names))

    async def _saved(self, data: AskedLabels, reference: str, caller: Caller) -> Version:
        for field in _OF_THE_CLASSIFIER:
            if getattr(data, field):
                raise ValidationError(
                    f"{field} cannot be sent beside classifier, which has its own; send one of them.",
                    details={"field": field},
                )
        caller.check_classifier(reference.partition("@")[0])
        return await self.classifiers.resolve(reference)


def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """Who sent a request that has passed the guards."""
    caller: Caller = request.scope["state"]["caller"]
    return caller


def facts_of(request: Request[Any, Any, Any]) -> Facts:
    """What is noted of a request."""
    facts: Facts = request.scope["state"]["facts"]
    return facts


def refuse_unsupported(data: AskedLabels) -> None:
    """422 for inputs that this version cannot use: ignoring them would answer another question."""
    for field in _LATER:
        if getattr(data, field) is not None:
            raise ValidationError(
                f"{field} is not supported by this version of the server; send text and labels.",
                details={"field": field},
            )
