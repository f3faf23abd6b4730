"""Write the sample annotations: invented guidance in the shape of a real Prodigy export.

    python scripts/make_sample.py [FOLDER]      # FOLDER defaults to configs/sample

The same script always writes the same bytes. The data is a demonstration: it is easy on purpose,
and scores on it say nothing about a model. Nobody in it exists; telephone numbers come from the
ranges that Ofcom keeps for drama and e-mail addresses from reserved domains. Like a real export,
it holds rejected and ignored tasks, texts that were annotated twice, rows without spans or tokens,
and a few broken lines.
"""

from __future__ import annotations

import json
import random
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

Json = dict[str, Any]
Slots = dict[str, Callable[[random.Random], str]]

PAGES = 110
DOC_TYPES = ("guide", "detailed_guide", "answer", "form", "news_story", "publication")
ANNOTATORS = ("guidance-asha", "guidance-ben", "guidance-carys")
FIRST_TIMESTAMP = 1_700_000_000
SUBJECTS = (
    "apply-for-a-licence",
    "attendance-allowance",
    "bereavement-support-payment",
    "carers-allowance",
    "child-maintenance",
    "council-tax-reduction",
    "dispose-of-hazardous-waste",
    "fishing-permits",
    "food-safety-inspections",
    "funded-childcare",
    "import-live-animals",
    "inheritance-tax",
    "jury-service",
    "maternity-pay",
    "patent-renewal",
    "private-renting",
    "register-a-death",
    "self-assessment",
    "student-finance",
    "vehicle-tax",
    "visa-fees",
    "winter-fuel-payment",
)
SECTIONS = ("overview", "eligibility", "how-to-apply", "what-you-need", "appeals")

FIRST_NAMES = (
    "Aisha Alan Amelia Bronwen Carlos Catherine Daniel Dilys Edward Eleri Farah Fiona George "
    "Grace Hamza Helen Ian Imogen Jack Joanna Karim Laura Liam Megan Mohammed Nia Oliver Priya "
    "Rachel Rhys Samuel Sofia Tariq Thomas Ursula Wei William Yusuf Zara Zofia"
)
LAST_NAMES = (
    "Ahmed Bailey Begum Bevan Campbell Chaudhry Clarke Davies Dixon Ellis Evans Fletcher Ghosh "
    "Griffiths Hughes Hussain Jenkins Kaur Kelly Lloyd MacDonald Mitchell Morgan Nowak O'Brien "
    "Okafor Owen Patel Powell Pritchard Quinn Reid Roberts Shah Sinclair Thompson Walsh Yilmaz"
)
MONTHS = "January February March April May June July August September October November December"
OFFICE_NAMES = ("enquiries", "appeals", "licensing", "complaints", "helpdesk", "grants", "permits")
FORM_PREFIXES = ("SA", "P", "IHT", "CH", "VAT", "DS", "SSP", "N", "ET", "V", "R", "C")
POSTCODE_AREAS = ("AB", "BS", "CF", "EH", "G", "L", "LS", "M", "NE", "NG", "PL", "SE", "SW", "YO")
DOMAINS = ("example.com", "example.org", "example.net")


def person(rng: random.Random) -> str:
    return f"{rng.choice(FIRST_NAMES.split())} {rng.choice(LAST_NAMES.split())}"


def money(rng: random.Random) -> str:
    shape = rng.randrange(4)
    if shape == 0:
        return f"£{rng.randint(5, 950)}"
    if shape == 1:
        return f"£{rng.randint(1, 400)}.{rng.randrange(10, 100)}"
    if shape == 2:
        return f"£{rng.randint(1, 325)},{rng.randrange(1000):03d}"
    return f"£{rng.randint(2, 90)} million"


def form(rng: random.Random) -> str:
    prefix = rng.choice(FORM_PREFIXES)
    return f"{prefix}{rng.randint(1, 999)}"


def date(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.choice(MONTHS.split()), rng.randint(2015, 2026)
    return rng.choice((f"{day} {month} {year}", f"{day} {month} {year}", f"{month} {year}"))


def postcode(rng: random.Random) -> str:
    area = rng.choice(POSTCODE_AREAS)
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    inward = f"{rng.randint(1, 9)}{rng.choice(letters)}{rng.choice(letters)}"
    return f"{area}{rng.randint(1, 40)} {inward}"


def email(rng: random.Random) -> str:
    if rng.random() < 0.5:
        name = rng.choice(OFFICE_NAMES)
    else:
        name = (
            f"{rng.choice(FIRST_NAMES.split())}.{rng.choice(LAST_NAMES.split())}".lower().replace(
                "'", ""
            )
        )
    return f"{name}@{rng.choice(DOMAINS)}"


def phone(rng: random.Random) -> str:
    tail = rng.randrange(1000)
    return rng.choice(
        (
            f"020 7946 0{tail:03d}",
            f"0161 496 0{tail:03d}",
            f"0808 157 0{tail:03d}",
            f"01632 960{tail:03d}",
            f"07700 900{tail:03d}",
        )
    )


def one_of(names: str) -> Callable[[random.Random], str]:
    """A generator that picks from names written one per line."""
    choices = [name.strip() for name in names.strip().splitlines()]
    return lambda rng: rng.choice(choices)


PHASE_1: Slots = {
    "MONEY": money,
    "FORM": form,
    "PERSON": person,
    "DATE": date,
    "POSTCODE": postcode,
    "EMAIL": email,
    "PHONE": phone,
}
PHASE_2: Slots = {
    "OCCUPATION": one_of(
        "nurse\nplumber\nelectrician\nteacher\ntaxi driver\nsocial worker\nvet\ndentist\n"
        "midwife\nfarmer\ncarpenter\nparamedic\nsecurity guard\nchildminder\naccountant\n"
        "lorry driver\npharmacist\nbricklayer\nhairdresser\nsolicitor"
    ),
    "ROLE": one_of(
        "Prime Minister\nHome Secretary\nForeign Secretary\nChancellor of the Exchequer\n"
        "Attorney General\nMinister for Schools\nMinister for Local Transport\nChief Inspector\n"
        "Permanent Secretary\nTraffic Commissioner\nChief Medical Officer\n"
        "Secretary of State for Education\nSecretary of State for Health\nLord Chancellor"
    ),
    "TITLE": one_of("Sir\nDame\nDr\nProfessor\nLord\nLady\nBaroness\nReverend\nCaptain"),
    "GPE": one_of(
        "England\nScotland\nWales\nNorthern Ireland\nFrance\nGermany\nIndia\nCanada\nKenya\n"
        "Australia\nManchester\nLeeds\nCardiff\nGlasgow\nBelfast\nBristol\nCornwall\nNorwich\n"
        "Swansea\nDundee"
    ),
    "LOC": one_of(
        "the River Thames\nthe River Severn\nthe North Sea\nthe Irish Sea\nthe Lake District\n"
        "the Peak District\nthe Pennines\nthe Solent\nthe Scottish Highlands\nthe Bristol Channel\n"
        "Dartmoor\nBen Nevis\nLoch Lomond\nWindermere"
    ),
    "FAC": one_of(
        "Heathrow Airport\nGatwick Airport\nManchester Airport\nTower Bridge\nthe Humber Bridge\n"
        "the Channel Tunnel\nthe Dartford Crossing\nPort of Dover\nPort of Felixstowe\n"
        "Holyhead Port\nEuston Station\nWaverley Station\nWembley Stadium\nSellafield"
    ),
    "ORG": one_of(
        "HM Revenue and Customs\nthe Home Office\nthe Environment Agency\nthe Charity Commission\n"
        "the Department for Work and Pensions\nthe Ministry of Justice\nCompanies House\nOfsted\n"
        "the Valuation Office Agency\nthe Land Registry\nthe Food Standards Agency\nOfcom\n"
        "the Health and Safety Executive\nthe Forestry Commission\nthe Rural Payments Agency"
    ),
    "EVENT": one_of(
        "the Autumn Statement\nthe Spring Budget\nthe Commonwealth Games\nRemembrance Sunday\n"
        "the Coronation\nthe Great Yorkshire Show\nNotting Hill Carnival\nBritish Science Week\n"
        "the Second World War\nthe Farnborough Airshow\nRefugee Week\nthe Platinum Jubilee"
    ),
}

TEMPLATES_1 = """
You must fill in form {FORM} and send it to us by {DATE}.
The fee is {MONEY} and you cannot get it back if your application is refused.
Use form {FORM} to tell us that your circumstances have changed.
If you earn more than {MONEY} a year you will need to send a tax return.
Contact {PERSON} at {EMAIL} if you need the form in another format.
Call {PHONE} to ask for a paper copy of form {FORM}.
The rules changed on {DATE} and the threshold is now {MONEY}.
Send your documents to the Central Casework Team, Room 12, {POSTCODE}.
Applications received after {DATE} will be considered in the next round.
Telephone {PHONE} or email {EMAIL} to book an inspection.
{PERSON} was appointed to the board on {DATE}.
You may be fined up to {MONEY} if you do not register.
Write to {PERSON}, Licensing Office, {POSTCODE}, giving your reference number.
The grant is worth up to {MONEY} for each eligible household.
Download {FORM}, print it and sign it in black ink.
Your first payment of {MONEY} will be made on {DATE}.
Email a scanned copy of your {FORM} to {EMAIL}.
A consultation, led by {PERSON}, closed on {DATE}.
You will get a letter from {PERSON} confirming the payment of {MONEY}.
Return the completed {FORM} to the address in {POSTCODE} shown on your notice.
Lines are open on {PHONE} from 8am to 6pm, Monday to Friday.
The maximum you can save tax-free has been {MONEY} since {DATE}.
For complaints, write to {EMAIL} or phone {PHONE}.
Anyone living in {POSTCODE} can ask {PERSON} for a home visit.
The office in {POSTCODE} will be closed on {DATE}.
If you paid by cheque, the refund of {MONEY} can take 6 weeks.
Our new helpline is {PHONE}; the old number will stop working on {DATE}.
{PERSON} said the scheme had already paid {MONEY} to small firms.
Tell {PERSON} on {PHONE} if you cannot attend the hearing.
Quote {FORM} when you email {EMAIL}.
Deliveries should be addressed to Gate 2, {POSTCODE}, and marked for {PERSON}.
Ask {PERSON} ({EMAIL}) for a copy of {FORM}.
""".strip().splitlines()
TEMPLATES_2 = """
{ORG} has published new guidance for people who live in {GPE}.
You need a licence to work as a {OCCUPATION} in {GPE}.
The {ROLE} announced the changes during {EVENT}.
{TITLE} Helen Bailey will chair the review for {ORG}.
Boats that use {LOC} must be registered with {ORG}.
Check the queues at {FAC} before you travel to {GPE}.
If you work as a {OCCUPATION} you can claim tax relief on your uniform.
The {ROLE} visited {FAC} to meet local staff.
Events to mark {EVENT} will take place across {GPE}.
Fishing is not allowed in parts of {LOC} until further notice.
{ORG} will inspect goods that arrive at {FAC}.
{TITLE} Rhys Morgan has been asked to advise the {ROLE}.
Your employer must check that every {OCCUPATION} has the right qualifications.
Flood warnings are in force along {LOC} and in parts of {GPE}.
Roads near {FAC} will be closed for {EVENT}.
The {ROLE} has written to {ORG} about the delays.
Visitors from {GPE} do not need a visa to attend {EVENT}.
A letter from {TITLE} Priya Shah was sent to {ORG}.
Ask a {OCCUPATION} to sign the back of your photograph.
Walkers in {LOC} should follow the countryside code.
{ORG} pays farmers who look after land around {LOC}.
The new terminal at {FAC} was opened by {TITLE} George Owen.
During {EVENT}, the {ROLE} set out plans for {GPE}.
You can train as a {OCCUPATION} with help from {ORG}.
{TITLE} Nia Powell laid a wreath to mark {EVENT}.
Ferries between {FAC} and {GPE} may be cancelled in bad weather.
Tell {ORG} if you see pollution in {LOC}.
Schools in {GPE} can apply for funding linked to {EVENT}.
The report by {TITLE} Thomas Ellis was accepted by the {ROLE}.
A {OCCUPATION} who moves to {GPE} must register again with {ORG}.
The railway from {FAC} runs beside {LOC}.
An award for {OCCUPATION} of the year will be given at {EVENT}.
""".strip().splitlines()
PLAIN = """
You do not need to do anything if your details are correct.
Read the guidance notes before you start.
We will write to you when a decision has been made.
You can appeal if you disagree with the decision.
Keep a copy of everything that you send us.
Check whether you are eligible before you apply.
You may need to show proof of your address.
It usually takes around 10 working days to process an application.
This page is also available in Welsh.
Ask someone you trust to help you if you find the form difficult.
""".strip().splitlines()
OPENINGS = ("", "", "", "Important: ", "From the next tax year: ", "Before you apply: ")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("configs/sample")
    folder.mkdir(parents=True, exist_ok=True)
    phases = (("phase1", TEMPLATES_1, PHASE_1), ("phase2", TEMPLATES_2, PHASE_2))
    for seed, (name, templates, slots) in enumerate(phases, start=1):
        rng = random.Random(seed)  # noqa: S311
        text = "".join(line + "\n" for line in export(rng, templates, slots))
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8", newline="\n")


def export(rng: random.Random, templates: list[str], slots: Slots) -> list[str]:
    """The lines of one phase's export, in the order in which they were annotated."""
    nlp = spacy.blank("en")
    tasks = [task for page in range(PAGES) for task in page_tasks(nlp, rng, page, templates, slots)]
    tasks += [again(rng, task) for task in rng.sample(tasks, len(tasks) // 25)]
    rng.shuffle(tasks)
    for position, task in enumerate(tasks):
        task["_timestamp"] = FIRST_TIMESTAMP + 23 * position + rng.randrange(20)
        task["_annotator_id"] = ANNOTATORS[position * len(ANNOTATORS) // len(tasks)]
    damage_rows(rng, tasks)
    lines = [json.dumps(task, ensure_ascii=False, separators=(",", ":")) for task in tasks]
    return with_broken_lines(lines, label=next(iter(slots)))


def page_tasks(
    nlp: Language, rng: random.Random, page: int, templates: list[str], slots: Slots
) -> Iterator[Json]:
    """Tasks from one page of the web site: they share its base_path and doc_type."""
    subject, section = SUBJECTS[page % len(SUBJECTS)], SECTIONS[page // len(SUBJECTS)]
    meta = {"base_path": f"/{subject}/{section}", "doc_type": rng.choice(DOC_TYPES)}
    for template in rng.sample(templates, rng.randint(3, 6)):
        yield task(nlp, rng, template, slots, meta)
    if rng.random() < 0.5:
        yield task(nlp, rng, rng.choice(PLAIN), slots, meta)


def task(nlp: Language, rng: random.Random, template: str, slots: Slots, meta: Json) -> Json:
    """One annotation task, its template filled in, with a task's usual answer."""
    text, spans = fill(rng, rng.choice(OPENINGS) + template, slots)
    doc = nlp(text)
    tokens = [
        {
            "text": token.text,
            "start": token.idx,
            "end": token.idx + len(token),
            "id": token.i,
            "ws": bool(token.whitespace_),
        }
        for token in doc
    ]
    for span in spans:
        covered = doc.char_span(span["start"], span["end"])
        if covered is None:
            raise ValueError(f"{text!r}: {span} is not on token boundaries; fix its generator")
        # Prodigy's token_end is inclusive, unlike its end.
        span["token_start"], span["token_end"] = covered.start, covered.end - 1
    return {
        "text": text,
        "meta": dict(meta),
        "_input_hash": signed_hash(text),
        "_task_hash": signed_hash(f"{text}|ner_manual"),
        "tokens": tokens,
        "spans": [
            {key: span[key] for key in ("start", "end", "token_start", "token_end", "label")}
            for span in spans
        ],
        "answer": rng.choices(("accept", "reject", "ignore"), (94, 4, 2))[0],
    }


def fill(rng: random.Random, template: str, slots: Slots) -> tuple[str, list[Json]]:
    """Fill a template's {LABEL} slots; return the text and where each entity stands."""
    text, spans, done = "", [], 0
    for slot in re.finditer(r"\{(\w+)\}", template):
        label = slot.group(1)
        text += template[done : slot.start()]
        value = slots[label](rng)
        if not text and value.startswith("the "):
            value = "T" + value[1:]
        spans.append({"start": len(text), "end": len(text) + len(value), "label": label})
        text, done = text + value, slot.end()
    return text + template[done:], spans


def signed_hash(text: str) -> int:
    """A signed 32-bit hash, as in the _input_hash and _task_hash of an export."""
    return zlib.crc32(text.encode()) - 2**31


def again(rng: random.Random, task: Json) -> Json:
    """The same task as a second annotator answered it; one in five misses an entity."""
    copy: Json = json.loads(json.dumps(task))
    if copy["spans"] and rng.random() < 0.2:
        copy["spans"].pop()
    return copy


def damage_rows(rng: random.Random, tasks: list[Json]) -> None:
    """What exports lack now and then: `spans` where nothing was marked, `tokens`."""
    for task in tasks:
        if not task["spans"] and rng.random() < 0.3:
            del task["spans"]
    for task in rng.sample(tasks, 6):
        del task["tokens"]
        for span in task.get("spans", []):
            del span["token_start"], span["token_end"]


def with_broken_lines(lines: list[str], label: str) -> list[str]:
    """Add a line cut by an editor, one without a text, one whose span ends past its text."""
    cut = lines[40][: len(lines[40]) // 2]
    textless = '{"meta":{"base_path":"/jury-service/overview"},"answer":"accept"}'
    span = f'{{"start":6,"end":60,"label":"{label}"}}'
    beyond = f'{{"text":"Apply online.","spans":[{span}],"answer":"accept"}}'
    return [*lines[:60], cut, *lines[60:180], textless, *lines[180:300], beyond, *lines[300:]]


if __name__ == "__main__":
    main()
