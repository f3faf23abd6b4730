"""spaCy's corpus reader, which reads a corpus once for a pipeline instead of three times.

spaCy reads the training corpus twice to initialise a pipeline and once more to train it. The
examples of the first time are kept here for as long as the pipeline is. (To build documents from
stored hashes instead of tokenising their text was tried and gained nothing: to find out that a
tokeniser would give the same tokens takes as long as to let it.) Texts are tokenised as they will
be when the model is used: in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from spacy.language import Language
from spacy.training import Corpus, Example, dont_augment
from spacy.util import registry
from thinc.api import Config

from components.piecewise import piecewise
from components.tasks.entity_tags import add_tags

SPACYS, RETRAINS = "spacy.Corpus.v1", "retrain.corpus.v1"
STEADY = (dont_augment, add_tags)  # augmenters that give the same each time

kept: WeakKeyDictionary[Language, dict[str, list[Example]]] = WeakKeyDictionary()


class Reader(Corpus):
    """Reads a folder of .spacy files; again only where an augmenter may do something new.

    Args:
        keep: whether examples may be kept; those of a corpus that is streamed may not.
        options: of spaCy's reader.
    """

    def __init__(self, path: Path, keep: bool, **options: Any) -> None:
        super().__init__(path, **options)
        self.keep = keep

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield the examples."""
        nlp.tokenizer = piecewise(nlp.tokenizer)
        if not self.keep or self.augmenter not in STEADY:
            yield from super().__call__(nlp)
            return
        read = kept.setdefault(nlp, {})
        key = repr({name: str(value) for name, value in vars(self).items()})
        if key not in read:
            read[key] = list(super().__call__(nlp))
        yield from read[key]


def create_reader(
    path: Path,
    gold_preproc: bool,
    max_length: int = 0,
    limit: int = 0,
    augmenter: Callable[..., Any] | None = None,
    keep: bool = True,
) -> Reader:
    """Make a reader from what spacy.Corpus.v1 takes, and whether it may keep examples."""
    return Reader(
        path,
        keep,
        gold_preproc=gold_preproc,
        max_length=max_length,
        limit=limit,
        augmenter=augmenter,
    )


def read_once(config: Config) -> Config:
    """The config with this reader wherever it names spaCy's; it keeps none that is streamed."""
    changed = config.copy()
    keep = config["training"].get("max_epochs", 0) >= 0
    for corpus in changed["corpora"].values():
        if isinstance(corpus, dict) and corpus.get("@readers") == SPACYS:
            corpus.update({"@readers": RETRAINS, "keep": keep})
    return changed


registry.readers.register(RETRAINS, func=create_reader)
