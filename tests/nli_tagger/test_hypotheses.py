"""How labels are read: one sentence each, as a person would say it."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nli_tagger import LabelSet
from nli_tagger.hypotheses import hypothesis, readable

AS_WORDS = {
    "refund_request": "refund request",
    "refund__request": "refund request",
    "REFUND_REQUEST": "REFUND REQUEST",
    "refund-request": "refund-request",
    "billing.issue": "billing issue",
    "billingIssue": "billing Issue",
    "BillingIssue": "Billing Issue",
    "LateDeliveryComplaint": "Late Delivery Complaint",
    "snake_andCamel": "snake and Camel",
    "HTTPError": "HTTP Error",
    "userID": "user ID",
    "APIKeyLeak": "API Key Leak",
    "Tier1Support": "Tier1 Support",
    "NASA": "NASA",
    "U.S.": "U.S.",
    "e.g. this": "e.g. this",
    "v1.2": "v1.2",
    "c/c++": "c/c++",
    "C#": "C#",
    ".NET": ".NET",
    "R&D": "R&D",
    "Q&A": "Q&A",
    "SaaS": "SaaS",
    "PDFs": "PDFs",
    "COVID-19": "COVID-19",
    "5G": "5G",
    "B2B": "B2B",
    "iPhone": "iPhone",
    "eBay": "eBay",
    "McDonald's": "McDonald's",
    "YouTube": "YouTube",
    "JavaScript": "JavaScript",
    "P1 - urgent": "P1 - urgent",
    "  two   spaces ": "two spaces",
    "Über_uns": "Über uns",
    "Größe": "Größe",
    "жалоба_клиента": "жалоба клиента",
    "返品": "返品",
    "emoji \U0001f600": "emoji \U0001f600",
}

SENTENCES = [
    ("sports", None, None, "This text is tagged sports."),
    ("refund_request", None, None, "This text is tagged refund request."),
    ("P1 - urgent", None, None, "This text is tagged P1 - urgent."),
    ("U.S.", None, None, "This text is tagged U.S."),
    ("urgent.", None, None, "This text is tagged urgent."),
    ("a complaint", None, None, "This text is tagged a complaint."),
    ("Customer is angry", None, None, "This text is tagged Customer is angry."),
    ("返品", None, None, "This text is tagged 返品."),
    ("technology", "Hardware, software, gadgets", None, "This text is tagged technology: Hardware, software, gadgets."),
    ("technology", "Hardware, gadgets.", None, "This text is tagged technology: Hardware, gadgets."),
    ("technology", "Hardware,\n  gadgets", None, "This text is tagged technology: Hardware, gadgets."),
    ("technology", "See v1.2, etc...", None, "This text is tagged technology: See v1.2, etc."),
    ("technology", " ", None, "This text is tagged technology."),
    ("sports", None, "news article", "This news article is tagged sports."),
    ("sports", None, "a news article", "This news article is tagged sports."),
    ("sports", None, "An email.", "This email is tagged sports."),
    ("sports", None, "the e-mail", "This e-mail is tagged sports."),
    ("sports", None, "thesis", "This thesis is tagged sports."),
    ("sports", None, "support_ticket", "This support ticket is tagged sports."),
    ("sports", None, " ", "This text is tagged sports."),
    ("sports", "Ball games", "tweet", "This tweet is tagged sports: Ball games."),
]

STATEMENTS = [
    ("The writer apologises", None, "The writer apologises."),
    ("The customer wants a refund", None, "The customer wants a refund."),
    ("The customer wants a refund.", None, "The customer wants a refund."),
    ("This text is about sports", None, "This text is about sports."),
    ("It has been delivered", None, "It has been delivered."),
    ("no refund requested", None, "no refund requested."),
    ("They can't log in", "Any product", "They can't log in: Any product."),
    ("Prices went up.", None, "Prices went up."),
]

QUESTIONS = [
    ("Is a permit needed?", None, "Is a permit needed? Yes."),
    ("is_a_permit_needed?", None, "is a permit needed? Yes."),
    ("Does the customer want a refund ?", None, "Does the customer want a refund? Yes."),
    ("Is it spam??", None, "Is it spam? Yes."),
    ("Is it spam?", "Unwanted advertising.", "Is it spam? Yes: Unwanted advertising."),
]


@pytest.mark.parametrize(("label", "words"), AS_WORDS.items())
def test_labels_are_read_as_words(label, words):
    assert readable(label) == words


@pytest.mark.parametrize(("label", "description", "text_type", "sentence"), SENTENCES)
def test_a_label_with_description_and_text_type_is_one_sentence(label, description, text_type, sentence):
    assert hypothesis(label, description, text_type) == sentence


@pytest.mark.parametrize("text_type", [None, "support ticket"])
@pytest.mark.parametrize(("label", "description", "sentence"), STATEMENTS)
def test_a_statement_is_its_own_hypothesis(label, description, text_type, sentence):
    assert hypothesis(label, description, text_type) == sentence


@pytest.mark.parametrize("text_type", [None, "support ticket"])
@pytest.mark.parametrize(("label", "description", "sentence"), QUESTIONS)
def test_a_question_asks_for_a_yes(label, description, text_type, sentence):
    assert hypothesis(label, description, text_type) == sentence


@pytest.mark.parametrize(
    ("label", "description"),
    [
        ("Refund?", None),
        ("Yahoo!", None),
        ("It was a great day!", None),
        ("これは苦情です。", None),
        ("苦情ですか\uff1f", None),
        ("sports", "Is it about sports?"),
        ("sports", "Goals!"),
    ],
)
def test_a_closing_mark_of_a_label_or_description_is_the_only_one(label, description):
    assert not re.search("[.?!。\uff1f\uff01]\\.$", hypothesis(label, description))


def test_a_description_of_nothing_but_dots_is_none():
    assert hypothesis("sports", "...") == "This text is tagged sports."


labels = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=0x20, exclude_characters="\x7f"), max_size=100)
descriptions = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


@given(labels.filter(str.strip))
@example("Refund?")
@example("a\u2028b")
@example(".")
def test_any_valid_label_gives_one_line_that_ends_in_one_mark(label):
    (sentence,) = LabelSet.of([label]).hypotheses
    assert sentence.splitlines() == [sentence.strip()]
    assert sentence.endswith((".", "?", "!", "。", "\uff1f", "\uff01"))
    assert not sentence.endswith(("..", "?.", "!."))


@given(labels.filter(str.strip), descriptions, st.none() | labels)
def test_any_description_and_text_type_keep_it_one_line(label, description, text_type):
    (sentence,) = LabelSet.of([label], {label: description}, text_type).hypotheses
    assert sentence.splitlines() == [sentence.strip()]
