"""How often each label set is trained on, and which sets are kept for calibration."""

import hashlib
import random
from collections import defaultdict
from dataclasses import dataclass

from training.data import LabelledText, Pair, Schema
from training.examples import Example, ExampleMaker

WRITTEN = "written/"
"""Sets composed and annotated for this project: the closest to what users send, so they weigh most."""

QUOTAS = {
    "tweet_sentiment": 7000,
    "customer_reviews": 3700,
    "mpqa": 3000,
    "goemotions": 7000,
    "goemotions_ekman": 4000,
    "tweet_offensive": 5800,
    "clinc150": 4500,
}
"""Polarity, emotion and offence need more texts than the general rule gives."""


@dataclass(frozen=True)
class Mix:
    """Counts of one pass. A public set gives `350 * sqrt(labels)` texts, at most 2,500, unless QUOTAS names it."""

    written_repeats: int = 2
    nli_premises: int = 45_000
    public_scale: float = 1.0

    def quota(self, schema: Schema, available: int) -> int:
        """How many examples of one pass come from a set with that many texts."""
        if schema.id.startswith(WRITTEN):
            return available * self.written_repeats
        general = min(350 * len(schema.names) ** 0.5, 2500)
        return min(available, int(QUOTAS.get(schema.id, general) * self.public_scale))


def is_held_out(schema: Schema, share: float = 0.05) -> bool:
    """Whether a written label set is kept out of training for calibration. Decided by its name alone."""
    digest = hashlib.sha256(schema.id.encode()).digest()
    return schema.id.startswith(WRITTEN) and int.from_bytes(digest[:4]) < share * 2**32


@dataclass
class Plan:
    """One pass over the mix, in an order that the seed fixes: resuming continues the same list."""

    maker: ExampleMaker
    jobs: list[tuple[LabelledText | None, tuple[str, list[Pair]] | None]]
    seed: int
    by_schema: dict[str, list[LabelledText]]

    def example(self, index: int) -> Example:
        """The example at a place of the plan; the same each time it is asked for."""
        rng = random.Random(f"{self.seed}/{index}")
        text, premise = self.jobs[index]
        if premise is not None:
            return self.maker.of_premise(*premise, rng)
        assert text is not None
        if self._joins(text, rng):
            return self.maker.of_two(text, rng.choice(self.by_schema[text.schema]), rng)
        return self.maker.of_text(text, rng)

    def _joins(self, text: LabelledText, rng: random.Random) -> bool:
        short, allowed = len(text.text) < 400, self.maker.allows_joining(self.maker.schemas[text.schema])
        return short and allowed and rng.random() < self.maker.habits.joined


def plan(maker: ExampleMaker, texts: list[LabelledText], nli: dict[str, list[Pair]], mix: Mix, seed: int) -> Plan:
    """Draws one pass: each set's quota, then NLI premises, shuffled together."""
    rng = random.Random(seed)
    by_schema = defaultdict(list)
    for text in texts:
        by_schema[text.schema].append(text)
    jobs: list = []
    for key, owned in by_schema.items():
        schema = maker.schemas[key]
        if not is_held_out(schema):
            jobs += [(text, None) for text in _draw(owned, mix.quota(schema, len(owned)), rng)]
    premises = rng.sample(list(nli.items()), min(mix.nli_premises, len(nli)))
    jobs += [(None, premise) for premise in premises]
    rng.shuffle(jobs)
    return Plan(maker, jobs, seed, by_schema)


def _draw(owned: list[LabelledText], count: int, rng: random.Random) -> list[LabelledText]:
    whole, rest = divmod(count, len(owned))
    return owned * whole + rng.sample(owned, rest)
