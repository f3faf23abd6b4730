"""What the labelling configs of Label Studio and Annotation Lab ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ConfigError
from pipelines.labelling.reading import Tasks, is_labelling_config, read

ENTITIES = """
  <Labels name="label" toName="text">
    <Label value="ORG" background="red"/>
    <Label value="Person" alias="PERSON"/>
  </Labels>
  <Text name="text" value="$text"/>"""
NER = {"kind": "ner", "labels": ["ORG", "PERSON"]}


def tasks(inside: str) -> Tasks:
    return read(f"<View>{inside}</View>".encode(), "p.xml").tasks


def refused(inside: str) -> str:
    with pytest.raises(ConfigError) as error:
        tasks(inside)
    return str(error.value)


def test_labels_and_choices() -> None:
    asked = (
        ENTITIES
        + """
  <View className="box">
    <Choices name="Topic of it" toName="text" choice="single-radio">
      <Choice value="Tax"/><Choice value="Visa"/>
    </Choices>
  </View>
  <Choices name="flags" toName="text" choice="multiple"><Choice value="urgent"/></Choices>
  <Choices name="spam" toName="text"><Choice value="Spam"/></Choices>
  <Choices name="old" toName="text" train="false"><Choice value="x"/><Choice value="y"/></Choices>
  <Rating name="stars" toName="text"/>
  <Header value="Read the text"/>"""
    )
    project = read(f"<View>{asked}</View>".encode(), "p.xml")
    assert project.tasks == {
        "entities": NER,
        "topic-of-it": {"kind": "textcat", "exclusive": True, "labels": ["Tax", "Visa"]},
        "flags": {"kind": "textcat", "exclusive": False, "labels": ["urgent"]},
        "spam": {"kind": "textcat", "exclusive": False, "labels": ["Spam"]},
    }
    assert project.left_out == [
        '<Choices name="old"> in line 14: train="false"',
        '<Rating name="stars"> in line 15: no kind of task learns it',
    ]


def test_a_second_control_of_spans_may_overlap_the_first() -> None:
    more = '<HyperTextLabels name="scope" toName="text"><Label value="NEG"/></HyperTextLabels>'
    assert tasks(ENTITIES + more)["scope"] == {"kind": "spans", "labels": ["NEG"]}


def test_assertion_labels_of_annotation_lab() -> None:
    lab = """<Labels name="label" toName="text">
      <Label value="PROBLEM" model="ner_clinical"/>
      <Label value="Absent" assertion="true"/><Label value="Past" assertion="true"/>
    </Labels><Text name="text" value="$text"/>"""
    assert tasks(lab) == {
        "entities": {"kind": "ner", "labels": ["PROBLEM"]},
        "status": {"kind": "assertion", "of": "entities", "labels": ["Absent", "Past"]},
    }


def test_choices_of_each_region() -> None:
    """They may stand before the labels that they are about."""
    status = """<Choices name="certainty" toName="text" perRegion="true">
      <Choice value="sure" selected="true"/><Choice value="unsure"/></Choices>"""
    assert tasks(status + ENTITIES)["certainty"] == {
        "kind": "assertion",
        "of": "entities",
        "key": "certainty",
        "labels": ["sure", "unsure"],
        "default": "sure",
    }


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (
            f"{ENTITIES}\n<Relations>\n<Relation value='owns'/></Relations>",
            "p.xml:7: <Relations>: relations between spans are learnt by no kind of task",
        ),
        (
            '<Image name="i"/><Labels name="l" toName="i"><Label value="A"/></Labels>',
            'learnt; <Labels name="l"> in line 1: it is not about a text',
        ),
        (
            '<Text name="t"/>\n<Labels name="l" toName="t" value="$labels"/>',
            'p.xml:2: <Labels name="l"> has no labels of its own: it takes them from $labels',
        ),
        ('<Text name="t"/><Labels name="l" toName="t"><Label/></Labels>', "<Label> has no value"),
        (
            f'{ENTITIES}<Choices name="c" toName="text"><Choice value="ORG"/>'
            '<Choice value="B"/></Choices>',
            "p.xml:6: c: ORG: entities has it, too, and a label belongs to one task",
        ),
        (
            '<Text name="t"/><Choices name="c" toName="t" perRegion="true"><Choice value="A"/>'
            "</Choices>",
            "no <Labels> before it marks any",
        ),
        ("<Text name='t'/>", "no <Labels> or <Choices> of a text that can be learnt"),
        ("<Labels>", "p.xml:1: no XML: mismatched tag"),
        ("<a>" * 200 + "</a>" * 200, "nested too deeply"),
    ],
)
def test_what_cannot_be_learnt_is_said_with_its_line(inside: str, message: str) -> None:
    assert message in refused(inside)


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE View SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE View [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
    ],
)
def test_nothing_is_fetched_and_nothing_grows(dtd: str) -> None:
    with pytest.raises(ConfigError, match=r"p\.xml:1: a document type"):
        read(f"{dtd}<View>{ENTITIES}</View>".encode(), "p.xml")
    with pytest.raises(ConfigError, match="no labelling config is so long"):
        read(b"<View>" + b" " * 6_000_000 + b"</View>", "p.xml")


def test_xml_is_distinguished_from_annotations(tmp_path: Path) -> None:
    for content, is_xml in ((b"\xef\xbb\xbf\n <View/>", True), (b'{"text": "<b>"}', False)):
        (tmp_path / "a").write_bytes(content)
        assert is_labelling_config(tmp_path / "a") is is_xml
