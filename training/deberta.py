"""DeBERTa-v2 under the one-way mask: the text is read once, each hypothesis reads the text.

Sequence: `[CLS] text [SEP] hypothesis [SEP]`, token type 0 up to the first `[SEP]`, 1 after it.
Text tokens attend to text tokens only; hypothesis tokens attend to the text and to their own
hypothesis. The logit is read at the hypothesis' closing `[SEP]`.

The weights are those of Hugging Face's `DebertaV2ForSequenceClassification` with one output
(only the place where the logit is read differs), so a checkpoint is an ordinary one. `one_way_mask`
passed to `DebertaV2Model` as a 3-D attention mask gives the same hidden states: that equality
is the parity test for this file and for the exported graphs.

The mask is MICE's (arXiv:2602.16299, "text never attends to the query side"); the attention is
DeBERTa's (arXiv:2006.03654).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertModel, DebertaV2Config, DebertaV2ForSequenceClassification
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position


@dataclass
class Batch:
    """Premises with the hypotheses that are scored against each.

    Premises are padded on the left, so that the distance between a hypothesis token and a text
    token does not depend on the padding and one table of relative positions serves the batch.

    Shapes: premise_ids [P, T]; premise_mask [P, T]; hypothesis_ids [P, N, L] padded on the right;
    hypothesis_mask [P, N, L]. Masks are 1 for real tokens.
    """

    premise_ids: Tensor
    premise_mask: Tensor
    hypothesis_ids: Tensor
    hypothesis_mask: Tensor


class OneWayDeberta(nn.Module):
    """Scores hypotheses against premises; every term that belongs to a premise is computed once."""

    def __init__(self, checkpoint: DebertaV2ForSequenceClassification) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.config: DebertaV2Config = checkpoint.config
        _check_supported(self.config)
        self.heads = self.config.num_attention_heads
        self.scale = (3 * self.config.hidden_size // self.heads) ** -0.5

    @classmethod
    def load(cls, folder: Path | str) -> "OneWayDeberta":
        """Reads a checkpoint folder (weights in any precision, kept in fp32 here)."""
        return cls(DebertaV2ForSequenceClassification.from_pretrained(folder, dtype=torch.float32))

    def save(self, folder: Path | str, dtype: torch.dtype = torch.float16) -> None:
        """Writes `config.json` and `model.safetensors` in half precision."""
        weights = {name: value.to(dtype) for name, value in self.checkpoint.state_dict().items()}
        self.checkpoint.save_pretrained(folder, state_dict=weights)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [P, N]; P(entailed) = sigmoid(logit)."""
        states = self.hidden_states(batch)[1]
        closing = batch.hypothesis_mask.sum(-1, keepdim=True).clamp(min=1) - 1
        index = closing.unsqueeze(-1).expand(*closing.shape, states.size(-1))
        return self._logits(states.gather(2, index).squeeze(2))

    def hidden_states(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Last hidden states of the premises [P, T, D] and of the hypotheses [P, N, L, D]."""
        text, claim = self._embed(batch)
        geometry = _Geometry.of(batch, self.config)
        rel = self.checkpoint.deberta.encoder.rel_embeddings.weight
        for layer in self.checkpoint.deberta.encoder.layer:
            text, claim = self._layer(layer, rel, text, claim, geometry)
        return text, claim

    def _embed(self, batch: Batch) -> tuple[Tensor, Tensor]:
        positions = (batch.premise_mask.cumsum(-1) - 1).clamp(min=0)
        lengths = batch.premise_mask.sum(-1)[:, None, None]
        claim_positions = lengths + torch.arange(batch.hypothesis_ids.size(-1), device=lengths.device)
        text = self._embed_tokens(batch.premise_ids, positions, token_type=0)
        claim = self._embed_tokens(batch.hypothesis_ids, claim_positions.expand_as(batch.hypothesis_ids), token_type=1)
        return text, claim

    def _embed_tokens(self, ids: Tensor, positions: Tensor, token_type: int) -> Tensor:
        embeddings = self.checkpoint.deberta.embeddings
        states = embeddings.word_embeddings(ids) + embeddings.position_embeddings(positions)
        states = states + embeddings.token_type_embeddings.weight[token_type]
        return embeddings.LayerNorm(states)

    def _layer(
        self, layer: Any, rel: Tensor, text: Tensor, claim: Tensor, geometry: "_Geometry"
    ) -> tuple[Tensor, Tensor]:
        attention = layer.attention.self
        position_keys = self._split(attention.key_proj(rel))  # [H, B, d]
        position_queries = self._split(attention.query_proj(rel)) * self.scale
        q, k, v = (self._split(proj(text)) for proj in (attention.query_proj, attention.key_proj, attention.value_proj))
        q = q * self.scale
        text_out = self._attend_text(q, k, v, position_keys, position_queries, geometry)
        claim_out = self._attend_claim(attention, claim, k, v, position_keys, position_queries, geometry)
        return _feed_forward(layer, text_out, text), _feed_forward(layer, claim_out, claim)

    def _attend_text(
        self, q: Tensor, k: Tensor, v: Tensor, position_keys: Tensor, position_queries: Tensor, geometry: "_Geometry"
    ) -> Tensor:
        """q, k, v [P, H, T, d] -> [P, T, D]."""
        buckets = geometry.text_to_text
        scores = q @ k.transpose(-1, -2)
        scores = scores + _pick(q @ position_keys.transpose(-1, -2), buckets)
        scores = scores + _pick(k @ position_queries.transpose(-1, -2), buckets.transpose(0, 2)).transpose(-1, -2)
        probs = F.softmax(scores + geometry.text_bias, dim=-1)
        return _merge(probs.to(v.dtype) @ v)

    def _attend_claim(
        self,
        attention: Any,
        claim: Tensor,
        text_keys: Tensor,
        text_values: Tensor,
        position_keys: Tensor,
        position_queries: Tensor,
        geometry: "_Geometry",
    ) -> Tensor:
        """claim [P, N, L, D], text keys and values [P, H, T, d] -> [P, N, L, D].

        All hypotheses of a premise are one long query for the product with its keys; the
        attention inside a hypothesis is its own small block.
        """
        premises, count, length, _ = claim.shape
        q = self._split(attention.query_proj(claim)) * self.scale  # [P, N, H, L, d]
        k, v = self._split(attention.key_proj(claim)), self._split(attention.value_proj(claim))
        folded = q.transpose(1, 2).reshape(premises, self.heads, count * length, -1)

        def unfolded(states: Tensor) -> Tensor:
            return states.view(premises, self.heads, count, length, -1).transpose(1, 2)

        by_position = unfolded(folded @ position_keys.transpose(-1, -2))  # [P, N, H, L, B]
        to_text = unfolded(folded @ text_keys.transpose(-1, -2))
        to_text = to_text + _pick(by_position, geometry.claim_to_text)
        # the text's share of the position term is the same for every hypothesis of a premise
        of_text = _pick(text_keys @ position_queries.transpose(-1, -2), geometry.claim_to_text.transpose(0, 2))
        to_text = to_text + of_text.transpose(-1, -2).unsqueeze(1)

        to_self = q @ k.transpose(-1, -2) + _pick(by_position, geometry.claim_to_claim)
        of_self = _pick(k @ position_queries.transpose(-1, -2), geometry.claim_to_claim.transpose(0, 2))
        to_self = to_self + of_self.transpose(-1, -2)

        scores = torch.cat([to_text + geometry.text_bias.unsqueeze(1), to_self + geometry.claim_bias], dim=-1)
        probs = F.softmax(scores, dim=-1).to(v.dtype)
        from_text, from_self = probs.split([text_keys.size(2), length], dim=-1)
        folded = from_text.transpose(1, 2).reshape(premises, self.heads, count * length, -1)
        out = unfolded(folded @ text_values) + from_self @ v
        return _merge(out)

    def _split(self, states: Tensor) -> Tensor:
        """[..., L, D] -> [..., H, L, d]."""
        return states.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

    def _logits(self, closing: Tensor) -> Tensor:
        pooled = F.gelu(self.checkpoint.pooler.dense(closing))
        return self.checkpoint.classifier(pooled).squeeze(-1).float()


@dataclass
class _Geometry:
    """Relative positions as one-hot tables, and masks as additive biases.

    Picking a bucket by a product with a one-hot table is exact and, unlike a gather, has a
    backward pass that is a matrix product too: 4 times as fast on a CPU.

    Shapes: text_to_text [T, B, T], claim_to_text [L, B, T], claim_to_claim [L, B, L] (query
    position, bucket, key position); text_bias [P, 1, 1, T]; claim_bias [P, N, 1, 1, L].
    """

    text_to_text: Tensor
    claim_to_text: Tensor
    claim_to_claim: Tensor
    text_bias: Tensor
    claim_bias: Tensor

    @classmethod
    def of(cls, batch: Batch, config: DebertaV2Config) -> "_Geometry":
        text, claim = batch.premise_ids.size(-1), batch.hypothesis_ids.size(-1)
        device = batch.premise_ids.device
        at_text, at_claim = torch.arange(text, device=device), torch.arange(text, text + claim, device=device)
        dtype = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32
        return cls(
            _one_hot_buckets(at_text, at_text, config, dtype),
            _one_hot_buckets(at_claim, at_text, config, dtype),
            _one_hot_buckets(at_claim, at_claim, config, dtype),
            _bias(batch.premise_mask, dtype)[:, None, None, :],
            _bias(batch.hypothesis_mask, dtype)[:, :, None, None, :],
        )


def one_way_mask(premise_length: int, hypothesis_lengths: list[int]) -> Tensor:
    """The mask of one text with several hypotheses laid out one after the other.

    Returns [1, S, S] with 1 where the row's token may attend to the column's token; give it to
    `DebertaV2Model`'s encoder as a 3-D attention mask.
    """
    total = premise_length + sum(hypothesis_lengths)
    mask = torch.zeros(1, total, total, dtype=torch.long)
    mask[:, :, :premise_length] = 1
    start = premise_length
    for length in hypothesis_lengths:
        mask[:, start : start + length, start : start + length] = 1
        start += length
    return mask


def relative_buckets(distances: Tensor, config: DebertaV2Config) -> Tensor:
    """Distance (query position minus key position) -> row of the relative embeddings, 0 <= row < 2 * buckets."""
    span = config.position_buckets
    limit = config.max_relative_positions if config.max_relative_positions > 0 else config.max_position_embeddings
    return (make_log_bucket_position(distances, span, limit).long() + span).clamp(0, 2 * span - 1)


def from_bert(bert: BertModel, position_buckets: int = 16) -> DebertaV2ForSequenceClassification:
    """A DebertaV2 that computes exactly what a BERT encoder computes, ready to learn relative positions.

    DeBERTa divides the scores by sqrt(3 d) where BERT divides by sqrt(d), and with a shared
    attention key and zero relative embeddings its position-to-content term adds the query bias
    once more. So the query weight is scaled by sqrt(3) and the query bias by sqrt(3) / 2.
    """
    target = DebertaV2ForSequenceClassification(_config_from_bert(bert, position_buckets))
    target.deberta.load_state_dict(_encoder_from_bert(bert, position_buckets), strict=True)
    nn.init.zeros_(target.classifier.weight)
    nn.init.zeros_(target.classifier.bias)
    return target


def _config_from_bert(bert: BertModel, position_buckets: int) -> DebertaV2Config:
    source = bert.config
    return DebertaV2Config(
        vocab_size=source.vocab_size,
        hidden_size=source.hidden_size,
        num_hidden_layers=source.num_hidden_layers,
        num_attention_heads=source.num_attention_heads,
        intermediate_size=source.intermediate_size,
        hidden_act=source.hidden_act,
        max_position_embeddings=source.max_position_embeddings,
        type_vocab_size=source.type_vocab_size,
        layer_norm_eps=source.layer_norm_eps,
        initializer_range=source.initializer_range,
        pad_token_id=source.pad_token_id,
        relative_attention=True,
        position_buckets=position_buckets,
        position_biased_input=True,
        pos_att_type=["c2p", "p2c"],
        share_att_key=True,
        norm_rel_ebd="none",
        pooler_hidden_act="gelu",
        num_labels=1,
    )


def _encoder_from_bert(bert: BertModel, position_buckets: int) -> dict[str, Tensor]:
    renamed = {"query": "query_proj", "key": "key_proj", "value": "value_proj"}
    weights = {}
    for name, value in bert.state_dict().items():
        if name.startswith("pooler.") or name.endswith("_ids"):
            continue
        parts = [renamed.get(part, part) for part in name.split(".")]
        if "query_proj" in parts:
            value = value * (3**0.5 if parts[-1] == "weight" else 3**0.5 / 2)
        weights[".".join(parts)] = value
    return weights | {"encoder.rel_embeddings.weight": torch.zeros(2 * position_buckets, bert.config.hidden_size)}


def _check_supported(config: DebertaV2Config) -> None:
    wanted = {
        "relative_attention": True,
        "share_att_key": True,
        "position_biased_input": True,
        "norm_rel_ebd": "none",
        "num_labels": 1,
    }
    wrong = {name: getattr(config, name) for name, value in wanted.items() if getattr(config, name) != value}
    if wrong or set(config.pos_att_type) != {"c2p", "p2c"} or config.position_buckets < 1:
        raise ValueError(
            "The one-way model needs a DebertaV2 checkpoint with shared attention keys, c2p and p2c, bucketed "
            f"relative positions, absolute positions and one output; this one differs in {wrong or 'its positions'}."
        )


def _one_hot_buckets(queries: Tensor, keys: Tensor, config: DebertaV2Config, dtype: torch.dtype) -> Tensor:
    buckets = relative_buckets(queries[:, None] - keys[None, :], config)
    return F.one_hot(buckets, 2 * config.position_buckets).transpose(1, 2).to(dtype)


def _pick(scores: Tensor, one_hot: Tensor) -> Tensor:
    """scores [..., I, B], one_hot [I, B, J] -> [..., I, J]."""
    rows = scores.size(-2)
    by_row = scores.movedim(-2, 0).reshape(rows, -1, scores.size(-1))
    picked = by_row @ one_hot.to(by_row.dtype)
    return picked.view(rows, *scores.shape[:-2], -1).movedim(0, -2)


def _bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    return (1 - mask).to(dtype) * -1e4


def _merge(context: Tensor) -> Tensor:
    """[..., H, L, d] -> [..., L, D]."""
    return context.transpose(-2, -3).flatten(-2)


def _feed_forward(layer: Any, context: Tensor, states: Tensor) -> Tensor:
    attended = layer.attention.output.LayerNorm(layer.attention.output.dense(context) + states)
    inner = F.gelu(layer.intermediate.dense(attended))
    return layer.output.LayerNorm(layer.output.dense(inner) + attended)
