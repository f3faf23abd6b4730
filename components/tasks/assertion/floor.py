"""The floor: what a list of words says, which a neural network has to beat.

Words before an entity, or after it, say that it is absent, past and so on of whatever follows them
in the sentence, up to a word that ends their reach: the method of NegEx (Chapman and others, 2001)
and of ConText (Harkema and others, 2009), with short lists of our own, for English alone. A status
goes by its name (Absent, negated, …). What no word speaks of has the `default` of the task, or else
the status that is most frequent in the training corpus among those whose name is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from components.records.prediction import Prediction
from components.records.record import Item, Span, spans_in

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from components.tasks.assertion import Kind

# What a status is called -> what it means.
NAMES = {
    "absent": r"absent|absence|neg\w*|no|none|denied|ruled[ _-]?out",
    "family": r"family\w*|relative|someone[ _-]?else|associated\w*|other[ _-]?person",
    "past": r"past|histor\w*|previous|former",
    "possible": r"possib\w*|uncertain\w*|suspected|probable|hypothe\w*|conditional|speculat\w*",
}
# Words that speak of what follows them, and of what comes before; the gravest meaning first.
BEFORE = {
    "absent": r"no|not|without|denie[sd]|deny|denying|negative for|free of|absence of|absent"
    r"|lack of|never|neither|nor|resolved|rules? out for|ruled out|unremarkable for|non",
    "family": r"(?:mother|father|sister|brother|parent|aunt|uncle|grand\w+|family)(?:'s)?"
    r"|family history(?: of)?",
    "past": r"history of|h/o|hx of|past|previous(?:ly)?|prior|former(?:ly)?|status post|s/p"
    r"|history|\d+ (?:years?|months?) ago|last (?:year|month|admission)",
    "possible": r"possib(?:le|ly)|probab(?:le|ly)|may|might|could|suspect(?:ed|s)?|suspicious for"
    r"|likely|concern(?:ing)? for|cannot exclude|questionable|evaluate for|rule out|if",
}
AFTER = {
    "absent": r"(?:is|are|was|were|has been|have been)? ?(?:ruled out|absent|denied|resolved"
    r"|negative|not (?:seen|found|present|noted|identified|appreciated|detected))|unlikely",
    "past": r"in the past|\d+ (?:years?|months?) ago|last (?:year|month)|in (?:19|20)\d\d",
    "possible": r"(?:is|are|was|were)? ?(?:possible|suspected|likely|not excluded"
    r"|cannot be (?:excluded|ruled out))",
}
ENDS = re.compile(
    r"[.;:!?]\s|\n|\b(?:but|however|although|though|except|which|who|because|secondary to"
    r"|presents?|presented|presenting|now|today|other than|apart from)\b",
    re.IGNORECASE,
)
REACH = 6  # words that may stand between a word of the list before an entity and the entity
REACH_BACK = 2  # the same of one after it


def floor(task: Kind, train: Iterable[Doc], test: Sequence[Prediction]) -> list[Prediction]:
    """What the rules say of the annotated entities of each document."""
    statuses = meanings(task.labels)
    common = Counter(span.label_ for doc in train for span in doc.spans.get(task.name) or ())
    unnamed = [label for label in task.labels if label not in statuses.values()]
    usual = task.default or max(unnamed or task.labels, key=lambda label: common[label])
    return [
        replace(one, predicted=said(one, statuses, usual), end_to_end={}, disagreements=[])
        for one in test
    ]


def meanings(labels: Iterable[str]) -> dict[str, str]:
    """Meaning -> the status that has it, for statuses whose name says what they mean."""
    known: dict[str, str] = {}
    for label in labels:
        for meaning, names in NAMES.items():
            if re.fullmatch(names, label.strip(), re.IGNORECASE):
                known.setdefault(meaning, label)
    return known


def said(prediction: Prediction, statuses: Mapping[str, str], usual: str) -> list[Item]:
    """The status of each annotated entity."""
    return [
        Span(one.start, one.end, status_of(prediction.text, one, statuses) or usual)
        for one in spans_in(prediction.gold)
    ]


def status_of(text: str, entity: Span, statuses: Mapping[str, str]) -> str | None:
    """The status that words around an entity say; None where none does."""
    before = ENDS.split(text[: entity.start])[-1]
    after = ENDS.split(text[entity.end :])[0]
    for meaning, status in statuses.items():
        words = r"(?:\W+[\w'/-]+)"
        ahead = rf"\b(?:{BEFORE[meaning]})\b{words}{{0,{REACH}}}\W*$"
        if re.search(ahead, before, re.IGNORECASE):
            return status
        behind = rf"^{words}{{0,{REACH_BACK}}}\W+(?:{AFTER[meaning]})\b" if meaning in AFTER else ""
        if behind and re.search(behind, after, re.IGNORECASE):
            return status
    return None
