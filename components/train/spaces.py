"""Word pieces without the space before them.

spacy-transformers gives a token each piece that shares a character with it or with the one behind
it. The pieces of some SentencePiece tokenisers begin with the space before the word, so that each
token gets the first piece of the next one, too.
"""

from __future__ import annotations

from typing import Any, cast

from spacy.language import Language
from spacy_transformers import Transformer
from tokenizers.pre_tokenizers import Sequence, WhitespaceSplit  # type: ignore[import-untyped]

PROBE = "Ann met Bob 3 days ago; he said: (it is late)."


def leave_out_spaces(nlp: Language) -> None:
    """Part words at spaces before a tokeniser sees them, where its pieces take the space along.

    The pieces stay the same; what is saved with the pipeline does the same wherever it is opened.
    """
    for name, pipe in nlp.pipeline:
        tokenizer = cast(Any, pipe.model).tokenizer if isinstance(pipe, Transformer) else None
        if tokenizer is None or not tokenizer.is_fast or not takes_spaces(tokenizer):
            continue
        pieces, before = tokenizer(PROBE)["input_ids"], tokenizer.backend_tokenizer.pre_tokenizer
        tokenizer.backend_tokenizer.pre_tokenizer = Sequence([WhitespaceSplit(), before])
        if tokenizer(PROBE)["input_ids"] == pieces and not takes_spaces(tokenizer):
            print(f"{name}: its word pieces took the space before a word along; no longer.")
            continue
        tokenizer.backend_tokenizer.pre_tokenizer = before
        print(
            f"Warning: the word pieces of {name} take the space before a word along, so that each "
            "token hears of the next one, too, and less is learnt: take other weights."
        )


def takes_spaces(tokenizer: Any) -> bool:
    """Whether a word piece begins with the space before its word."""
    offsets = tokenizer(PROBE, return_offsets_mapping=True)["offset_mapping"]
    return any(PROBE[start:end].startswith(" ") and end - start > 1 for start, end in offsets)
