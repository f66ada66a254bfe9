r"""WebAnno TSV 3, as WebAnno and INCEpTION export it."""

import pytest

from rnner.data.formats.annotated import CharSpan
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents

HEADER = """\
#FORMAT=WebAnno TSV 3.3
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value


"""
BODY = r"""#Sentence.id=s1
#Text=🎵 Greta Holm's song
1-1	0-2	🎵	SYM	_	_
1-2	3-8	Greta	NNP	http://x/1[1]	PER[1]|first\_name[2]
1-3	9-15	Holm's	NNP	http://x/1[1]	PER[1]
1-3.1	9-13	Holm	_	*	family\|name
1-4	16-20	song	NN	_	_

#Text=Bergen\tsang
2-1	21-27	Bergen	NNP	*	*
2-2	28-32	sang	VBD	_	_
"""


def entities(document) -> list[tuple[str, str]]:
    return [(document.text[start:end], label) for start, end, label in document.spans]


def test_words_sentences_and_stacked_entities(written) -> None:
    source = written(HEADER + BODY)
    assert detect_format(source.path) == "webanno"
    (document,) = read_documents(source, "webanno")
    assert document.text == "🎵 Greta Holm's song\nBergen\tsang"
    assert [[token.text for token in sentence] for sentence in document.sentences] == [
        ["🎵", "Greta", "Holm's", "song"],
        ["Bergen", "sang"],
    ]
    assert entities(document) == [
        ("Greta Holm's", "PER"),
        ("Greta", "first_name"),
        ("Holm", "family|name"),
        ("Bergen", "NamedEntity"),
    ]
    note = "entities without a value, labelled with the layer name NamedEntity: 1"
    assert source.note_lines() == [note]


def test_an_entity_may_cross_sentences_and_offsets_may_count_characters(written) -> None:
    header = "#FORMAT=WebAnno TSV 3.2\n#T_SP=webanno.custom.Place|\n\n\n"
    first = "#Text=a 😀 b\n1-1\t0-1\ta\t_\t\n1-2\t2-3\t😀\t*[1]\t\n1-3\t4-5\tb\t*[1]\t\n"
    source = written(f"{header}{first}\n#Text=c\n2-1\t5-6\tc\t*[1]\t\n")
    (document,) = read_documents(source, "webanno")
    assert (document.text, document.spans) == ("a 😀 bc", [CharSpan(2, 6, "Place")])
    assert source.note_lines() == [
        "sentences read with offsets in characters: 1",
        "entities without a value, labelled with the layer name Place: 1",
    ]


def test_without_named_entities_the_layer_with_most_spans_is_read(written) -> None:
    text = """\
#FORMAT=WebAnno TSV 3.3
#T_SP=webanno.custom.Mood|mood
#T_SP=webanno.custom.Chemical|id|kind|type
#T_CH=webanno.custom.CorefLink|referenceType|referenceRelation
#T_RL=webanno.custom.Binds|BT_webanno.custom.Chemical


#Text=salt and
#Text=water
1-1\t0-4\tsalt\tsad\t*\tx\tNaCl\t_\t_\t_
1-2\t5-8\tand\t_\t_\t_\t_\tit[1]\tcoref->1-1\t_
1-3\t9-14\twater\t_\t*\tx\tH2O\t_\t_\t1-1
"""
    source = written(text)
    (document,) = read_documents(source, "webanno")
    assert document.text == "salt and\nwater"
    assert entities(document) == [("salt", "NaCl"), ("water", "H2O")]
    (note,) = source.note_lines()
    assert note.startswith("entities read from Chemical.type (2 entities), not from Mood.mood (1); to choose")
    (document,) = read_documents(written(text, columns={"tag": "Mood.mood"}), "webanno")
    assert entities(document) == [("salt", "sad")]


def test_words_without_a_row_are_counted(written) -> None:
    source = written(f"{HEADER}#Text=Ada met Bo\n1-1\t0-3\tAda\t_\t_\t_\n")
    (document,) = read_documents(source, "webanno")
    assert document.text == "Ada met Bo"
    assert source.notes["characters outside the tokens of the file, which token formats leave out"] == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#FORMAT=WebAnno TSV 2\n\n1\tAda\t_\n", "1: expected #FORMAT=WebAnno TSV 3.x, found"),
        (
            HEADER + BODY.replace("Holm's\tNNP\thttp://x/1[1]\tPER[1]", "Holm's\tNNP"),
            "10: 1 columns after the word, but",
        ),
        (HEADER + BODY.replace("16-20", "17-21"), "12: the word 'song' is not at 17-21 in its sentence"),
        (HEADER + "1-1\t0-3\tAda\t_\t_\t_\n", "6: no line #Text= before this row"),
        (HEADER + "#Text=Ada\nAda\tPER\n", "7: expected a row such as 1-1, 0-3, Ada"),
        (
            HEADER + BODY.replace("1-3\t9-15", "1-3\t3-8").replace("\tHolm's", "\tGreta"),
            "10: the word 'Greta' begins",
        ),
        (
            HEADER.replace("NamedEntity|identifier|value", "Lemma|a|b") + BODY,
            " no layer of entities (#T_SP=); the",
        ),
    ],
)
def test_unreadable_webanno(refusal, text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_unicode_escapes_of_old_versions(written) -> None:
    header = "#FORMAT=WebAnno TSV 3.1\n#T_SP=x.NER|value\n\n\n"
    rows = "1-1\t0-1\té\tA\n1-2\t2-4\t😀\t_\n"
    (document,) = read_documents(written(f"{header}#Text=\\u00e9 \\ud83d\\ude00\n{rows}"), "webanno")
    assert document.text == "é 😀"
