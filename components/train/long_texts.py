"""The longest text that training learns from, and looks at on dev.

A text of classes is read whole, and all that a transformer computes of a batch is kept until its
gradient is taken: one text of 27,000 words took more than 20 GB with MiniLM. What a text is about
is said in its first page. Entities know no such text: `convert` cuts theirs into windows.

Characters are counted, not words: a word of prose is one or two word pieces, one of a log ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.training import Example

LONGEST = 4_000  # characters: about 700 words of English, at most some 1,500 word pieces


def all_shortened(nlp: Language, examples: Iterable[Example]) -> Iterator[Example]:
    """Examples with the first words of each text, if the pipeline learns of whole texts."""
    whole = any(isinstance(pipe, TextCategorizer) for _, pipe in nlp.pipeline)
    return (shortened(nlp, one) if whole else one for one in examples)


def shortened(nlp: Language, example: Example) -> Example:
    """The example with the words that begin in the first LONGEST characters of its text."""
    whole = example.reference
    if len(whole.text) <= LONGEST:
        return example
    reference = whole[: sum(token.idx < LONGEST for token in whole)].as_doc(copy_user_data=True)
    reference.cats = dict(whole.cats)
    return Example(nlp.make_doc(reference.text), reference)
