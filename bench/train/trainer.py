"""The same model with a token classification head, trained by transformers' own Trainer.

What its example for token classification does: words with B- and I- tags, batches of 32 documents
as they come, padded to the longest, cut at what the model can read. Scores are those of whole
spans, over all annotated entities, cut or not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

BATCH = 32  # documents, about as many words as in the steps of the others


def train(config: Any, corpora: Path, out: Path, clock: Any) -> None:
    """Train with the settings of a spaCy config as far as they exist there."""
    import spacy
    from spacy.tokens import DocBin
    from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer
    from transformers.data.data_collator import DataCollatorForTokenClassification
    from transformers.trainer import Trainer
    from transformers.trainer_callback import TrainerCallback
    from transformers.training_args import TrainingArguments

    from components.train.local_weights import find

    settings, rates = config["training"], config["training"]["optimizer"]["learn_rate"]
    model_settings = config["components"]["transformer"]["model"]
    vocab = spacy.blank("en").vocab
    splits = [
        list(DocBin().from_disk(corpora / split / "000000.spacy").get_docs(vocab))
        for split in ("train", "dev")
    ]
    tags = ["O", *sorted({tag for doc in splits[0] for tag in tags_of(doc)} - {"O"})]
    weights = find(model_settings["name"])
    assert weights, f"{model_settings['name']} is not on this machine"
    load: Any = AutoTokenizer.from_pretrained
    tokenizer = load(weights)
    shape = AutoConfig.from_pretrained(
        weights, num_labels=len(tags), **model_settings["transformer_config"]
    )
    model = AutoModelForTokenClassification.from_pretrained(weights, config=shape)
    words = [len(doc) for doc in splits[0]]
    per_step = sum(words) / len(words) * BATCH

    class Note(TrainerCallback):
        def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            score = kwargs["metrics"]["eval_f"]
            clock.note(state.global_step, int(state.global_step * per_step), score)

    clock.start()
    data = [[encode(doc, tokenizer, tags) for doc in docs] for docs in splits]
    Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(out),
            use_cpu=True,
            max_steps=settings["max_steps"],
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            learning_rate=rates["initial_rate"],
            warmup_steps=rates["warmup_steps"],
            weight_decay=settings["optimizer"]["L2"],
            eval_strategy="steps",
            eval_steps=settings["eval_frequency"],
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=config["system"]["seed"],
        ),
        train_dataset=data[0],
        eval_dataset=data[1],
        data_collator=DataCollatorForTokenClassification(tokenizer),
        compute_metrics=lambda evaluated: {"f": score(evaluated, splits[1], data[1], tags)},
        callbacks=[Note()],
    ).train()


def tags_of(doc: Any) -> list[str]:
    """A tag per token."""
    return [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in doc]


def encode(doc: Any, tokenizer: Any, tags: list[str]) -> dict[str, Any]:
    """Word pieces; the first of each word carries its tag."""
    numbers = {tag: number for number, tag in enumerate(tags)}
    wanted = [numbers[tag] for tag in tags_of(doc)]
    read = tokenizer([t.text for t in doc], is_split_into_words=True, truncation=True)
    before = [None, *read.word_ids()]
    labels = [
        wanted[word] if word is not None and word != last else -100
        for last, word in zip(before, read.word_ids(), strict=False)
    ]
    return {
        "input_ids": read["input_ids"],
        "attention_mask": read["attention_mask"],
        "labels": labels,
    }


def score(evaluated: Any, docs: list[Any], data: list[dict[str, Any]], tags: list[str]) -> float:
    """F of whole entities."""
    guesses = np.argmax(evaluated.predictions, axis=-1)
    right = guessed = wanted = 0
    for doc, one, row in zip(docs, data, guesses, strict=True):
        named = [tags[g] for g, label in zip(row, one["labels"], strict=False) if label != -100]
        gold = {(e.start, e.end, e.label_) for e in doc.ents}
        predicted = spans(named)
        right, guessed, wanted = (
            right + len(gold & predicted),
            guessed + len(predicted),
            wanted + len(gold),
        )
    return 2 * right / max(guessed + wanted, 1)


def spans(named: list[str]) -> set[tuple[int, int, str]]:
    """Entities of tags; an I- that goes on nothing starts one."""
    entities, start = set(), 0
    for at, tag in enumerate([*named, "O"]):
        goes_on = at > 0 and tag[:2] == "I-" and named[at - 1][2:] == tag[2:]
        if at and not goes_on and named[at - 1] != "O":
            entities.add((start, at, named[at - 1][2:]))
        if not goes_on:
            start = at
    return entities
