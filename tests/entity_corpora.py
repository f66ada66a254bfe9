"""Gold and predicted entities: an example, and random ones for property tests."""

from hypothesis import strategies as st

from rnner.tags import Span

SENTENCES = [
    sentence.split()
    for sentence in (
        "Harry Potter and Hermione Granger took the train to London .",
        "Nobody knew .",
        "The Bank of England met in London 's City Hall .",
        "Li Na beat Venus Williams at the Australian Open .",
    )
]
GOLD = [
    [Span(0, 2, "PER"), Span(3, 5, "PER"), Span(9, 10, "LOC")],
    [],
    [Span(1, 4, "ORG"), Span(6, 7, "LOC"), Span(8, 10, "LOC")],
    [Span(0, 2, "PER"), Span(3, 5, "PER"), Span(7, 9, "MISC")],
]
PREDICTED = [
    [Span(0, 2, "PER"), Span(3, 4, "PER"), Span(4, 5, "ORG"), Span(9, 10, "LOC")],
    [Span(0, 1, "PER")],
    [Span(3, 4, "LOC"), Span(6, 7, "ORG")],
    [Span(0, 2, "PER"), Span(3, 5, "PER"), Span(7, 8, "EVENT")],
]
LENGTHS = [len(words) for words in SENTENCES]


@st.composite
def entities(draw, length):
    """Draw entities of a sentence that do not overlap."""
    spans, place = [], 0
    while place < length:
        start = place + draw(st.integers(0, 2))
        end = start + draw(st.integers(1, 3))
        if end <= length:
            spans.append(Span(start, end, draw(st.sampled_from(["PER", "LOC", "creative-work"]))))
        place = end
    return spans


@st.composite
def corpora(draw):
    """Draw gold and predicted entities of some sentences, and the lengths of the sentences."""
    lengths = draw(st.lists(st.integers(0, 9), max_size=5))
    gold = [draw(entities(length)) for length in lengths]
    predicted = [draw(st.just(spans) | entities(n)) for spans, n in zip(gold, lengths, strict=True)]
    return gold, predicted, lengths
