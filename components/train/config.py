"""The training config: a plain spaCy config, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from spacy import schemas, util
from spacy.util import registry
from thinc.api import Config, ConfigValidationError

import components.train.registered  # what a config may name  # noqa: F401
from components.errors import ConfigError, DataError
from components.tasks.base import Task
from components.tokeniser import tokeniser
from components.train.heads import with_heads
from components.train.named_files import packages

# spaCy leaves out a key that it does not know in these sections without a word.
SECTIONS: dict[str, Any] = {
    "nlp": schemas.ConfigSchemaNlp,
    "training": schemas.ConfigSchemaTraining,
    "initialize": schemas.ConfigSchemaInit,
}
CORPUS_PATHS = ("train", "dev")


def read_config(text: str, overrides: dict[str, Any], tasks: Sequence[Task] = ()) -> Config:
    """Parse and check a training config; variables in it stay as they are.

    Args:
        text: a spaCy config (.cfg).
        overrides: dotted key -> value, as `spacy train` takes them.
        tasks: those whose heads are put in, if the config has none, and that the pipeline must
            have components for.

    Raises:
        ConfigError: naming the key that is wrong.
    """
    with explained():
        given = with_heads(Config().from_str(text, interpolate=False), tasks)
        text = given.to_str(interpolate=False)
        config = Config().from_str(text, overrides=overrides, interpolate=False)
        before, now = (each.get("nlp", {}).get("lang") for each in (given, config))
        another = now and now != before
        if another and not any(key.startswith("nlp.tokenizer") for key in overrides):
            config["nlp"]["tokenizer"] = tokeniser_of(config["nlp"]["lang"])
        take_all_layers(given, config, overrides)
        for section in ("paths", "system"):
            refuse_unknown(section, config, known=set(given.get(section, {})))
        for section, schema in SECTIONS.items():
            refuse_unknown(section, config, known={*schema.model_fields})
        for key in CORPUS_PATHS:
            if key not in config.get("paths", {}):
                raise ConfigError(
                    f"training config: no paths.{key}. The pipeline gives its corpora in "
                    "paths.train and paths.dev: name both, and use them in [corpora]."
                )
        given = config.interpolate()
        packages(config)
    for section in ("training", "corpora"):
        with explained(section):
            registry.resolve(given.get(section, {}))
    with explained("components"):
        nlp = util.load_model_from_config(config, auto_fill=True)
        filled = nlp.config.interpolate()
    with explained("training"):
        settings = registry.resolve(filled["training"], schema=schemas.ConfigSchemaTraining)
    refuse_never(settings)
    for task in tasks:
        with suppress(DataError):  # about labels of a corpus, which has not been read
            task.check_pipeline(nlp)
    return config


def tokeniser_of(language: str) -> dict[str, Any]:
    """What a config says of the tokeniser of a language: another language brings its own.

    Raises:
        ConfigError: spaCy has none, or it needs a package that is not installed.
    """
    tokeniser(language)
    return dict(util.get_lang_class(language).default_config["nlp"]["tokenizer"])


def take_all_layers(given: Config, config: Config, overrides: Mapping[str, Any]) -> None:
    """Let weights that an override names have all their layers, as base weights have by default.

    How many a config takes, it says of the weights that it names itself.
    """
    for component in config.get("components", {}):
        before, now = (model_of(each, component) for each in (given, config))
        key = f"components.{component}.model.transformer_config.num_hidden_layers"
        if now.get("name") != before.get("name") and key not in overrides:
            now.get("transformer_config", {}).pop("num_hidden_layers", None)


def model_of(config: Config, component: str) -> dict[str, Any]:
    """What a config says of a component's model; nothing where it refers to another place."""
    model = config.get("components", {}).get(component, {}).get("model")
    return model if isinstance(model, dict) else {}


def refuse_never(settings: dict[str, Any]) -> None:
    """Refuse a number that spaCy would divide by, or that no run can keep to."""
    least = {"eval_frequency": 1, "accumulate_gradient": 1, "max_steps": 0, "patience": 0}
    for key, number in least.items():
        if settings[key] < number:
            raise ConfigError(
                f"training config: training.{key}: must be {number} or more, not {settings[key]}"
                + ("" if number else " (0: no limit)")
            )
    if not 0 <= settings["dropout"] < 1:
        raise ConfigError(
            "training config: training.dropout: must be 0 or more and less than 1, not "
            f"{settings['dropout']}"
        )


def refuse_unknown(section: str, config: Config, known: set[str]) -> None:
    """Raise ConfigError for a key of a section that nothing would read."""
    for key in config.get(section, {}):
        if key not in known:
            raise ConfigError(
                f"training config: unknown key {section}.{key}. "
                f"Known in [{section}]: {', '.join(sorted(known))}."
            )


@contextmanager
def explained(section: str = "") -> Iterator[None]:
    """Turn spaCy's config errors into a ConfigError of a few lines."""
    try:
        yield
    except ConfigValidationError as error:
        raise ConfigError(f"training config: {summary(error, section)}") from error
    except ValueError as error:  # a registered function that is missing is one, too
        raise ConfigError(f"training config: {str(error).splitlines()[0]}") from error


def summary(error: ConfigValidationError, section: str) -> str:
    """The keys and complaints of a validation error, without a print of the whole config."""
    problems = []
    for problem in error.errors or []:
        key = ".".join(str(part) for part in (section, *problem.get("loc", ())) if part)
        problems.append(f"{key}: {problem['msg']}")
    return "; ".join(problems) or error.desc or str(error.title)
