"""Small annotated files in layouts that rnner does not write itself, for fuzz_data.py. Not a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Files = dict[str, bytes]
"""The contents of files by their names, relative to the folder of the input. The first one is read."""


def _table(*rows: str) -> bytes:
    """Return rows, whose cells are separated by spaces here, as a file separated by tabs."""
    return "".join("\t".join(row.split()) + "\n" for row in rows).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _jsonl(*records: Any) -> bytes:
    return b"".join(_json(record) + b"\n" for record in records)


_TEXT = "Maria López besuchte Zürich, nicht 東京 🎉."
_SPANS: list[dict[str, Any]] = [
    {"start": 0, "end": 11, "label": "PER"},
    {"start": 21, "end": 27, "label": "LOC"},
    {"start": 35, "end": 37, "label": "LOC"},
]


def _in_bytes(offset: int) -> int:
    return len(_TEXT[:offset].encode())


def _task(annotations: str, kind: str = "labels") -> dict[str, Any]:
    """Return a task of Label Studio with two results and one that is not a label."""
    results = [
        {"type": kind, "value": {"start": it["start"], "end": it["end"], kind: [it["label"]]}}
        for it in _SPANS[:2]
    ]
    return {"id": 1, "data": {"text": _TEXT}, annotations: [{"result": [*results, {"type": "choices"}]}]}


def _minimal(number: int, key: str = "label") -> dict[str, Any]:
    spans = [{**it, "text": _TEXT[it["start"] : it["end"]], "labels": [it["label"]]} for it in _SPANS[:2]]
    return {"id": number, "text": _TEXT, key: spans, "annotator": 1, "lead_time": 4.5}


def _hypertext() -> dict[str, Any]:
    value = {
        "start": "/p[1]/b[1]/text()[1]",
        "end": "/p[1]/b[1]/text()[1]",
        "startOffset": 0,
        "endOffset": 11,
        "globalOffsets": {"start": 0, "end": 11},
        "text": "Maria López",
        "hypertextlabels": ["PER"],
    }
    data = {"html": "<p><b>Maria López</b> &amp; <br>Zürich</p><script>1 < 2</script>"}
    return {"id": 2, "data": data, "annotations": [{"result": [{"type": "hypertextlabels", "value": value}]}]}


def _quoted(value: Any) -> str:
    return '"' + json.dumps(value, ensure_ascii=False).replace('"', '""') + '"'


_ANN = """T1\tPER 0 11\tMaria López
T2\tLOC 21 27\tZürich
T3\tPER 0 5;12 20\tMaria besuchte
R1\tLive Arg1:T1 Arg2:T2
"""
_WEBANNO = """#FORMAT=WebAnno TSV 3.3
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value
#T_SP=webanno.custom.Emotion|strength
#T_RL=webanno.custom.Knows|kind|BT_webanno.custom.Emotion


#Text=Maria López besuchte Zürich 🎉.
1-1\t0-5\tMaria\tNE\t*[1]\tPER[1]\t_\t_\t_\t
1-2\t6-11\tLópez\tNE\t*[1]\tPER[1]|PER\\_deriv[2]\t*\t_\t_\t
1-3\t12-20\tbesuchte\tVV\t_\t_\t3\tlikes\t1-1\t
1-4\t21-27\tZürich\tNE\t*\tLOC\t_\t_\t_\t
1-4.1\t21-23\tZü\t_\t_\tLOCpart\t_\t_\t_\t
1-5\t28-30\t🎉\t_\t*\t*\t_\t_\t_\t
1-6\t30-31\t.\t_\t_\t_\t_\t_\t_\t

#Text=Ja\\tund
#Text=nein
2-1\t32-34\tJa\t_\t_\t_\t_\t_\t_\t
2-2\t35-38\tund\t_\t_\t_\t_\t_\t_\t
2-3\t39-43\tnein\t_\t_\t_\t_\t_\t_\t
"""
_CONLL2012 = """#begin document (letters/1); part 000
letters/1   0   0   Maria      NNP   (S(NP*   -   -   -   -   (PERSON*   (0
letters/1   0   1   López      NNP   *)       -   -   -   -   *)         0)
letters/1   0   2   besuchte   VBD   (VP*     see 01  1   -   *          -
letters/1   0   3   Zürich     NNP   *))      -   -   -   -   (GPE(LOC)*)  (1)

letters/1   0   0   (          -     *        -   -   -   -   *          -
letters/1   0   1   #          -     *        -   -   -   -   (CARDINAL) -

#end document
"""
_HIPE = """TOKEN\tNE-COARSE-LIT\tNE-COARSE-METO\tNE-FINE-LIT\tNE-NESTED\tNEL-LIT\tMISC
# hipe2022:document_id = brief-1
# hipe2022:language = de
Maria\tB-pers\tO\tB-pers.ind\tO\tQ1\t_
López\tI-pers\tO\tI-pers.ind\tO\tQ1\tPartial-0:4
war\tO\tO\tO\tO\t_\t_
in\tO\tO\tO\tO\t_\t_
Zürich\tB-loc\tB-org\tB-loc.adm\tB-loc\tQ72\tNoSpaceAfter|LED0.10
.\tO\tO\tO\tO\t_\tEndOfSentence

# hipe2022:document_id = brief-2
#\tO\tO\tO\tO\t_\tPySBDSegment
Paris\tB-loc\tO\tB-loc\tO\t_\t_
"""
_GERMEVAL = """#\thttp://example.org/1\t[2009-10-17]
1\tMaria\tB-PER\tO
2\tLópez\tI-PER\tO
3\tin\tO\tO
4\tFC\tB-ORG\tO
5\tZürich\tI-ORG\tB-LOC

#\thttp://example.org/2\t[2010-01-02]
1\tNein\tO\tO
2\tBerlin-Mitte\tB-LOCpart\tB-LOC
"""
_MULTICONER = """# id 1f3a-22 domain=train
maria _ _ B-PER
lópez _ _ I-PER
besuchte _ _ O
zürich _ _ B-LOC

# id 77aa domain=train
東京 _ _ B-LOC
"""
_KAGGLE = """Sentence #,Word,POS,Tag
Sentence: 1,Maria,NNP,B-PER
,López,NNP,I-PER
,"",_,O
,"a ""yes"", twice",VBD,O
Sentence: 2,Zürich,NNP,B-LOC
,",",",",O
"""
_LISTS = """tokens;ner_tags
"['Maria', 'López', ""d'Arc""]";"['B-PER', 'I-PER', 'I-PER']"
"[""in"" ""Zürich""]";"['O' 'B-LOC']"
Nein danke;O O
"""
_CONLLU = """# newdoc id = 1
# sent_id = 1
# text = Maria's Zürich
1-2\tMaria's\t_\t_\t_\t_\t_\t_\t_\t_
1\tMaria\tMaria\tPROPN\tNE\tCase=Nom\t0\troot\t_\tname=B-PER|SpaceAfter=No
2\t's\t_\tPART\t_\t_\t1\tcase\t_\tName=O
2.1\tlives\t_\tVERB\t_\t_\t_\t_\t1:x\t_
3\tZürich\t_\tPROPN\t_\t_\t1\tx\t_\tNER=B-LOC

"""
_PARAGRAPHS = [
    {
        "id": 0,
        "paragraphs": [
            {
                "raw": "Maria López, nein.",
                "sentences": [
                    {
                        "tokens": [
                            {"id": 0, "orth": "Maria", "ner": "B-PER"},
                            {"id": 1, "orth": "López", "ner": "L-PER"},
                            {"id": 2, "orth": ",", "ner": "-"},
                        ]
                    },
                    {"tokens": [{"id": 3, "orth": "nein", "ner": "O"}, {"id": 4, "orth": ".", "ner": "O"}]},
                ],
            },
            {"sentences": [{"tokens": [{"orth": "Zürich", "ner": "U-LOC"}]}], "cats": []},
        ],
    }
]
_PAIRS = [[_TEXT, {"entities": [[0, 11, "PER"], [21, 27, "LOC"]]}], ["Nein.", {"entities": []}]]

SAMPLES: Mapping[str, Files] = {
    "brat, one pair": {"1.ann": _ANN.encode(), "1.txt": _TEXT.encode()},
    "brat, line breaks": {
        "2.ann": b"T1\tLOC 3 6;7 11\tNew York\n#1\tNote T1\tx\n",
        "2.txt": b"In New\nYork\n",
    },
    "webanno": {"1.tsv": _WEBANNO.encode()},
    "gliner": {"1.json": b'[{"tokenized_text": ["Maria", "lacht"], "ner": [[0, 0, "PER"]]}]\n'},
    "spert": {"1.json": b'{"tokens": ["Maria"], "entities": [{"start": 0, "end": 1, "type": "PER"}]}\n'},
    "dygie": {"1.jsonl": b'{"sentences": [["Maria"], ["Ja"]], "ner": [[[0, 0, "PER"]], []]}\n'},
    "stanza": {"1.json": b'[[{"text": "Maria", "ner": "S-PER"}, {"text": "lacht", "ner": "O"}]]\n'},
    "cluener": {"1.jsonl": b'{"text": "Maria lacht", "label": {"PER": {"Maria": [[0, 4]]}}}\n'},
    "conll2012": {"1.gold_conll": _CONLL2012.encode()},
    "conll2012, few columns": {"1.conll": _table("0 Maria (PER*", "1 López *)", "2 lacht *")},
    "hipe": {"1.tsv": _HIPE.encode()},
    "germeval": {"1.tsv": _GERMEVAL.encode()},
    "multiconer": {"1.conll": _MULTICONER.encode()},
    "conllu": {"1.conllu": _CONLLU.encode()},
    "csv, kaggle": {"1.csv": _KAGGLE.encode()},
    "csv, latin-1": {"1.csv": _KAGGLE.encode("latin-1")},
    "csv, lists": {"1.csv": _LISTS.encode()},
    "csv, bars": {"1.txt": b"sep=|\ndoc_id|sid|token|label\n1|1|Maria|B-PER\n1|2|||\n2|2|Rom|B-LOC\n"},
    "csv, no header": {"1.csv": b"Maria,B-PER\nlacht,O\n\nRom,B-LOC\n"},
    "csv, label studio": {"1.csv": f"text,id,label\n{_quoted(_TEXT)},1,{_quoted(_SPANS)}\n".encode()},
    "csv, label studio labels": {
        "1.csv": f'id,text,label\n1,"a\nb",\n2,"{_TEXT}",{_quoted(_minimal(1)["label"])}\n'.encode()
    },
    "csv, entities": {"1.csv": f'id,text,entities\n1,"a\nb",[]\n2,"{_TEXT}",{_quoted(_SPANS)}\n'.encode()},
    "csv, texts": {"1.csv": f'id,text\n1,"{_TEXT}"\n2,"two\nlines here"\n3,\n'.encode()},
    "label studio, completions": {"1.json": _json([_task("completions"), _task("annotations")])},
    "label studio, other types": {"1.json": _json([_task("annotations", "brushlabels")])},
    "label studio, hypertext": {"1.json": _json([_hypertext()])},
    "label studio, min": {"1.json": _json([_minimal(1), _minimal(2, "ner"), _minimal(1)])},
    "label studio, lines": {"1.jsonl": _jsonl(_task("annotations"), {"id": 3, "data": {"text": "x"}})},
    "spacy 2": {"1.json": _json(_PARAGRAPHS)},
    "spacy pairs": {"1.json": json.dumps(_PAIRS, indent=1).encode()},
    "spacy pairs, lines": {"1.jsonl": _jsonl(*_PAIRS)},
    "spacy pairs, python": {"1.py": f'TRAIN_DATA = [("{_TEXT}", {{"entities": [(0, 5, "PER")]}})]'.encode()},
    "tecoholic": {"1.json": _json({"classes": ["PER", "LOC"], "annotations": [*_PAIRS, None]})},
    "byte offsets": {
        "1.jsonl": _jsonl(
            {
                "content": _TEXT,
                "annotations": [
                    {
                        "start_byte": _in_bytes(it["start"]),
                        "end_byte": _in_bytes(it["end"]),
                        "type": it["label"],
                    }
                    for it in _SPANS
                ],
            }
        )
    },
    "utf-16 offsets": {
        "1.jsonl": _jsonl(
            {"text": f"🎉 {_TEXT}", "entities": [{"start": 3, "end": 8, "label": "PER", "text": "Maria"}]}
        )
    },
    "entities, wrapper": {
        "1.json": json.dumps({"documents": [{"text": _TEXT, "entities": _SPANS}]}, indent=2).encode()
    },
    "entities, other keys": {
        "1.jsonl": _jsonl(
            {"sentence": _TEXT, "labels": [{"begin": 0, "length": 11, "entity_group": "PER"}]},
            {"body": "Nein", "ents": None},
            {"text": "Rom", "entities": [{"startOffset": 0, "endOffset": 3, "labels": ["LOC", "GPE"]}]},
            {"text": "ohne"},
        )
    },
    "predictions of rnner": {
        "1.jsonl": _jsonl(
            {
                "text": "Maria lacht",
                "entities": [{"label": "PER", "start": 0, "end": 5, "text": "Maria", "score": 0.9}],
                "input_entities": [],
                "tokens": ["Maria", "lacht"],
                "input_tags": ["B-PER", "O"],
            }
        )
    },
    "prodigy": {
        "1.jsonl": _jsonl(
            {"text": _TEXT, "spans": _SPANS, "answer": "accept", "_task_hash": 17},
            {"text": "nein", "answer": "ignore"},
            {
                "text": "Rom lacht",
                "tokens": [
                    {"text": "Rom", "start": 0, "end": 3, "id": 0},
                    {"text": "lacht", "start": 4, "end": 9},
                ],
                "spans": [],
            },
        )
    },
    "decisions": {
        "1.jsonl": _jsonl(
            {"text": "Rom", "entities": [], "answer": "accept", "decision": {"number": 1}},
            {"text": "Maria lacht", "answer": "skip", "decision": {"number": 2}},
            {
                "text": "Rom",
                "entities": [{"start": 0, "end": 3, "label": "LOC"}],
                "answer": "accept",
                "decision": {"number": 3},
            },
        )
    },
    "doccano": {
        "1.jsonl": _jsonl(
            {"id": 1, "text": _TEXT, "label": [[0, 11, "PER"]], "Comments": []},
            {"id": 2, "data": "Rom", "labels": [[0, 3, "LOC"]]},
            {
                "id": 3,
                "text": "Rom",
                "entities": [{"id": 1, "label": "LOC", "start_offset": 0, "end_offset": 3}],
            },
        )
    },
    "tokens": {
        "1.jsonl": _jsonl(
            {"tokens": ["Maria", "lacht"], "ner_tags": ["B-PER", "O"], "document": "a"},
            {"words": ["Rom"], "tags": ["U-LOC"], "document": "a"},
            {"tokens": [], "tags": []},
            {"tokens": ["東京"], "labels": ["B-LOC"], "document": None},
        )
    },
    "tokens, numbers": {"1.jsonl": _jsonl({"tokens": ["Maria", "lacht"], "ner_tags": [1, 0]})},
    "inline": {"1.txt": "Maria/B-PER López/I-PER lacht/O 1/2/O ./O\n-DOCSTART-\nRom/B-LOC\n".encode()},
    "inline, underscores": {"1.txt": b"Maria_B-creative_work lacht_O\n\nRom_B-LOC _O\n"},
    "inline, a word per line": {"1.txt": b"Maria|PERSON\nlacht|O\n\nRom|LOCATION\n.|O\n"},
    "text": {"1.txt": f"{_TEXT}\n\nTeilnehmer:\n- Maria López\n- Tom\tBern\n".encode()},
}
