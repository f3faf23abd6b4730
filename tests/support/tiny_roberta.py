"""A random RoBERTa of a few thousand weights, in the folder that a hub would give."""

from __future__ import annotations

import json
from pathlib import Path

from thinc.api import fix_random_seed

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def write_roberta(folder: Path) -> None:
    """Write a RoBERTa of two layers and its tokeniser, which reads single bytes."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

    pieces = [*SPECIAL, *sorted(ByteLevel.alphabet())]
    folder.mkdir(parents=True)
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    numbered = {piece: number for number, piece in enumerate(pieces)}
    vocabulary.write_text(json.dumps(numbered), encoding="utf-8")
    merges.write_text("#version: 0.2\n", encoding="utf-8")
    tokenizer = RobertaTokenizerFast(str(vocabulary), str(merges), model_max_length=128)
    tokenizer.save_pretrained(folder)
    fix_random_seed(0)
    config = RobertaConfig(
        vocab_size=len(pieces),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=140,
        type_vocab_size=1,
        pad_token_id=numbered["<pad>"],
        bos_token_id=numbered["<s>"],
        eos_token_id=numbered["</s>"],
    )
    RobertaModel(config).save_pretrained(folder)
