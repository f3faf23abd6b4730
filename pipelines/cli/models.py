"""`retrain models`: the versions of the models, and which of them is in production."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.command import Command, Group
from pipelines.cli.options import AsJson, ModelsFolder, print_json
from pipelines.cli.tables import print_table

if TYPE_CHECKING:
    from components.registry.base import Version
    from components.registry.history import Operation

app = typer.Typer(
    cls=Group, help="List, compare, promote, roll back and pull models.", no_args_is_help=True
)


class Where(StrEnum):
    """Places that keep models."""

    local = "local"
    vertex = "vertex"
    kubeflow = "kubeflow"


WhereOption = Annotated[Where, typer.Option(help="Which registry: this machine's or a service's.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="CONFIG",
        help="The config that names the registry.",
        show_default="retrain.yaml",
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a model, e.g. ner-phase-1")]
REFERENCE = "A version: its number, an alias, or the run that made it."
Reference = Annotated[str, typer.Argument(metavar="VERSION", help=REFERENCE)]
OperationId = Annotated[
    str,
    typer.Option("--operation", metavar="ID", help="A second command of the same ID does nothing."),
]
Alias = Annotated[str, typer.Option(help="The alias that marks the version in production.")]


@app.command("list", cls=Command)
def list_models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this model.")] = None,
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    folder: ModelsFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the models and their versions, oldest first."""
    from components.registry.base import known
    from pipelines.results.versions import described, overall, registry_of

    registry = registry_of(where, config, folder)
    names = registry.names() if name is None else [name]
    versions = [version for each in names for version in known(registry, each)]
    if as_json:
        print_json([described(version) for version in versions])
        return
    if not versions:
        print("No models yet: `retrain run` makes them.")
        return
    print_table(
        ["model", "version>", "aliases", "F>", "created (UTC)", "run"],
        [
            [
                version.name,
                version.number,
                ", ".join(version.aliases),
                percent(overall(version)["f"]),
                f"{datetime.fromisoformat(version.lineage.created):%Y-%m-%d %H:%M}",
                version.lineage.run,
            ]
            for version in versions
        ],
    )


@app.command("show", cls=Command)
def show(
    name: Name,
    reference: Reference = "champion",
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    folder: ModelsFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show where a version comes from and how well it did on its test set."""
    from components.registry.base import find
    from pipelines.results.versions import described, per_label, registry_of

    version = find(registry_of(where, config, folder), name, reference)
    if as_json:
        print_json(described(version))
        return
    lineage = version.lineage
    facts = {
        "aliases": ", ".join(version.aliases),
        "files": version.uri,
        "run": lineage.run,
        "created": lineage.created,
        "gate": lineage.gate,
        "promoted": lineage.promoted,
        "replaced": f"version {lineage.replaced}" if lineage.replaced else "",
        "data": lineage.digest,
        "training config": lineage.config_digest,
        "commit": lineage.commit,
        "image": lineage.image,
        "packages": ", ".join(
            f"{package} {number}" for package, number in lineage.packages.items()
        ),
    }
    print(f"{version.name} version {version.number}\n")
    print_table(["", ""], [[fact, value] for fact, value in facts.items() if value])
    print()
    print_table(
        ["label", "P>", "R>", "F>", "support>"],
        [
            [label, *(percent(score.get(key)) for key in "prf"), str(score.get("support", ""))]
            for label, score in per_label(version).items()
        ],
    )


@app.command("compare", cls=Command)
def compare(
    name: Name,
    old: Annotated[str, typer.Argument(metavar="OLD", help=REFERENCE)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=REFERENCE)],
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    folder: ModelsFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compare the scores of two versions, label by label."""
    from components.registry.base import find
    from pipelines.results.versions import compared, registry_of

    registry = registry_of(where, config, folder)
    comparison = compared(find(registry, name, old), find(registry, name, new))
    if as_json:
        print_json(comparison)
        return
    if comparison["old"] == comparison["new"]:
        print(f"Both are version {comparison['old']}: the same model.")
        return
    print_table(
        ["F of label", f"version {comparison['old']}>", f"version {comparison['new']}>", "change>"],
        [
            [
                label,
                percent(row["old"]),
                percent(row["new"]),
                "" if row["difference"] is None else f"{100 * row['difference']:+.1f}",
            ]
            for label, row in comparison["f"].items()
        ],
    )
    if not comparison["same_data"]:
        print(
            "\nEach was measured on its own test set, and their data differ: the change is the "
            "models' and the data's together."
        )


@app.command("promote", cls=Command)
def promote(
    name: Name,
    reference: Reference,
    alias: Alias = "champion",
    operation: OperationId = "",
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    folder: ModelsFolder = None,
) -> None:
    """Put a version in production, whatever the gate said; nothing is deleted."""
    from components.registry import promotion
    from components.registry.base import find
    from pipelines.results.versions import registry_of

    registry = registry_of(where, config, folder)
    chosen = find(registry, name, reference, damaged=True)
    withdrawal = promotion.withdrawal_of(registry, chosen, alias)
    promoted = promotion.promote(registry, name, chosen.number, alias, operation_id=operation)
    if withdrawal:
        print(f"Version {chosen.number} was withdrawn by {withdrawal.by} on {withdrawal.time}.")
    say_in_production(promoted, alias)


@app.command("rollback", cls=Command)
def roll_back(
    name: Name,
    alias: Alias = "champion",
    operation: OperationId = "",
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    folder: ModelsFolder = None,
) -> None:
    """Put the version back in production that the present one replaced; nothing is deleted.

    Each time it goes further back; what was withdrawn returns only by `promote`. One that was
    killed before it said so is completed by the same command.
    """
    from components.registry.base import find
    from components.registry.promotion import rollback
    from pipelines.results.versions import registry_of

    registry = registry_of(where, config, folder)

    def announce(done: Operation) -> None:
        print(
            f"Version {done.replaced} of {name} is withdrawn and kept. By {done.by}, {done.time}."
        )
        say_in_production(find(registry, name, done.version), alias)

    rollback(registry, name, alias, operation_id=operation, announce=announce)


@app.command("history", cls=Command)
def history(
    name: Name,
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    folder: ModelsFolder = None,
    as_json: AsJson = False,
) -> None:
    """List what was put in production and withdrawn, by whom and when."""
    from components.registry.base import known
    from pipelines.results.versions import registry_of

    registry = registry_of(where, config, folder)
    known(registry, name, damaged=True)
    operations = [entry.operation for entry in registry.history(name)]
    if as_json:
        print_json([operation.model_dump(mode="json") for operation in operations])
        return
    print_table(
        ["time", "", "alias", "version>", "replaced>", "by"],
        [
            [each.time, each.kind, each.alias, each.version, each.replaced, each.by]
            for each in operations
        ],
    )


@app.command("pull", cls=Command)
def pull(
    name: Name,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where to put the model.")
    ],
    reference: Reference = "champion",
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    folder: ModelsFolder = None,
) -> None:
    """Copy a version's model to a folder, checked file by file, ready for `spacy.load`."""
    from components.custom_code import how_to_load
    from components.errors import ConfigError
    from components.registry.base import find
    from pipelines.results.versions import registry_of

    if output.exists():
        raise ConfigError(f"{output} exists already: choose another folder, or move it away.")
    registry = registry_of(where, config, folder)
    version = find(registry, name, reference)
    registry.fetch(version, output)
    print(f"Version {version.number} of {name} is in {output}: {how_to_load(output)}")


@app.command("package", cls=Command)
def package(
    name: Name,
    reference: Reference = "champion",
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where to put the wheel.")
    ] = Path("dist"),
    where: WhereOption = Where.local,
    config: ConfigOption = None,
    folder: ModelsFolder = None,
) -> None:
    """Make a wheel of a version, by spaCy's own packaging; `pip install` it anywhere.

    Prints the command that pushes it to the Hugging Face Hub.
    """
    from pipelines.results.package import wheel_of
    from pipelines.results.versions import registry_of

    wheel = wheel_of(registry_of(where, config, folder), name, reference, output)
    module = wheel.name.partition("-")[0]
    print(
        f"Wrote {wheel}\n"
        f"Use it:  pip install {wheel} && python -c \"import spacy; spacy.load('{module}')\"\n"
        f"Push it: pip install spacy-huggingface-hub && spacy huggingface-hub push {wheel}"
    )


def say_in_production(version: Version, alias: str) -> None:
    """Print which version an alias points to now."""
    print(f"{alias} of {version.name} is version {version.number} ({version.uri}).", flush=True)


def percent(fraction: float | None) -> str:
    """A score as people read it; a dash where it is undefined."""
    return "-" if fraction is None else f"{100 * fraction:.1f}"
