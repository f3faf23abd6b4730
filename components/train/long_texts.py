"""The longest text that training learns from, and looks at on dev.

A text of classes is read whole, and all that a transformer computes of it is kept until its
gradient is taken: one log of 27,000 words took more than 20 GB with MiniLM. What a text is about is
said in its first page. Predictions read texts whole. Entities know no such text: `convert` cuts
theirs into windows.

Word pieces are counted, not words: a word of prose is one or two of them, one of a log ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.tokens import Doc
from spacy.training import Example
from spacy_transformers import Transformer

LONGEST = 512  # word pieces, or words without a transformer: what BERT and its heirs read at most
FEWEST_CHARACTERS = LONGEST // 4  # no character has more pieces than it has bytes


def all_shortened(nlp: Language, examples: Iterable[Example]) -> Iterator[Example]:
    """Examples with the first words of each text, if the pipeline learns of whole texts."""
    whole = any(isinstance(pipe, TextCategorizer) for _, pipe in nlp.pipeline)
    tokenizer = tokenizer_of(nlp)
    return (shortened(nlp, one, tokenizer) if whole else one for one in examples)


def shortened(nlp: Language, example: Example, tokenizer: Any) -> Example:
    """The example with the words of its text that begin in the first LONGEST word pieces."""
    whole = example.reference
    words = words_read(whole, tokenizer)
    if words == len(whole):
        return example
    reference = whole[:words].as_doc(copy_user_data=True)
    reference.cats = dict(whole.cats)
    return Example(nlp.make_doc(reference.text), reference)


def words_read(doc: Doc, tokenizer: Any) -> int:
    """How many words of a text begin in its first LONGEST word pieces."""
    if len(doc.text) <= FEWEST_CHARACTERS:
        return len(doc)
    if tokenizer is None:
        return min(len(doc), LONGEST)
    pieces = tokenizer(
        doc.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )["offset_mapping"]
    if len(pieces) <= LONGEST:
        return len(doc)
    end = pieces[LONGEST - 1][1]
    return sum(token.idx < end for token in doc)


def tokenizer_of(nlp: Language) -> Any:
    """What cuts the texts of a pipeline's transformer into pieces and says where; None: nothing."""
    models: list[Any] = [pipe.model for _, pipe in nlp.pipeline if isinstance(pipe, Transformer)]
    tokenizers = [model.tokenizer for model in models]
    return next((one for one in tokenizers if one and one.is_fast), None)


def unit(nlp: Language) -> str:
    """What LONGEST counts of a pipeline's texts."""
    return "word pieces" if tokenizer_of(nlp) else "words"
