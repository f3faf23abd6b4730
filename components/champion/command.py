"""Copy the model in production that a new one must beat."""

from __future__ import annotations

import argparse

from components.files import writing
from components.interface import Output, Parameter, Result
from components.registry import documents
from components.registry.base import champion_for
from components.registry.open import open_registry
from components.stage import StageResult

INTERFACE = (
    Parameter("registry", "folder, or vertex://PROJECT/LOCATION/…"),
    Parameter("model", "name of the model in the registry"),
    Parameter("alias", "alias of the version in production"),
    Parameter("digest", "digest of the input (fingerprint)"),
    Output("champion", "Model", "folder to write; none is made when there is no champion"),
    Output("champion_metadata", "Artifact", "likewise, for what is kept beside the champion"),
    Result("version"),
)
# What the stages read of what is kept beside a model.
DOCUMENTS = (documents.FACTS, documents.ASSIGNMENT)


def run(args: argparse.Namespace) -> StageResult:
    """Copy the champion, verified.

    Returns:
        parameter `version`, '' for none.

    Raises:
        DataError: the champion is damaged. It is not treated as absent: a model that was compared
            with nothing would then take the place of one that may be better.
    """
    registry = open_registry(args.registry)
    champion = champion_for(registry, args.model, args.alias, args.digest)
    if champion is None:
        print(f"No version of {args.model} to compare with: this model is the first.")
        return StageResult(parameters={"version": ""})
    print(f"To beat: version {champion.number} of {args.model} ({champion.uri}).")
    registry.fetch(champion, args.champion)
    with writing(args.champion_metadata) as folder:
        folder.mkdir()
        for name in DOCUMENTS:
            if content := registry.document(champion, name):
                (folder / name).write_bytes(content)
    return StageResult(parameters={"version": champion.number})
