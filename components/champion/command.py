"""Find the model in production that a new one must beat."""

from __future__ import annotations

import argparse
from pathlib import Path

from components.files import copy, writing
from components.interface import Output, Parameter, Result
from components.registry.base import champion_for
from components.registry.open import VOLUME_SCHEME, open_registry
from components.stage import StageResult

INTERFACE = (
    Parameter("registry", "folder, or vertex://PROJECT/LOCATION/…"),
    Parameter("model", "name of the model in the registry"),
    Parameter("alias", "alias of the version in production"),
    Parameter("digest", "digest of the input (fingerprint)"),
    Output("champion", "Model", "empty folder, made when there is no champion"),
    Output("champion_metadata", "Artifact", "likewise, for what is kept beside the champion"),
    Result("version"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Resolve and verify the champion.

    Returns:
        parameter `version` ('' for none), and the registry's folders as the artifacts' URIs, or
        copies where the folders have none: `champion` is the model,
        `champion_metadata` what is kept beside it (facts, assignment, lineage).

    Raises:
        DataError: the champion is damaged. It is not treated as absent: a model that was compared
            with nothing would then take the place of one that may be better.
    """
    registry = open_registry(args.registry)
    champion = champion_for(registry, args.model, args.alias, args.digest)
    if champion is None:
        for folder in (args.champion, args.champion_metadata):
            folder.mkdir(parents=True, exist_ok=True)
        print(f"No version of {args.model} to compare with: this model is the first.")
        return StageResult(parameters={"version": ""})
    registry.verify(champion)
    print(f"To beat: version {champion.number} of {args.model} ({champion.uri}).")
    champion_metadata = champion.uri.rpartition("/")[0]
    uris = {"champion": champion.uri, "champion_metadata": champion_metadata}
    if args.registry.startswith(VOLUME_SCHEME):
        # Kubeflow Pipelines hands on only what lies in a bucket.
        registry.fetch(champion, args.champion)
        copy_files(Path(champion_metadata), args.champion_metadata)
        uris = {}
    return StageResult(
        parameters={"version": champion.number},
        metadata={"champion": {"model": args.model, "version": champion.number}},
        uris=uris,
    )


def copy_files(source: Path, target: Path) -> None:
    """Copy the files of a folder, without the folders in it, whole or not at all."""
    with writing(target) as incoming:
        incoming.mkdir()
        for path in source.iterdir():
            if path.is_file():
                copy(path, incoming / path.name)
