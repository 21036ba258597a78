"""The scorer of ordinary NLI checkpoints, against transformers' own forward pass."""

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from nli_tagger import Tagger
from nli_tagger.aggregation import sigmoid
from nli_tagger.scorers import CrossEncoderScorer
from nli_tagger.scorers.cross_encoder import PairTemplate

TEXTS = {
    "short": "Stocks surge.",
    "medium": "The goalkeeper saved two penalties, and the crowd cheered for an hour.",
    "long": "The minister resigned after the vote. " * 30,
}
HYPOTHESES = [
    "Yes.",
    "This text is tagged sports.",
    "This text is tagged politics.",
    "This text is tagged technology: Hardware, software, gadgets and everything that runs on electricity.",
    "Is a permit needed? Yes.",
    "This support ticket is tagged late delivery: " + "The parcel came days after the promised date. " * 6,
]


def ids(scorer, words):
    return scorer.tokenizer.encode(words, add_special_tokens=False).ids


def score(scorer, text, hypotheses):
    return scorer.score(ids(scorer, text), [ids(scorer, hypothesis) for hypothesis in hypotheses])


@pytest.fixture(params=TEXTS)
def text(request):
    return TEXTS[request.param]


def test_the_bundle_is_scored_by_the_cross_encoder_scorer(nli_model):
    assert isinstance(nli_model.scorer, CrossEncoderScorer)


def test_logits_are_transformers_entailment_minus_contradiction(nli_model, text):
    outputs = np.stack([nli_model.outputs(text, hypothesis) for hypothesis in HYPOTHESES])
    assert outputs.std(axis=0).min() > 0.01
    np.testing.assert_allclose(score(nli_model.scorer, text, HYPOTHESES), outputs[:, 0] - outputs[:, 2], atol=1e-4)


def test_without_a_contradiction_class_logits_are_against_all_others(model_without_contradiction, text):
    outputs = np.stack([model_without_contradiction.outputs(text, hypothesis) for hypothesis in HYPOTHESES])
    against = np.log(np.exp(outputs[:, 0]) + np.exp(outputs[:, 2]))
    scored = score(model_without_contradiction.scorer, text, HYPOTHESES)
    np.testing.assert_allclose(scored, outputs[:, 1] - against, atol=1e-4)


def test_the_probability_without_a_contradiction_class_is_the_softmax(model_without_contradiction):
    powers = np.exp(model_without_contradiction.outputs(TEXTS["short"], HYPOTHESES[1]))
    scored = score(model_without_contradiction.scorer, TEXTS["short"], HYPOTHESES[1:2])
    np.testing.assert_allclose(sigmoid(scored), powers[1] / powers.sum(), atol=1e-4)


def test_a_hypothesis_alone_has_the_logit_it_has_among_others(nli_model, text):
    alone = [score(nli_model.scorer, text, [hypothesis])[0] for hypothesis in HYPOTHESES]
    np.testing.assert_allclose(alone, score(nli_model.scorer, text, HYPOTHESES), atol=1e-4)


def test_in_int8_the_others_of_a_batch_do_not_change_a_bit(int8_model, text):
    alone = [score(int8_model.scorer, text, [hypothesis])[0] for hypothesis in HYPOTHESES]
    np.testing.assert_array_equal(alone, score(int8_model.scorer, text, HYPOTHESES))


def test_int8_is_smaller_and_close_to_full_precision(nli_model, int8_model, text):
    full, small = ((model.bundle.folder / "model.onnx").stat().st_size for model in (nli_model, int8_model))
    assert small < full / 2
    exact = score(nli_model.scorer, text, HYPOTHESES)
    rounded = score(int8_model.scorer, text, HYPOTHESES)
    assert np.abs(rounded - exact).max() > 0
    np.testing.assert_allclose(rounded, exact, atol=exact.std())


@pytest.mark.parametrize("name", ["nli_model", "model_of_300_positions"])
def test_a_full_window_with_a_full_hypothesis_fits_the_model(request, name):
    scorer = request.getfixturevalue(name).scorer
    window, hypothesis = [2000] * scorer.window_tokens, [3000] * scorer.hypothesis_tokens
    assert np.isfinite(scorer.score(window, [hypothesis, hypothesis[:5]])).all()


def test_no_hypotheses_have_no_logits(nli_model):
    assert nli_model.scorer.score([1000], []).shape == (0,)


def test_a_tagger_reads_a_cross_encoder_bundle(nli_model):
    tagged = Tagger(nli_model.bundle.folder).tag(TEXTS["medium"], ["sports", "politics"], threshold=0)
    logits = score(nli_model.scorer, TEXTS["medium"], ["This text is tagged sports.", "This text is tagged politics."])
    expected = dict(zip(["sports", "politics"], np.round(sigmoid(logits), 4), strict=True))
    assert {scored.label: scored.confidence for scored in tagged.labels} == expected


def with_template(pair: str) -> Tokenizer:
    """A tokenizer of a few words whose special tokens are the words of the template in angle brackets."""
    marks = sorted({word.split(":")[0] for word in pair.split() if word.startswith("<")})
    words = [*marks, "a", "b", "the", "cat", "sleeps"]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="a"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="$A", pair=pair, special_tokens=[(mark, tokenizer.token_to_id(mark)) for mark in marks]
    )
    return tokenizer


TEMPLATES = {
    "BERT": ("<cls> $A <sep> $B:1 <sep>:1", ["<cls>"], ["<sep>"], ["<sep>"], 1),
    "RoBERTa": ("<s> $A </s> </s> $B </s>", ["<s>"], ["</s>", "</s>"], ["</s>"], 0),
    "nothing before": ("$A <sep> $B:1 <sep>:1", [], ["<sep>"], ["<sep>"], 1),
}


@pytest.mark.parametrize(("pair", "before", "between", "after", "kind"), TEMPLATES.values(), ids=TEMPLATES)
def test_the_template_of_a_pair_is_read_off_the_tokenizer(pair, before, between, after, kind):
    tokenizer = with_template(pair)
    template = PairTemplate.of(tokenizer)
    expected = tuple(tuple(map(tokenizer.token_to_id, marks)) for marks in (before, between, after))
    assert (template.before, template.between, template.after) == expected
    assert template.second_type == kind
    assert template.size == len(before + between + after)


@pytest.mark.parametrize("pair", [template[0] for template in TEMPLATES.values()], ids=TEMPLATES)
@pytest.mark.parametrize(("text", "hypothesis"), [("the cat sleeps", "cat"), ("cat", "the cat"), ("", "cat")])
def test_a_joined_pair_is_what_the_tokenizer_makes_of_it(pair, text, hypothesis):
    tokenizer = with_template(pair)
    whole = tokenizer.encode(text, hypothesis)
    parts = [tokenizer.encode(words, add_special_tokens=False).ids for words in (text, hypothesis)]
    tokens, types = PairTemplate.of(tokenizer).join(*parts)
    np.testing.assert_array_equal(tokens, whole.ids)
    np.testing.assert_array_equal(types, whole.type_ids)
