"""The classes of bad input, their fixed policies, and the tally of what was met.

docs/data.md explains each class to those who annotate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from components.errors import RetrainError

FIRST_POSITIONS = 5
EXAMPLES = 3
EXCERPT = 160  # characters


class Policy(StrEnum):
    """What happens to the data that has the problem, the gravest first."""

    STOP = "stop"
    QUARANTINE = "quarantine"
    WARN = "warn"
    REPAIR = "repair"


@dataclass(frozen=True)
class Kind:
    """A class of problem: its policy, what it is, and what a person should do."""

    policy: Policy
    title: str
    action: str


S, Q, X, W = Policy.STOP, Policy.QUARANTINE, Policy.REPAIR, Policy.WARN

KINDS = {
    # Files
    "unknown_format": Kind(
        S,
        "File whose format is not recognised",
        "Name its `format:` next to its path in the config, or take it out.",
    ),
    "ambiguous_columns": Kind(
        S,
        "Rows with tags in several columns",
        "Say which column counts, next to the path in the config: `columns: {word: 2, tag: 3}`.",
    ),
    "unknown_column": Kind(
        S,
        "Table without the columns that are needed",
        "Say which they are, next to the path in the config: `text: COLUMN, label: COLUMN`.",
    ),
    "cut_line": Kind(S, "File that ends in the middle of a record", "Export or copy it again."),
    "corrupt_file": Kind(
        S, "Compressed or binary file that is cut or corrupt", "Export or copy it again."
    ),
    "unpacks_too_far": Kind(
        S,
        "Packed file that unpacks to more than `max_unpacked` times its size",
        "Check what is in it; unpack it yourself, or raise `ingest.max_unpacked`.",
    ),
    "long_record": Kind(
        S,
        "Record of more than `max_record` bytes, or a document too large to be read at once",
        "Split it, or export JSON Lines; raise `ingest.max_record` if it is right.",
    ),
    "wrong_encoding": Kind(S, "File that is not UTF-8", "Save it as UTF-8."),
    "empty_file": Kind(W, "File without a record", "Check that the export worked."),
    "hidden_file": Kind(
        W,
        "File in an archive whose name begins with a dot: not read",
        "Give it another name if it holds annotations.",
    ),
    "byte_order_mark": Kind(X, "Byte order mark at the start of a line", "Nothing."),
    "windows_lines": Kind(X, "File with Windows line ends", "Nothing."),
    # Records
    "not_json": Kind(Q, "Line that is not JSON", "Export again, or fix the line."),
    "not_object": Kind(Q, "Line that is not a JSON object", "Export again, or fix the line."),
    "nan_literal": Kind(Q, "NaN or Infinity, which JSON does not have", "Fix the line."),
    "duplicate_keys": Kind(Q, "Same key twice in one object", "Fix the line."),
    "wrong_shape": Kind(Q, "Field that is missing or of the wrong type", "Fix the record."),
    "missing_answer": Kind(
        Q, "Record without accept, reject or ignore", "Answer it in the annotation tool."
    ),
    "text_elsewhere": Kind(
        Q, "Record whose text is a link to a file", "Export it with the text inside."
    ),
    "unknown_text": Kind(
        Q,
        "Label Studio task with several texts: it is not known which was annotated",
        "Say which, next to the path in the config: `text: KEY`.",
    ),
    "unproven_offsets": Kind(
        Q,
        "Span of hypertext or paragraphs that its own text does not prove",
        "Export it from a newer Label Studio, or annotate the visible text.",
    ),
    # Text
    "lone_surrogate": Kind(Q, "Half of a surrogate pair in the text", "Clean the source text."),
    "blank_text": Kind(Q, "Empty or white text", "Leave it out of the annotation stream."),
    "long_text": Kind(Q, "Text over 1,000,000 characters", "Split the document first."),
    "nul": Kind(W, "NUL character in the text", "Clean the text before annotating."),
    "nbsp": Kind(W, "No-break space in the text", "Clean the text before annotating."),
    "zero_width": Kind(W, "Zero-width character in the text", "Clean the text before annotating."),
    "decomposed": Kind(
        W, "Letter and accent as two characters", "Normalise the text (NFC) before annotating."
    ),
    # Tokens
    "missing_tokens": Kind(X, "Record without tokens: tokenised here", "Nothing."),
    "wrong_language": Kind(
        S,
        "Text without spaces between words, and a language that parts words by spaces",
        "Set `language` of the phase: zh, ja or th.",
    ),
    "tokens_disagree": Kind(
        W,
        "Tokens that do not spell the text: tokenised afresh",
        "Check that the text was not edited after it was tokenised.",
    ),
    # Spans
    "misaligned_span": Kind(
        X,
        "Span that starts or ends inside a token",
        "Choose `misaligned`; annotate with the tokeniser that you train with.",
    ),
    "white_edges": Kind(X, "Span with white edges: trimmed", "Nothing."),
    "bad_offsets": Kind(
        Q, "Span of no length, reversed, outside the text or not in whole numbers", "Fix the span."
    ),
    "shifted_span": Kind(
        X,
        "Span whose offsets count something else than characters",
        "Nothing: its own text shows where it belongs.",
    ),
    "span_text_differs": Kind(
        Q, "Span whose own text is not the text at its offsets", "Annotate the record again."
    ),
    "undecidable_offsets": Kind(
        Q,
        "Span that may count characters or UTF-16 units: it is ambiguous",
        "Export spans with their own text, or annotate the record again.",
    ),
    "span_text_spacing": Kind(
        X, "Span whose own text differs in white space only", "Nothing; check one example."
    ),
    "span_text_part": Kind(
        W, "Span whose own text is a part of what it covers: its offsets count", "Check some."
    ),
    "span_tokens_differ": Kind(
        W,
        "Span whose token numbers are not the tokens at its offsets: its offsets count",
        "Check that the text was not tokenised again after it was annotated.",
    ),
    "offsets_unverified": Kind(
        W,
        "Label Studio span without its own text: its offsets cannot be checked",
        "Export it from a newer Label Studio.",
    ),
    "duplicate_span": Kind(X, "Same span twice in one record", "Nothing."),
    "overlapping_spans": Kind(
        X,
        "Spans that overlap",
        "Choose `overlap`, and agree with the annotators which one counts; or learn them all: "
        "`kind: spans`.",
    ),
    "relations": Kind(X, "Relation between entities: passed over", "Nothing: no task reads them."),
    "region_choices": Kind(
        W,
        "Choices of a region that no task reads: passed over",
        "If they say the status of an entity, add a task of kind assertion.",
    ),
    "span_keys": Kind(
        W,
        "Key of Prodigy's spans that no task reads: passed over",
        "If it says the status of an entity, add a task of kind assertion with that `key`.",
    ),
    "unread_spans": Kind(
        X, "Span of a record that no task of the phase is about: passed over", "Nothing."
    ),
    "unread_question": Kind(
        X, "Question about the whole text that no task of the phase reads: passed over", "Nothing."
    ),
    "other_answers": Kind(
        W,
        "Answer that is neither a label, a choice nor a relation: passed over",
        "Nothing: no task reads it.",
    ),
    "span_answer_differs": Kind(
        W, "Span whose own answer differs from its record's: the span's counts", "Nothing."
    ),
    # Labels
    "bad_label": Kind(S, "Label that is empty, '-', 'O' or a tag such as B-ORG", "Fix the export."),
    "undeclared_label": Kind(
        S,
        "Label that the config does not declare",
        "Declare it in `labels`, or rename or drop it in `select`.",
    ),
    "missing_label": Kind(
        S, "Declared label with no example", "Annotate some, or take it out of `labels`."
    ),
    "single_document_label": Kind(
        S,
        "Declared label with examples in one document only",
        "Annotate more: nothing would be left to test it on.",
    ),
    "few_examples": Kind(
        W, "Label with fewer than 50 examples", "Annotate more: its scores will be uncertain."
    ),
    "moved_spans": Kind(
        S,
        "Label of which too many spans do not begin and end where tokens do",
        "Check the examples of spans inside a token; correct the cause, or raise `max_moved`.",
    ),
    "lost_label": Kind(
        S,
        "Label of which no span is left",
        "See what became of its spans; correct that, or take it out of `labels`.",
    ),
    "several_labels": Kind(
        W,
        "Same place with several labels: the first in `labels` stays",
        "Choose: put the label that counts first, or drop the others in `select`.",
    ),
    # Classes
    "no_choice": Kind(
        Q, "Accepted record without a choice, where exactly one is asked", "Answer it again."
    ),
    "several_choices": Kind(
        Q,
        "Several choices, where exactly one is asked",
        "Answer it again, or set `exclusive: false`.",
    ),
    "soft_class": Kind(
        Q,
        "Class that is neither 1 nor 0: a probability, such as a model's",
        "Have it annotated; or write 1 and 0, if somebody decided.",
    ),
    "rejected_choice": Kind(
        W, "Rejected record with several choices or none: nobody said which is wrong", "Nothing."
    ),
    # Assertion
    "unpaired_assertion": Kind(
        W,
        "Assertion on no entity: no entity that was kept overlaps or touches it",
        "Mark the entity, or take the assertion away.",
    ),
    "several_statuses": Kind(
        Q, "Entity with two statuses, where it has exactly one", "Take one of them away."
    ),
    "unclear_assertion": Kind(
        Q,
        "Question about the status of an entity that does not show exactly one span",
        'Ask for one span at a time; in Label Studio give the Choices `perRegion="true"`.',
    ),
    "default_status": Kind(X, "Entity without a status: it has the `default`", "Nothing."),
    # Several annotations of one text
    "conflicting_annotations": Kind(
        W, "Annotators who disagree on a text", "Have it reviewed, or set `select.annotators`."
    ),
    "united_passes": Kind(
        W,
        "Passes over the same texts, each with labels of its own: united",
        "Nothing, if each pass asked for these labels alone.",
    ),
    "unknown_annotator": Kind(
        W, "Name in `select.annotators` that annotated nothing", "Correct the name."
    ),
    "unmatched_filter": Kind(
        W,
        "Value of `include` or `exclude` that is on no record",
        "Correct it, or take it out: it selects nothing.",
    ),
    # The whole
    "too_many_quarantined": Kind(
        S, "Too large a share of the records in quarantine", "Read quarantine.jsonl first."
    ),
    "no_entities": Kind(
        S, "No example of any label", "Check the sources, the answers and the labels."
    ),
    "one_class": Kind(
        S,
        "Only one answer among all texts: there is nothing to tell it from",
        "Annotate texts of which the answer is another one.",
    ),
}


class QuarantineError(Exception):
    """One record cannot be trusted. `kind` is a key of KINDS."""

    def __init__(self, kind: str, detail: str):
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


class StopReadingError(RetrainError):
    """A file cannot be read on.

    Args:
        kind: a key of KINDS, whose action is added to the message.
        detail: what is wrong, without a full stop.
    """

    def __init__(self, kind: str, position: str, detail: str):
        super().__init__(f"{position}: {detail}. {KINDS[kind].action}")
        self.kind = kind
        self.position = position
        self.detail = detail


@dataclass
class Problem:
    """How often a class of problem met one policy, and where first."""

    kind: str
    policy: Policy
    count: int = 0
    first: list[str] = field(default_factory=list)
    examples: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Note:
    """One problem met: `detail` says what, `excerpt` shows the data around it."""

    kind: str
    detail: str = ""
    excerpt: str = ""
    policy: Policy | None = None  # where the config decides; else the policy of the kind
    label: str = ""  # of the span that was moved or left out
    count: int = 1


class Problems:
    """The tally of all problems of a run."""

    def __init__(self) -> None:
        self.met: dict[tuple[str, Policy], Problem] = {}

    def add(self, position: str, note: Note) -> None:
        """Count a problem met at `position`."""
        policy = note.policy or KINDS[note.kind].policy
        problem = self.met.setdefault((note.kind, policy), Problem(note.kind, policy))
        problem.count += note.count
        if position and len(problem.first) < FIRST_POSITIONS and position not in problem.first:
            problem.first.append(position)
        if len(problem.examples) < EXAMPLES and (note.detail or note.excerpt):
            excerpt = note.excerpt[:EXCERPT]
            example = {"position": position, "detail": note.detail, "excerpt": excerpt}
            problem.examples.append(example)

    def sorted(self) -> list[Problem]:
        """The problems met, the gravest first, in the order of KINDS."""
        gravity, order = list(Policy), list(KINDS)
        return sorted(
            self.met.values(), key=lambda p: (gravity.index(p.policy), order.index(p.kind))
        )

    def with_policy(self, policy: Policy) -> list[Problem]:
        """Those that had this policy."""
        return [problem for problem in self.sorted() if problem.policy is policy]
