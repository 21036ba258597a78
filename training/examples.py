"""One labelled text -> one training example: which labels are asked, and in which words."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nli_tagger.hypotheses import hypothesis, readable
from training.data import LabelledText, LabelWording, Pair, Schema

PARAPHRASES = (
    "{label}",
    "{label}.",
    "This example is {label}.",
    "This {type} is about {label}.",
    "The {type} is {label}.",
    "The label {label} fits this {type}.",
    "It can be described as {label}.",
)
"""Other sentences around a label, so that the model learns the label and not the product's template."""


ADDITIVE = frozenset({"tagging", "topic", "intent", "document", "finance", "dialogue"})
"""Families whose labels add up when texts are joined; verdicts and feelings outweigh each other."""

SEPARATORS = (" ", "\n", "\n\n")
"""What stands between texts that are read as one."""


@dataclass(frozen=True)
class Example:
    """A premise, the hypotheses asked of it, and whether each is entailed.

    `doubt` is how little a negative counts in the binary loss (0: fully). A set that allows one label only
    names the best one; another may still be true of the text.
    """

    premise: str
    hypotheses: tuple[str, ...]
    targets: tuple[bool, ...]
    doubt: float = 0.0


@dataclass(frozen=True)
class Habits:
    """How examples vary. Probabilities are per example; counts are labels."""

    hypotheses: int = 8
    most_positives: int = 5
    hard_share: float = 0.5
    view: float = 0.6
    description: float = 0.45
    text_type: float = 0.6
    paraphrase: float = 0.15
    foreign_label: float = 0.1
    drop_positives: float = 0.08
    single_label_doubt: float = 0.7
    joined: float = 0.35
    joined_tags: float = 0.15
    buried: float = 0.12
    buried_doubt: float = 0.5
    most_fillers: int = 5


@dataclass
class ExampleMaker:
    """Turns labelled texts into examples. `neighbours[schema][label]` lists the labels most like it first."""

    schemas: dict[str, Schema]
    neighbours: dict[str, list[list[int]]]
    habits: Habits = field(default_factory=Habits)

    def of_text(self, text: LabelledText, rng: random.Random) -> Example:
        """An example with all positives (up to a cap) and negatives of the same set, half of them hard."""
        schema = self.schemas[text.schema]
        chosen = self._choose(schema, text, rng)
        wording = self._wording(schema, rng)
        says = self._speaker(schema, rng)
        asked = [(says(wording[index]), index in text.yes) for index in chosen]
        foreign = self._foreign_label(schema, rng) if rng.random() < self.habits.foreign_label else None
        if foreign:
            asked.append((says(foreign), False))
        rng.shuffle(asked)
        return Example(text.text, tuple(a for a, _ in asked), tuple(b for _, b in asked), self._doubt(schema))

    def of_several(self, texts: Sequence[LabelledText], rng: random.Random) -> Example:
        """Texts of one set read as one: the labels of each apply, as single-label sets alone never show."""
        yes = {label for text in texts for label in text.yes}
        maybe = {label for text in texts for label in text.maybe} - yes
        together = rng.choice(SEPARATORS).join(text.text for text in texts)
        return self.of_text(LabelledText(texts[0].schema, together, tuple(yes), tuple(maybe)), rng)

    def of_buried(self, text: LabelledText, fillers: Sequence[str], rng: random.Random) -> Example:
        """A text somewhere among others that have nothing to do with it: what it says still holds."""
        place, between = rng.randint(0, len(fillers)), rng.choice(SEPARATORS)
        premise = between.join([*fillers[:place], text.text, *fillers[place:]])
        example = self.of_text(text, rng)
        return replace(example, premise=premise, doubt=max(example.doubt, self.habits.buried_doubt))

    def join_chance(self, schema: Schema) -> float:
        """How often a text of the set is joined with others of the set."""
        if schema.is_single:
            return self.habits.joined if self.allows_joining(schema) else 0.0
        return self.habits.joined_tags if schema.family in ADDITIVE else 0.0

    def allows_joining(self, schema: Schema) -> bool:
        """Whether two texts of a single-label set can be true of one text: labels that are no opposites."""
        return schema.is_single and len(schema.names) > 3

    def of_premise(self, premise: str, pairs: Sequence[Pair], rng: random.Random) -> Example:
        """An example of NLI pairs that share a premise; hypotheses are said as they stand."""
        kept = list(pairs) if len(pairs) <= self.habits.hypotheses else rng.sample(pairs, self.habits.hypotheses)
        return Example(premise, tuple(p.hypothesis for p in kept), tuple(p.entailed for p in kept))

    def _doubt(self, schema: Schema) -> float:
        """Opposites (two or three labels) exclude each other; of many labels the unchosen are only second best."""
        return self.habits.single_label_doubt if self.allows_joining(schema) else 0.0

    def _choose(self, schema: Schema, text: LabelledText, rng: random.Random) -> list[int]:
        negatives = [i for i in range(len(schema.names)) if i not in text.yes and i not in text.maybe]
        positives = list(text.yes)
        if len(positives) > self.habits.most_positives:
            positives = rng.sample(positives, self.habits.most_positives)
        if len(negatives) > 2 and rng.random() < self.habits.drop_positives:
            positives = []
        wanted = max(self.habits.hypotheses - len(positives), 3)
        if len(negatives) > wanted:
            negatives = self._pick_negatives(schema, positives, negatives, wanted, rng)
        return positives + negatives

    def _pick_negatives(
        self, schema: Schema, positives: list[int], negatives: list[int], wanted: int, rng: random.Random
    ) -> list[int]:
        allowed = set(negatives)
        hard: list[int] = []
        # the nearest labels of a single-label set are those that are true as well
        if positives and not self.allows_joining(schema):
            near = [i for i in self.neighbours[schema.id][rng.choice(positives)] if i in allowed]
            hard = rng.sample(near[: wanted * 2], min(len(near), int(wanted * self.habits.hard_share)))
        rest = [i for i in negatives if i not in hard]
        return hard + rng.sample(rest, wanted - len(hard))

    def _wording(self, schema: Schema, rng: random.Random) -> tuple[LabelWording, ...]:
        if len(schema.wordings) > 1 and rng.random() < self.habits.view:
            return rng.choice(schema.wordings[1:])
        return schema.wordings[0]

    def _foreign_label(self, schema: Schema, rng: random.Random) -> LabelWording | None:
        """A label of another family's set, which almost surely does not apply."""
        other = self.schemas[rng.choice(list(self.schemas))]
        label = rng.choice(other.wordings[0])
        return label if other.family != schema.family and label.name not in schema.names else None

    def _speaker(self, schema: Schema, rng: random.Random) -> "_Speaker":
        return _Speaker(
            text_type=schema.text_type if rng.random() < self.habits.text_type else None,
            describe=rng.random() < self.habits.description,
            paraphrase=rng.choice(PARAPHRASES) if rng.random() < self.habits.paraphrase else None,
        )


@dataclass(frozen=True)
class _Speaker:
    """Says every label of one example in the same way, as one request would."""

    text_type: str | None
    describe: bool
    paraphrase: str | None

    def __call__(self, label: LabelWording) -> str:
        description = label.description if self.describe else None
        if self.paraphrase is None:
            return hypothesis(label.name, description, self.text_type)
        words = readable(label.name) + (f": {description}" if description else "")
        return self.paraphrase.format(label=words.rstrip("."), type=self.text_type or "text")
