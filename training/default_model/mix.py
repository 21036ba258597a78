"""How often each label set is trained on, and which sets are kept for calibration."""

import hashlib
import random
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate

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


SHORT = 400
"""Characters up to which a text is joined with others."""

WINDOW = 1500
"""Characters that fit into the tokens a premise of training keeps."""

FEELINGS = frozenset({"sentiment", "emotion", "safety", "stance"})
"""Families whose texts colour any text around them, and so are no fillers."""


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
    fillers: list[tuple[str, str]]

    def example(self, index: int) -> Example:
        """The example at a place of the plan; the same each time it is asked for."""
        rng = random.Random(f"{self.seed}/{index}")
        text, premise = self.jobs[index]
        if premise is not None:
            return self.maker.of_premise(*premise, rng)
        assert text is not None
        return self._of_text(text, rng)

    def _of_text(self, text: LabelledText, rng: random.Random) -> Example:
        """The text alone, joined with others of its set, or among fillers; long texts always alone."""
        schema, habits = self.maker.schemas[text.schema], self.maker.habits
        if len(text.text) >= SHORT:
            return self.maker.of_text(text, rng)
        if rng.random() < self.maker.join_chance(schema):
            return self.maker.of_several([text, *self._partners(text, rng)], rng)
        if rng.random() < habits.buried:
            return self.maker.of_buried(text, self._fillers(schema, rng), rng)
        return self.maker.of_text(text, rng)

    def _partners(self, text: LabelledText, rng: random.Random) -> list[LabelledText]:
        drawn = rng.choices(self.by_schema[text.schema], k=rng.choice((1, 1, 1, 2)))
        return [partner for partner in drawn if len(partner.text) < SHORT]

    def _fillers(self, schema: Schema, rng: random.Random) -> list[str]:
        """Short texts of no set that speaks of the same kind of thing."""
        drawn = rng.choices(self.fillers, k=rng.randint(1, self.maker.habits.most_fillers))
        kept = [text for family, text in drawn if family not in FEELINGS and family != schema.family]
        lengths = accumulate(map(len, kept))
        return [text for text, length in zip(kept, lengths, strict=True) if length < WINDOW - SHORT]


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
    return Plan(maker, jobs, seed, by_schema, _fillers(maker, texts, nli))


def _fillers(maker: ExampleMaker, texts: list[LabelledText], nli: dict[str, list[Pair]]) -> list[tuple[str, str]]:
    """Family and text of everything short; sentences of NLI belong to no family."""
    own = [(maker.schemas[text.schema].family, text.text) for text in texts]
    return [pair for pair in [*own, *(("nli", premise) for premise in nli)] if len(pair[1]) < SHORT]


def _draw(owned: list[LabelledText], count: int, rng: random.Random) -> list[LabelledText]:
    whole, rest = divmod(count, len(owned))
    return owned * whole + rng.sample(owned, rest)
