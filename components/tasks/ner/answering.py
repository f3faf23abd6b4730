"""Which task the entities of a saved pipeline are of, for whoever has no config."""

from __future__ import annotations

from spacy.language import Language

from components.tasks.ner.examples import entity_labels

USUAL = "ner"  # of a phase of one task


def task_of_entities(nlp: Language) -> str:
    """The name of the task that finds entities; "" where none does.

    Where several tasks share a network, what finds them has the name of theirs; elsewhere the task
    goes by its kind.
    """
    finders = [name for name in nlp.pipe_names if entity_labels(nlp, name)]
    shared = [name for name in finders if f"{name}_tags" in nlp.pipe_names]
    if shared or not finders:
        return next(iter(shared), "")
    several = any(name for name in nlp.meta.get("retrain", {}))
    return finders[0] if several else USUAL
