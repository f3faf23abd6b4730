"""What an annotation export holds, for a first config."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from components.base_models import MANY
from components.errors import DataError
from components.ingest.readers.detect import READABLE, detected, read
from components.records.annotation import Annotation, RawSpan, Refused, Skipped
from components.records.languages import ALIKE, LANG, count_common, language_of
from components.records.problems import KINDS, Problems, StopReadingError
from components.records.record import composed
from components.records.scripts import count_scripts
from components.records.sources import Format, SourceFile, features_beside
from pipelines.config.asked import FEW_MISTAKES, Question, joined, key_of
from pipelines.config.statuses import Marks, Regions, count_choices, count_keys

# Values that repeat say which records belong together: pages, documents, authors.
MIN_PER_GROUP = 1.2
MIN_GROUPS = 20
MOST = 0.95
# What `answers` of a profile counts, in words; the rest are reasons to skip a record.
ANSWERED = {
    "accept": "accepted, and nothing is marked or chosen",
    "reject": "rejected",
    "ignore": "ignored",
    "none": "without an answer (accept, reject or ignore), such as a model's suggestions",
}
COMMON_GROUP = "sc"  # spaCy's own name for a group of spans


@dataclass
class DatasetProfile:
    """Counts over one export, or several.

    Attributes:
        spans: label -> entities, in accepted records.
        documents: label -> accepted records that have it.
        marked: accepted records with spans; `overlapping` those of them where two share a
            character; `for_overlaps` those that a tool for such spans asked for, or keeps apart.
        group: of `doc.spans` that the spans are in; "" where they are in none.
        regions: which spans lie over which.
        keys: key of Prodigy's spans -> what it says of them.
        choices: question about single regions -> what it says of them.
        questions: those about whole texts, by what tells them apart.
        constants: classes that are every answer to their question, beside other tasks.
        answers: answer -> records.
        format: how the last of them was read.
        features: export -> the file that names its tags, for those that have one.
        refused: class of problem -> records that `ingest` would put into quarantine on reading.
        reasons: class of problem -> what the first of them says.
        scripts: script -> letters of the accepted records.
        words: language -> words of theirs that are common in it; "" -> all.
        languages: export -> its language by letters and words; "" where they do not tell it.
        values: meta key -> value -> records, for keys whose values are single.
    """

    spans: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    marked: int = 0
    overlapping: int = 0
    for_overlaps: int = 0
    group: str = ""
    regions: Regions = field(default_factory=Regions)
    keys: dict[str, Marks] = field(default_factory=dict)
    choices: dict[str, Marks] = field(default_factory=dict)
    questions: dict[tuple[str, frozenset[str]], Question] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    format: str = ""
    features: dict[Path, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)
    scripts: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    languages: dict[Path, str] = field(default_factory=dict)
    values: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def spans_overlap(self) -> bool:
        """Whether spans may overlap: their tool lets them, or more of them do than by mistake."""
        return self.for_overlaps > 0 or self.overlapping > FEW_MISTAKES * self.marked

    @property
    def accepted(self) -> int:
        """How many records were accepted."""
        return self.answers["accept"]

    @property
    def language(self) -> str:
        """The language of the accepted records; xx of several, "" where nothing tells it."""
        if said := self.said_languages:
            return next(iter(said)) if len(said) == 1 else MANY
        each = {language for language in self.languages.values() if language}
        if len(each) > 1 and each not in ALIKE:
            return MANY
        return language_of(self.scripts, self.words)

    @property
    def said_languages(self) -> set[str]:
        """The languages that the meta of nearly all records says."""
        said = self.values.get(LANG, Counter())
        codes = all(re.fullmatch("[a-z]{2,3}", value) for value in said)
        return {*said} if codes and said.total() >= MOST * self.accepted > 0 else set()

    def group_by(self) -> str:
        """The meta key that best says which records belong together; "" if none does.

        It is on nearly every accepted record, repeats, and still has the most different values.
        """
        fitting = {
            key: len(counts)
            for key, counts in self.values.items()
            if counts.total() >= MOST * self.accepted
            and counts.total() >= MIN_PER_GROUP * len(counts)
            and len(counts) >= MIN_GROUPS
        }
        return f"meta.{max(fitting, key=lambda key: fitting[key])}" if fitting else ""


def profile_of(*paths: Path, file_format: Format = "auto") -> DatasetProfile:
    """Count labels, answers and meta keys of exports in any format that `ingest` reads.

    Raises:
        DataError: a file can't be read to its end, or they hold neither an entity nor a class.
    """
    profile = DatasetProfile()
    for path in paths:
        try:
            add_file(path, file_format, profile)
        except StopReadingError as error:
            raise DataError(str(error)) from None
    questions = joined(profile.questions.values())
    if not profile.spans and not questions:
        raise DataError(f"{', '.join(map(str, paths))}: {no_labels(profile)}")
    # Beside others, a class that is every answer teaches nothing, and would stop the run.
    constant = [
        one
        for one in questions
        if len(one.classes) == 1 and not (one.none or profile.answers["reject"])
    ]
    if profile.spans or len(constant) < len(questions):
        profile.constants = [label for one in constant for label in one.classes]
        questions = [one for one in questions if one not in constant]
    profile.questions = {(one.name, frozenset(one.classes)): one for one in questions}
    return profile


def add_file(path: Path, file_format: Format, profile: DatasetProfile) -> None:
    """Count what one export holds."""
    profile.format = detected(path, path.name) if file_format == "auto" else file_format
    features = features_beside(path) if profile.format == "huggingface" else ""
    if features:
        profile.features[path] = features
    file = SourceFile(str(path), file_format, features=features)
    scripts, words = profile.scripts.copy(), profile.words.copy()
    for item in read(path, path.name, file, Problems()):
        if isinstance(item, Refused):
            profile.refused[item.kind] += 1
            profile.reasons.setdefault(item.kind, item.detail)
        elif isinstance(item, Skipped):
            profile.answers[item.reason] += 1
        elif item.choices or item.about_spans or item.groups:
            count(item, profile)
        else:
            profile.answers["of another task"] += 1
    profile.languages[path] = language_of(profile.scripts - scripts, profile.words - words)


def no_labels(profile: DatasetProfile) -> str:
    """Why an export gives no label to learn."""
    refused = profile.refused.total()
    total = refused + profile.answers.total()
    if not total:
        return "it holds no record."
    counts = Counter(
        {f"{KINDS[kind].title} ({profile.reasons[kind]})": n for kind, n in profile.refused.items()}
    ) + Counter({ANSWERED.get(why, why): n for why, n in profile.answers.items()})
    listed = "; ".join(f"{number} {why}" for why, number in counts.most_common())
    if not refused and {*profile.answers} <= {"reject", "ignore"}:
        return f"nothing to learn from {total} records: {listed}. Some have to be accepted."
    some = (
        f"none of {total} records could be read"
        if refused == total
        else f"nothing to learn from {total} records, none of them accepted with an entity or class"
    )
    return (
        f"{some}: {listed}. It was read as {profile.format}; these formats are read: "
        f"{', '.join(READABLE)}. Name another with --format."
    )


def count(annotation: Annotation, profile: DatasetProfile) -> None:
    """Count one annotation."""
    profile.answers[annotation.answer or "none"] += 1
    # A rejected class teaches, too.
    if annotation.answer == "accept" or (annotation.choices and annotation.answer == "reject"):
        profile.scripts += count_scripts(annotation.text)
        profile.words += count_common(annotation.text)
    if annotation.answer != "accept":
        return
    spans = spans_of(annotation, profile)
    labels = Counter(composed(span.label) for span in spans if span.label)
    for choice in annotation.choices:
        question = profile.questions.setdefault(key_of(choice), Question(choice.question))
        question.count(choice, annotation)
    count_keys(annotation, profile.keys)
    count_choices(annotation, profile.choices)
    profile.regions.count(spans)
    profile.marked += bool(spans)
    profile.overlapping += overlap(spans)
    profile.spans.update(labels)
    profile.documents.update(labels.keys())
    for key, value in annotation.meta.items():
        if isinstance(value, str | int) and not isinstance(value, bool):
            profile.values.setdefault(key, Counter())[str(value)] += 1


def spans_of(annotation: Annotation, profile: DatasetProfile) -> list[RawSpan]:
    """The spans of an accepted annotation: its entities, or else its group of spans."""
    if annotation.about_spans:
        profile.for_overlaps += annotation.asked == "spans"
        return annotation.spans
    groups = annotation.groups
    name = COMMON_GROUP if COMMON_GROUP in groups else next(iter(groups), "")
    profile.for_overlaps += bool(name)
    profile.group = profile.group or name
    return groups.get(name, [])


def overlap(spans: Sequence[RawSpan]) -> bool:
    """Whether two spans share a character."""
    ordered = sorted((span.start, span.end) for span in spans)
    return any(one[1] > other[0] for one, other in pairwise(ordered))
