"""The two graphs of a shared-premise model, written from a checkpoint's weights.

`premise.onnx`: token ids [T] -> per layer the text's keys [H, d, T] and values [H, T, d].
`hypotheses.onnx`: token ids [N, L], lengths [N] and those keys and values -> logits [N].

The last layer is cut to what is read: of the text its keys and values, of a hypothesis its
closing token. Letters in comments: N hypotheses of L tokens, T text tokens, H heads of d, B buckets.
"""

import numpy as np
import torch
from onnx import TensorProto

from training.deberta import OneWayDeberta, relative_buckets
from training.onnx_builder import GraphBuilder, WeightFile
from training.precision import Precision

_MASKED = -1e4


class LayerWeights:
    """One encoder layer as numpy arrays, weights as [in, out], the attention scale folded into the queries."""

    def __init__(self, model: OneWayDeberta, index: int) -> None:
        layer = model.checkpoint.deberta.encoder.layer[index]
        rel = model.checkpoint.deberta.encoder.rel_embeddings.weight
        attention = layer.attention.self
        self.name = f"layer{index}"
        self.query = _linear(attention.query_proj, model.scale)
        self.key, self.value = _linear(attention.key_proj), _linear(attention.value_proj)
        self.attention_output = _linear(layer.attention.output.dense)
        self.attention_norm = _norm(layer.attention.output.LayerNorm)
        self.inner, self.output = _linear(layer.intermediate.dense), _linear(layer.output.dense)
        self.output_norm = _norm(layer.output.LayerNorm)
        with torch.no_grad():
            heads = (rel.size(0), model.heads, -1)
            self.position_keys = attention.key_proj(rel).view(heads).permute(1, 2, 0).numpy()  # [H, d, B]
            self.position_queries = (attention.query_proj(rel) * model.scale).view(heads).permute(1, 0, 2).numpy()


class ModelGraphs:
    """Writes both graphs of a model in one precision over one weight file."""

    def __init__(self, model: OneWayDeberta, precision: Precision) -> None:
        self.model, self.precision = model.eval(), precision
        self.layers = [LayerWeights(model, i) for i in range(model.config.num_hidden_layers)]
        self.heads, self.width = model.heads, model.config.hidden_size
        self.buckets = 2 * model.config.position_buckets
        self.weights = WeightFile()

    def premise(self) -> GraphBuilder:
        """Token ids of `[CLS] text [SEP]` -> keys and values of every layer."""
        g = GraphBuilder("premise", self.weights)
        ids = g.input("input_ids", TensorProto.INT64, ["text"])
        positions = g.arange(g.size(ids, 0))
        states = self._embed(g, ids, positions, token_type=0)  # [T, D]
        index = self._bucket_index(g, positions, positions)  # [T, T]
        one_hot = self._one_hot(g, index)
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            *q, k, v = self._project(g, layer, states, ["query"] * (number < last) + ["key", "value"])
            keys = g.transpose(self._heads(g, k), 1, 2, 0)  # [H, d, T]
            values = g.transpose(self._heads(g, v), 1, 0, 2)  # [H, T, d]
            g.output(f"keys_{number}", keys, TensorProto.FLOAT, [self.heads, self.width // self.heads, "text"])
            g.output(f"values_{number}", values, TensorProto.FLOAT, [self.heads, "text", self.width // self.heads])
            if q:
                context = self._text_context(g, layer, self._heads(g, q[0]), keys, values, index, one_hot)
                states = self._feed_forward(g, layer, context, states)
        return g

    def hypotheses(self) -> GraphBuilder:
        """Token ids of `hypothesis [SEP]`, right-padded, with a text's keys and values -> logits."""
        g = GraphBuilder("hypotheses", self.weights)
        ids = g.input("input_ids", TensorProto.INT64, ["hypotheses", "length"])
        lengths = g.input("lengths", TensorProto.INT64, ["hypotheses"])
        d = self.width // self.heads
        texts = []
        for number in range(len(self.layers)):
            keys = g.input(f"keys_{number}", TensorProto.FLOAT, [self.heads, d, "text"])
            texts.append((keys, g.input(f"values_{number}", TensorProto.FLOAT, [self.heads, "text", d])))
        geometry = _Geometry(self, g, ids, lengths, texts[0][0])
        states = self._embed(g, ids, geometry.positions, token_type=1)  # [N, L, D]
        for layer, (keys, values) in zip(self.layers[:-1], texts, strict=False):
            context = self._claim_context(g, layer, states, keys, values, geometry)
            states = self._feed_forward(g, layer, context, states)
        closing = self._closing_states(g, self.layers[-1], states, *texts[-1], geometry)  # [N, D]
        g.output("logits", self._head(g, closing), TensorProto.FLOAT, ["hypotheses"])
        return g

    def _embed(self, g: GraphBuilder, ids: str, positions: str, token_type: int) -> str:
        embeddings = self.model.checkpoint.deberta.embeddings
        words = self.precision.embedding(g, "words", _array(embeddings.word_embeddings.weight), ids)
        places = g.op("Gather", g.weight("positions", _array(embeddings.position_embeddings.weight)), positions)
        kind = g.weight(f"type{token_type}", _array(embeddings.token_type_embeddings.weight)[token_type])
        return self._normalise(
            g, "embeddings", _norm(embeddings.LayerNorm), g.op("Add", g.op("Add", words, places), kind)
        )

    def _project(self, g: GraphBuilder, layer: LayerWeights, states: str, parts: list[str]) -> list[str]:
        """Several projections of the same states as one product; returns one value per part."""
        pairs = [getattr(layer, part) for part in parts]
        weight = np.concatenate([w for w, _ in pairs], axis=1)
        bias = np.concatenate([b for _, b in pairs])
        rows = self.precision.rows(g, states)
        name = f"{layer.name}.{'_'.join(parts)}"
        joined = self.precision.linear(g, rows, name, weight, bias)
        if len(parts) == 1:
            return [joined]
        return g.ops("Split", joined, outputs=len(parts), axis=-1, num_outputs=len(parts))

    def _text_context(
        self, g: GraphBuilder, layer: LayerWeights, q: str, keys: str, values: str, index: str, one_hot: str
    ) -> str:
        """q [T, H, d] -> [T, D]."""
        position_keys = g.weight(f"{layer.name}.position_keys", layer.position_keys)
        content = g.op("MatMul", g.transpose(q, 1, 0, 2), keys)  # [H, T, T]
        by_position = g.op("MatMul", g.unsqueeze(q, 2), position_keys)  # [T, H, 1, B]
        by_position = g.op("MatMul", g.reshape(by_position, 0, self.heads, self.buckets), one_hot)  # [T, H, T]
        content = g.op("Add", content, g.transpose(by_position, 1, 0, 2))
        scores = g.op("Add", content, self._position_to_content(g, layer, keys, index))
        context = g.op("MatMul", g.op("Softmax", scores, axis=-1), values)  # [H, T, d]
        return g.reshape(g.transpose(context, 1, 0, 2), 0, self.width)

    def _position_to_content(self, g: GraphBuilder, layer: LayerWeights, keys: str, index: str) -> str:
        """keys [H, d, T], index [I, T] -> [H, I, T]: how much each key draws a query at each position."""
        position_queries = g.weight(f"{layer.name}.position_queries", layer.position_queries)  # [H, B, d]
        by_bucket = g.op("MatMul", position_queries, keys)  # [H, B, T]
        shape = g.op("Concat", g.ints(self.heads), g.op("Shape", index), axis=0)
        return g.op("GatherElements", by_bucket, g.op("Expand", index, shape), axis=1)

    def _claim_context(
        self, g: GraphBuilder, layer: LayerWeights, states: str, keys: str, values: str, geometry: "_Geometry"
    ) -> str:
        """states [N, L, D] -> [N, L, D]. Scores are laid out [L, H, N, keys], so that the position tables,
        which depend on L alone, multiply without being repeated for every hypothesis."""
        q, k, v = (self._heads(g, part) for part in self._project(g, layer, states, ["query", "key", "value"]))
        q_first = g.transpose(q, 1, 2, 0, 3)  # [L, H, N, d]
        by_position = g.op("MatMul", q_first, g.weight(f"{layer.name}.position_keys", layer.position_keys))
        by_position = g.reshape(by_position, 0, -1, self.buckets)  # [L, H*N, B]
        to_text = self._to_text(g, layer, q_first, by_position, keys, geometry)
        to_self = self._to_self(g, layer, q, k, by_position, geometry)
        probs = g.op("Softmax", g.op("Concat", to_text, to_self, axis=-1), axis=-1)
        sizes = g.op("Concat", geometry.text_size, geometry.claim_size, axis=0)
        on_text, on_self = g.ops("Split", probs, sizes, outputs=2, axis=-1)
        from_text = g.transpose(g.op("MatMul", on_text, values), 2, 0, 1, 3)  # [N, L, H, d]
        from_self = g.op("MatMul", g.transpose(on_self, 2, 1, 0, 3), g.transpose(v, 0, 2, 1, 3))  # [N, H, L, d]
        context = g.op("Add", from_text, g.transpose(from_self, 0, 2, 1, 3))
        return g.reshape(context, 0, 0, self.width)

    def _to_text(
        self, g: GraphBuilder, layer: LayerWeights, q_first: str, by_position: str, keys: str, geometry: "_Geometry"
    ) -> str:
        content = g.op("MatMul", q_first, keys)  # [L, H, N, T]
        picked = g.op("Reshape", g.op("MatMul", by_position, geometry.text_one_hot), g.op("Shape", content))
        of_text = self._position_to_content(g, layer, keys, geometry.text_index)  # [H, L, T]
        return g.op("Add", g.op("Add", content, picked), g.unsqueeze(g.transpose(of_text, 1, 0, 2), 2))

    def _to_self(
        self, g: GraphBuilder, layer: LayerWeights, q: str, k: str, by_position: str, geometry: "_Geometry"
    ) -> str:
        content = g.op("MatMul", g.transpose(q, 0, 2, 1, 3), g.transpose(k, 0, 2, 3, 1))  # [N, H, L, L]
        content = g.transpose(content, 2, 1, 0, 3)  # [L, H, N, L]
        shape = g.op("Shape", content)
        picked = g.op("Reshape", g.op("MatMul", by_position, geometry.self_one_hot), shape)
        position_queries = g.weight(f"{layer.name}.position_queries", layer.position_queries)
        drawn = g.op("MatMul", g.transpose(k, 1, 2, 0, 3), g.transpose(position_queries, 0, 2, 1))  # [L(key), H, N, B]
        drawn = g.op("MatMul", g.reshape(drawn, 0, -1, self.buckets), geometry.self_one_hot_by_key)
        drawn = g.transpose(g.op("Reshape", drawn, shape), 3, 1, 2, 0)  # [L, H, N, L(key)]
        return g.op("Add", g.op("Add", g.op("Add", content, picked), drawn), geometry.padding_bias)

    def _closing_states(
        self, g: GraphBuilder, layer: LayerWeights, states: str, keys: str, values: str, geometry: "_Geometry"
    ) -> str:
        """The last layer for the closing token of every hypothesis: states [N, L, D] -> [N, D]."""
        k, v = (self._heads(g, part) for part in self._project(g, layer, states, ["key", "value"]))
        closing = g.op("GatherND", states, geometry.closing_index, batch_dims=1)  # [N, D]
        (q,) = self._project(g, layer, closing, ["query"])
        q = self._heads(g, q)  # [N, H, d]
        position_keys = g.weight(f"{layer.name}.position_keys", layer.position_keys)
        by_position = g.reshape(g.op("MatMul", g.unsqueeze(q, 2), position_keys), 0, self.heads, self.buckets)
        to_text = g.transpose(g.op("MatMul", g.transpose(q, 1, 0, 2), keys), 1, 0, 2)  # [N, H, T]
        to_text = g.op("Add", to_text, g.op("MatMul", by_position, geometry.closing_text_one_hot))
        of_text = g.transpose(self._position_to_content(g, layer, keys, geometry.text_index), 1, 0, 2)
        to_text = g.op("Add", to_text, g.op("Gather", of_text, geometry.closing, axis=0))
        to_self = self._closing_to_self(g, layer, q, k, by_position, geometry)
        probs = g.op("Softmax", g.op("Concat", to_text, to_self, axis=-1), axis=-1)
        sizes = g.op("Concat", geometry.text_size, geometry.claim_size, axis=0)
        on_text, on_self = g.ops("Split", probs, sizes, outputs=2, axis=-1)
        from_text = g.transpose(g.op("MatMul", g.transpose(on_text, 1, 0, 2), values), 1, 0, 2)  # [N, H, d]
        from_self = g.op("MatMul", g.unsqueeze(on_self, 2), g.transpose(v, 0, 2, 1, 3))  # [N, H, 1, d]
        context = g.op("Add", from_text, g.op("Squeeze", from_self, g.ints(2)))
        return self._feed_forward(g, layer, g.reshape(context, 0, self.width), closing)

    def _closing_to_self(
        self, g: GraphBuilder, layer: LayerWeights, q: str, k: str, by_position: str, geometry: "_Geometry"
    ) -> str:
        content = g.op("MatMul", g.unsqueeze(q, 2), g.transpose(k, 0, 2, 3, 1))  # [N, H, 1, L]
        content = g.op("Squeeze", content, g.ints(2))
        picked = g.op("MatMul", by_position, geometry.closing_self_one_hot)
        position_queries = g.weight(f"{layer.name}.position_queries", layer.position_queries)
        drawn = g.op("MatMul", position_queries, g.transpose(k, 0, 2, 3, 1))  # [N, H, B, L]
        one_hot = g.unsqueeze(geometry.closing_self_one_hot, 1)  # [N, 1, B, L]
        drawn = g.op("ReduceSum", g.op("Mul", drawn, one_hot), g.ints(2), keepdims=0)
        bias = g.transpose(g.op("Squeeze", geometry.padding_bias, g.ints(0)), 1, 0, 2)  # [N, 1, L]
        return g.op("Add", g.op("Add", g.op("Add", content, picked), drawn), bias)

    def _feed_forward(self, g: GraphBuilder, layer: LayerWeights, context: str, states: str) -> str:
        attended = self._dense(g, f"{layer.name}.attention_output", context, layer.attention_output)
        attended = self._normalise(
            g, f"{layer.name}.attention_norm", layer.attention_norm, g.op("Add", attended, states)
        )
        inner = g.op("Gelu", self._dense(g, f"{layer.name}.inner", attended, layer.inner))
        outer = self._dense(g, f"{layer.name}.output", inner, layer.output)
        return self._normalise(g, f"{layer.name}.output_norm", layer.output_norm, g.op("Add", outer, attended))

    def _dense(self, g: GraphBuilder, name: str, states: str, pair: tuple[np.ndarray, np.ndarray]) -> str:
        return self.precision.linear(g, self.precision.rows(g, states), name, *pair)

    def _normalise(self, g: GraphBuilder, name: str, norm: tuple[np.ndarray, np.ndarray], states: str) -> str:
        scale, bias = g.weight(f"{name}.weight", norm[0]), g.weight(f"{name}.bias", norm[1])
        return g.op("LayerNormalization", states, scale, bias, axis=-1, epsilon=self.model.config.layer_norm_eps)

    def _head(self, g: GraphBuilder, closing: str) -> str:
        pooled = g.op("Gelu", self._full_precision(g, "pooler", closing, _linear(self.model.checkpoint.pooler.dense)))
        logits = self._full_precision(g, "classifier", pooled, _linear(self.model.checkpoint.classifier))
        return g.op("Squeeze", logits, g.ints(-1))

    @staticmethod
    def _full_precision(g: GraphBuilder, name: str, states: str, pair: tuple[np.ndarray, np.ndarray]) -> str:
        product = g.op("MatMul", states, g.weight(f"{name}.weight", pair[0]))
        return g.op("Add", product, g.weight(f"{name}.bias", pair[1]))

    def _heads(self, g: GraphBuilder, states: str) -> str:
        """[..., D] -> [..., H, d]; the leading axes are kept."""
        shape = g.op("Concat", g.op("Shape", states, start=0, end=-1), g.ints(self.heads, -1), axis=0)
        return g.op("Reshape", states, shape)

    def _bucket_index(self, g: GraphBuilder, queries: str, keys: str) -> str:
        """Positions [I] and [J] -> rows of the relative embeddings [I, J]."""
        limit = self.model.config.max_position_embeddings
        table = relative_buckets(torch.arange(-limit, limit + 1), self.model.config).numpy()
        distance = g.op("Sub", g.unsqueeze(queries, 1), g.unsqueeze(keys, 0))
        return g.op("Gather", g.weight("buckets", table), g.op("Add", distance, g.constant(limit, "int64")))

    def _one_hot(self, g: GraphBuilder, index: str) -> str:
        """[I, J] -> [I, B, J]."""
        return g.op("OneHot", index, g.constant(self.buckets, "int64"), g.constant([0, 1], "float32"), axis=1)


class _Geometry:
    """What positions and lengths give, worked out once for all layers of the hypotheses graph."""

    def __init__(self, graphs: ModelGraphs, g: GraphBuilder, ids: str, lengths: str, keys: str) -> None:
        text, claim = g.size(keys, 2), g.size(ids, 1)
        self.text_size, self.claim_size = g.unsqueeze(text, 0), g.unsqueeze(claim, 0)
        at_text, offsets = g.arange(text), g.arange(claim)
        self.positions = g.op("Add", offsets, text)  # [L]
        self.text_index = graphs._bucket_index(g, self.positions, at_text)  # [L, T]
        self.text_one_hot = graphs._one_hot(g, self.text_index)  # [L, B, T]
        self.self_one_hot = graphs._one_hot(g, graphs._bucket_index(g, self.positions, self.positions))  # [L, B, L]
        self.self_one_hot_by_key = g.transpose(self.self_one_hot, 2, 1, 0)
        self.closing = g.op("Sub", lengths, g.constant(1, "int64"))  # [N]
        self.closing_index = g.unsqueeze(self.closing, 1)
        self.closing_text_one_hot = g.op("Gather", self.text_one_hot, self.closing, axis=0)  # [N, B, T]
        self.closing_self_one_hot = g.op("Gather", self.self_one_hot, self.closing, axis=0)  # [N, B, L]
        is_padding = g.op("GreaterOrEqual", g.unsqueeze(offsets, 0), g.unsqueeze(lengths, 1))  # [N, L]
        bias = g.op("Mul", g.op("Cast", is_padding, to=TensorProto.FLOAT), g.constant(_MASKED, "float32"))
        self.padding_bias = g.unsqueeze(bias, 0, 1)  # [1, 1, N, L]


def _linear(layer: torch.nn.Linear, factor: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return _array(layer.weight).T * np.float32(factor), _array(layer.bias) * np.float32(factor)


def _norm(layer: torch.nn.LayerNorm) -> tuple[np.ndarray, np.ndarray]:
    return _array(layer.weight), _array(layer.bias)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().numpy()
