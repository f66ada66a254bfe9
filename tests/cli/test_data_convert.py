"""`rnner data convert`: what is written and reported; on errors nothing is written."""

import json

import pytest

SPANS = [
    {"text": "Ada Lovelace wrote.", "spans": [{"start": 0, "end": 12, "label": "PER"}]},
    {"text": "She saw Oslo.", "spans": [{"start": 8, "end": 11, "label": "LOC"}], "answer": "accept"},
]


@pytest.fixture
def spans(folder):
    """A Prodigy file whose second record has a span that cuts a token."""
    (folder / "spans.jsonl").write_text("".join(json.dumps(record) + "\n" for record in SPANS))
    return folder / "spans.jsonl"


def test_columns_to_jsonl_and_back(rnner, folder):
    there = rnner(
        "data", "convert", "train.conll", "--output", "train.jsonl", "--format", "tokens", "--scheme", "bioes"
    )
    assert (there.code, there.out) == (0, "")
    summary = "14 sentences, 98 words, 23 entities (LOC 10, PER 9, ORG 4)"
    assert there.err == f"wrote train.jsonl (read as conll): {summary}\n"
    first = json.loads((folder / "train.jsonl").read_text().splitlines()[0])
    assert first["tokens"][:3] == ["Ada", "Lovelace", "wrote"] and first["tags"][:3] == [
        "B-PER",
        "E-PER",
        "O",
    ]
    back = rnner("data", "convert", "train.jsonl", "--output", "back.conll")
    assert back.err == f"wrote back.conll (read as tokens): {summary}\n"
    assert (folder / "back.conll").read_text().split() == (folder / "train.conll").read_text().split()


def test_spans_that_cut_tokens_are_listed_and_nothing_is_written(rnner, folder, spans):
    before = set(folder.iterdir())
    outcome = rnner("data", "convert", spans, "--output", "out.conll")
    assert (outcome.code, outcome.out) == (1, "")
    assert f"{spans}:2: 8-11 LOC 'Osl' cuts 'Oslo'" in outcome.err and "--align expand" in outcome.err
    assert set(folder.iterdir()) == before


def test_a_rule_for_spans_that_cut_tokens(rnner, folder, spans):
    outcome = rnner("data", "convert", spans, "--output", "out.conll", "--align", "expand")
    assert outcome.code == 0
    assert f"{spans}:2: 8-11 LOC 'Osl' became 'Oslo'" in outcome.err
    rows = (folder / "out.conll").read_text().splitlines()
    assert rows[:4] == ["-DOCSTART-\tO", "", "Ada\tB-PER", "Lovelace\tI-PER"] and "Oslo\tB-LOC" in rows


def test_from_text_to_text_offsets_are_kept(rnner, folder, spans):
    assert rnner("data", "convert", spans, "--output", "out.json", "--format", "labelstudio").code == 0
    tasks = json.loads((folder / "out.json").read_text())
    values = [result["value"] for task in tasks for result in task["annotations"][0]["result"]]
    assert [(value["start"], value["end"], value["text"]) for value in values] == [
        (0, 12, "Ada Lovelace"), (8, 11, "Osl")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        ("spans.jsonl -o x --format doccano --align expand", 2, "--align is for token formats"),
        ("spans.jsonl -o x --format doccano --scheme bioes", 2, "--scheme is for token formats"),
        ("spans.jsonl -o x --format conll --columns 0,1", 2, "--columns is for column files"),
        ("train.conll -o x --format tokens --names PER", 2, "expected numbers and names"),
        ("train.conll -o dev.conll --format tokens", 2, "dev.conll already exists; use --overwrite"),
        ("train.conll -o train.conll --format tokens --overwrite", 2, "is the input file"),
        ("train.conll -o . --format tokens", 2, "is a folder"),
        ("train.conll -o no/such/x --format tokens", 2, "no/such/x: cannot be written"),
        ("train.conll -o x", 2, "x: no format has this suffix; add --format: conll, conllu, conll2012, hipe"),
        ("train.conll -o x.jsonl", 2, ".jsonl; add --format: tokens, prodigy, doccano, jsonl"),
        ("train.conll -o x.tsv", 2, "formats have the suffix .tsv; add --format: conll, hipe, webanno"),
        ("train.conll -o x --format docano", 2, "--format docano: unknown format (did you mean doccano?)"),
        ("train.conll -o x --input bart --format tokens", 2, "--input bart: unknown format (did"),
        ("trian.conll -o x --format tokens", 1, "did you mean train.conll?"),
        (". -o x --format tokens", 1, "this is a folder"),
        ("odd.jsonl -o x --format tokens", 1, 'odd.jsonl:1: expected records with tokens and tags'),
        ("train.conll -o x --input prodigy --format tokens", 1, "train.conll:1: not valid JSON"),
        ("spaced.jsonl -o x --format conll", 1, "spaced.jsonl:2: a column file cannot hold the word"),
    ],
)  # fmt: skip
def test_errors_write_nothing(rnner, folder, spans, one_line, arguments, code, part):
    (folder / "odd.jsonl").write_text('{"sentence": "Ada", "names": []}\n')
    tokens = [{"tokens": [word], "tags": ["O"]} for word in ("a", "a\tb")]
    (folder / "spaced.jsonl").write_text("".join(json.dumps(record) + "\n" for record in tokens))
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    one_line(rnner("data", "convert", *arguments.split()), code, part)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.conll", "conll"),
        ("a.CoNLL", "conll"),
        ("a.conllu", "conllu"),
        ("a.csv", "csv"),
        ("a.parquet", "dataset"),
    ],
)
def test_the_suffix_of_the_output_chooses_its_format(rnner, folder, name, form):
    assert rnner("data", "convert", "train.conll", "-o", name).code == 0
    back = rnner("data", "convert", name, "-o", "back.conll")
    assert back.err.startswith(f"wrote back.conll (read as {form})")


def test_overwrite_replaces_a_file(rnner, folder):
    command = "data convert train.conll --output dev.conll --format conllu --overwrite"
    assert rnner(*command.split()).code == 0
    assert (folder / "dev.conll").read_text().startswith("# sent_id = 1\n# text = Ada Lovelace wrote to")


def test_other_formats_can_be_used_directly(rnner, folder, spans):
    outcome = rnner("config", "init", spans)
    assert outcome.code == 1 and "'Osl' cuts 'Oslo'" in outcome.err
    spans.write_text(spans.read_text().replace('"end": 11', '"end": 12'))
    outcome = rnner("config", "init", spans)
    assert outcome.code == 0 and "tags: bioes; format prodigy" in outcome.out


def test_training_reports_records_that_are_left_out(rnner, folder, spans):
    rejected = {"text": "No.", "spans": [], "answer": "reject"}
    good = {"text": "She saw Oslo.", "spans": [{"start": 8, "end": 12, "label": "LOC"}]}
    spans.write_text("\n".join(json.dumps(record) for record in (SPANS[0], good, rejected)))
    outcome = rnner("train", "--config", "tiny.yaml", "--set", f"data.train={spans}", "--dry-run", "--quiet")
    assert outcome.code == 0
    assert f"warning: {spans}: records with the answer 'reject' skipped: 1\n" in outcome.err


def test_predict_correct_and_train_is_a_round_trip(rnner, folder, model):
    """The predicted entities are read, not the annotation that the input had."""
    gold = {"text": "Ada Lovelace wrote to Babbage.", "spans": [{"start": 4, "end": 9, "label": "GOLD"}]}
    words = {"tokens": ["She", "saw", "Oslo", "."], "tags": ["B-GOLD", "O", "O", "O"]}
    (folder / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in (gold, words)))
    outcome = rnner("predict", "-m", model, "-f", "in.jsonl", "--input", "jsonl", "--format", "jsonl")
    predicted = [json.loads(line) for line in outcome.out.splitlines()]
    found = [(it["start"], it["end"], it["label"]) for it in predicted[0]["entities"]]
    predicted[1]["entities"] = [{"label": "CITY", "start": 8, "end": 12}]  # a correction, without a score
    (folder / "out.jsonl").write_text("".join(json.dumps(record) + "\n" for record in predicted))
    assert rnner("data", "convert", "out.jsonl", "--output", "out.json", "--format", "spacy-json").code == 0
    texts = json.loads((folder / "out.json").read_text())
    spans = [tuple(span) for _, annotation in texts for span in annotation["entities"]]
    assert found and spans == [*found, (8, 12, "CITY")]
    outcome = rnner("train", "--config", "tiny.yaml", "--set", "data.train=out.jsonl", "--dry-run")
    assert outcome.code == 0, outcome.err


def test_a_folder_of_brat_is_written_once_and_trains(rnner, folder):
    summary = "14 records, 23 entities (LOC 10, PER 9, ORG 4)"
    outcome = rnner("data", "convert", "train.conll", "--output", "brat", "--format", "brat")
    assert outcome.err == f"wrote brat (read as conll): {summary}\n"
    again = rnner("data", "convert", "train.conll", "--output", "brat", "--format", "brat", "--overwrite")
    assert (again.code, again.out) == (
        2,
        "",
    ) and "brat already exists; --output must be a new folder" in again.err
    outcome = rnner("train", "--config", "tiny.yaml", "--set", "data.train=brat", "--dry-run", "--quiet")
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize("form", ["prodigy", "labelstudio", None])
def test_converting_none_of_the_labels_is_an_error(rnner, folder, one_line, form):
    record = {"text": "Ada wrote.", "mentions": [{"start": 0, "end": 3, "label": "PER"}]}
    (folder / "odd.jsonl").write_text(json.dumps(record))
    options = ["--input", form] if form else []
    outcome = rnner("data", "convert", "odd.jsonl", "--output", "x", "--format", "conll", *options)
    one_line(outcome, 1, "odd.jsonl", "mentions")
    assert not (folder / "x").exists()


def test_columns_of_a_table_are_named(rnner, folder):
    table = "Sentence #,Word,POS,Tag,Fine\nSentence: 1,Ada,NNP,B-PER,O\n,Oslo,NNP,O,B-CITY\n"
    (folder / "kaggle.csv").write_text(table)
    outcome = rnner("data", "convert", "kaggle.csv", "--output", "a.conll", "--columns", "tag=Fine")
    assert outcome.code == 0, outcome.err
    assert (folder / "a.conll").read_text() == "Ada\tO\nOslo\tB-CITY\n\n"
    outcome = rnner("data", "convert", "kaggle.csv", "--output", "b.conll", "--columns", "1,Tag")
    assert (folder / "b.conll").read_text() == "Ada\tB-PER\nOslo\tO\n\n"
    assert outcome.err == "wrote b.conll (read as csv): 1 sentence, 2 words, 1 entity (PER 1)\n"


@pytest.mark.parametrize(
    ("columns", "code", "part"),
    [
        (
            "token=Word,tag=",
            2,
            "--columns token=Word,tag=: expected two whole numbers, such as 0,-1, or token=",
        ),
        ("Word", 2, "--columns Word: expected two whole numbers"),
        ("--1,0", 1, "token: --1 is a name; for this format, give the column number"),
        ("0," + "1" * 5_000, 1, "is a name; for this format, give the column number"),
        ("word=Word,tag=Tag", 2, "--columns word=Word,tag=Tag: expected two whole numbers"),
        (
            "Word,Tag",
            1,
            "train.conll: token: Word is a name; for this format, give the column number, counted from 0",
        ),
    ],
)
def test_columns_that_cannot_be_chosen(rnner, folder, one_line, columns, code, part):
    one_line(
        rnner("data", "convert", "train.conll", "--output", "x", "--format", "tokens", "--columns", columns),
        code,
        part,
    )
