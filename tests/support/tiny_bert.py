"""A random transformer of a few thousand weights, in the folder that a hub would give."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from thinc.api import fix_random_seed


def write_bert(folder: Path, pieces: Sequence[str], **shape: float) -> None:
    """Write a BERT of two layers and its tokeniser; every call with these arguments the same.

    Args:
        pieces: the vocabulary beside the special tokens.
        shape: fields of BertConfig that are to differ.
    """
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
    folder.mkdir(parents=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(vocabulary), model_max_length=128).save_pretrained(folder)
    fix_random_seed(0)
    small = {
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 128,
    }
    BertModel(BertConfig(vocab_size=len(words), **small | shape)).save_pretrained(folder)
