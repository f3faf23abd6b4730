"""From a model and a pool of texts to the queue, which a command or a stage then writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from thinc.api import prefer_gpu

from components.answers.asked import asked_of
from components.answers.models import Models, Source, load
from components.queue.candidates import candidates
from components.queue.choose import Choice, choose
from components.queue.doubt import Doubts, Floats, Reader, doubts, embeddings
from components.queue.known import Known
from components.queue.rows import rows_of, write
from components.queue.settings import QueueSettings
from components.records.pool import proven
from components.records.texts import Text
from components.tasks.base import Task

FEW = 20  # annotated texts that a label has, or it lacks examples


@dataclass(frozen=True)
class Queue:
    """What was chosen of a pool.

    Attributes:
        pool: how many texts it had.
        texts: those that were left to choose from.
        left_out: reason -> texts of the pool that were not.
        undecided: the model does not say how sure it is, so that all were drawn.
    """

    models: Models
    tasks: Sequence[Task]
    pool: int
    texts: Sequence[Text]
    left_out: Mapping[str, int]
    chosen: Sequence[Choice]
    undecided: bool

    @property
    def model(self) -> str:
        """Name of the model."""
        return next(iter(self.models.versions))

    @property
    def version(self) -> str:
        """Version of the model."""
        return self.models.versions[self.model]

    @property
    def why(self) -> dict[str, int]:
        """Reason -> texts that were chosen for it."""
        return dict(Counter(one.why for one in self.chosen).most_common())

    def said(self, number: int) -> list[str]:
        """What was chosen and what was left out, a line each.

        Args:
            number: of texts that were wanted.
        """
        lines = [f"{self.pool:,} texts, {len(self.texts):,} of them to choose from"]
        lines += [f"  left out: {why}: {count:,}" for why, count in self.left_out.items()]
        lines += [f"{len(self.chosen):,} chosen by {self.model} {self.version}"]
        lines += [f"  {why}: {count:,}" for why, count in self.why.items()]
        if self.undecided:
            lines += ["The model does not say how sure it is: all were drawn at random."]
        if len(self.chosen) < number:
            lines += [f"No more than {len(self.chosen):,} were left."]
        return lines

    def write(self, output: Path, settings: QueueSettings, field: str) -> None:
        """Write the chosen texts with what the model says, for the tool of the settings.

        Args:
            field: that holds the text in Label Studio.
        """
        tool = settings.format
        rows = rows_of(self.models, self.texts, self.chosen, asked_of(self.tasks), tool, field)
        write(output, rows, tool)


def make_queue(
    source: Source, tasks: Sequence[Task], known: Known, settings: QueueSettings
) -> Queue:
    """Choose the texts to label next.

    Args:
        source: the model.
        known: what has been annotated.

    Raises:
        ConfigError: a file of texts cannot be read.
        DataError: a row of one holds no text, or the folder no model.
    """
    prefer_gpu()
    models = load([source])
    reader = Reader(models.phases[source.phase].nlp, models.vocabulary)
    texts = proven(settings.texts, settings.text, reader.nlp.max_length)
    pool = list(chain.from_iterable(texts.behind(0)))
    left = candidates(pool, known)
    found, chosen = chosen_of(
        reader, tasks, left.texts, known.labels, settings.number, settings.seed
    )
    undecided = bool(chosen) and not found.doubt
    return Queue(models, tasks, len(pool), left.texts, left.left_out, chosen, undecided)


def chosen_of(
    reader: Reader,
    tasks: Sequence[Task],
    texts: Sequence[Text],
    labels: Mapping[str, int],
    number: int,
    seed: int,
) -> tuple[Doubts, list[Choice]]:
    """The texts to label next of those that may be.

    Args:
        labels: label -> annotated texts that have it.

    Returns:
        how sure the model is of each text, and the choices, by place in `texts`.
    """
    plain = [one.text for one in texts]
    lacking = lacking_labels(tasks, labels)
    found = doubts(reader, tasks, plain, [*lacking])

    def embed(places: Sequence[int]) -> Floats:
        return embeddings(reader, [plain[place] for place in places])

    return found, choose(found, len(plain), number, lacking, embed, seed)


def lacking_labels(tasks: Iterable[Task], labels: Mapping[str, int]) -> dict[str, int]:
    """Labels that lack examples -> how many texts have them, the fewest first."""
    counts = {label: labels[label] for task in tasks for label in task.marked_labels}
    few = {label: count for label, count in counts.items() if count < FEW}
    return dict(sorted(few.items(), key=lambda pair: pair[1]))
