"""`rnner data check`: report, repaired copy, exit code."""

import json

import pytest

FAULTY = "Ada B-PER\nLovelace\nwrote O\n\nBell I-ORG\nLabs I-ORG\n\nCaf\u200be O\nParis B-LOC\n"
REPAIRED = "Ada B-PER\nLovelace\nwrote O\n\nBell B-ORG\nLabs I-ORG\n\nCafe O\nParis B-LOC\n"


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.conll").write_text(FAULTY, encoding="utf-8")
    return "my.conll"


def test_a_clean_corpus_exits_with_0(rnner):
    outcome = rnner("data", "check", "sample:train", "sample:dev", "sample:test")
    assert (outcome.code, outcome.err) == (0, "")
    assert "\n0 errors, " in outcome.out
    assert "train.conll: " in outcome.out


def test_warnings_exit_with_0_too(rnner, folder):
    dev = (folder / "dev.conll").read_text()
    (folder / "dev.conll").write_text(dev + "\nHilbert B-PERS\nslept O\n")
    outcome = rnner("data", "check", "train.conll", "dev.conll")
    assert outcome.code == 0
    assert "warning similar-labels (1): labels that look like one label in two spellings" in outcome.out
    assert "\n  dev.conll:18:9: 'PERS' (1) and 'PER' (" in outcome.out


def test_errors_exit_with_3_and_have_place_and_advice(rnner, faulty):
    outcome = rnner("data", "check", faulty)
    assert (outcome.code, outcome.err) == (3, "")
    assert outcome.out.startswith("my.conll: 3 sentences, 6 tokens, 3 entities, iob2\n\nerror columns (1): ")
    assert (
        "\n  my.conll:2:1: 1 column, where most rows have 2 (separated by spaces): 'Lovelace'\n  → "
        in outcome.out
    )
    assert (
        "my.conll:5:6: I-ORG at the start of a sentence: in IOB2, an entity starts with B-ORG" in outcome.out
    )
    assert "my.conll:8:4: U+200B in 'Caf\\u200be'" in outcome.out
    assert outcome.out.endswith("\n2 errors, 1 warning\n")


def test_json_has_every_finding(rnner, faulty):
    outcome = rnner("data", "check", faulty, "--format", "json")
    assert outcome.code == 3
    report = json.loads(outcome.out)
    assert (report["errors"], report["warnings"]) == (2, 1)
    sizes = {"sentences": 3, "tokens": 6, "entities": 3, "unknown_tokens": 0}
    assert report["files"] == [{"path": "my.conll", "scheme": "iob2", **sizes}]
    columns, transition, characters = report["kinds"]
    assert (columns["kind"], columns["severity"], columns["count"]) == ("columns", "error", 1)
    assert columns["advice"]
    assert transition["findings"] == [
        {
            "path": "my.conll",
            "line": 5,
            "column": 6,
            "message": "I-ORG at the start of a sentence: in IOB2, an entity starts with B-ORG",
        }
    ]
    assert characters["severity"] == "warning"


def test_examples_limits_the_table(rnner, faulty, tmp_path):
    (tmp_path / "my.conll").write_text("Ada B-PER\nwrote O\nit O\nall O\n. O\n" + "alone\n" * 4)
    report = rnner("data", "check", faulty, "--examples", 3).out
    assert report.count(": 'alone'") == 3
    assert "\n  and 1 more\n" in report


def test_fix_writes_a_copy_and_reports_what_is_left(rnner, faulty, tmp_path):
    outcome = rnner("data", "check", faulty, "--fix", "new.conll")
    assert outcome.code == 3  # a row without a tag is for a person to decide
    assert (tmp_path / "new.conll").read_text(encoding="utf-8") == REPAIRED
    assert (tmp_path / "my.conll").read_text(encoding="utf-8") == FAULTY
    assert outcome.err == (
        "wrote new.conll; lines changed: characters 1, transition 1\n"
        "remaining in the copy: 1 error, 0 warnings\n"
    )


def test_a_complete_repair_exits_with_0(rnner, faulty, tmp_path):
    (tmp_path / "my.conll").write_text(FAULTY.replace("Lovelace\n", ""), encoding="utf-8")
    outcome = rnner("data", "check", faulty, "--fix", "new.conll", "--format", "json")
    assert outcome.code == 0
    report = json.loads(outcome.out)
    assert report["errors"] == 1
    assert report["fix"] == {
        "files": [{"path": "my.conll", "copy": "new.conll", "changed": {"characters": 1, "transition": 1}}],
        "errors_left": 0,
        "warnings_left": 0,
    }


def test_several_files_are_repaired_into_a_folder(rnner, folder):
    assert rnner("data", "check", "train.conll", "dev.conll", "--fix", "new").code == 0
    for name in ("train.conll", "dev.conll"):
        assert (folder / "new" / name).read_text() == (folder / name).read_text()
    outcome = rnner("data", "check", "train.conll", "dev.conll", "--fix", "new")
    assert (outcome.code, outcome.out) == (2, "")
    assert rnner("data", "check", "train.conll", "dev.conll", "--fix", "new", "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["none.conll"], 1, "file not found"),
        (["my.conll", "--fix", "my.conll", "--overwrite"], 2, "never changed"),
        (["my.conll", "--overwrite"], 2, "--fix OUT"),
        (["my.conll", "--columns", "one"], 2, "two whole numbers"),
        ([], 2, "FILE"),
    ],
)
def test_usage_errors(rnner, faulty, one_line, arguments, code, part):
    one_line(rnner("data", "check", *arguments), code, part)


def test_columns_can_be_given(rnner, tmp_path):
    path = tmp_path / "tags_first.conll"
    path.write_text("B-PER Ada O\nO wrote O\n")
    report = json.loads(rnner("data", "check", path, "--columns", "1,0", "--format", "json").out)
    assert report["files"][0]["entities"] == 1
    report = json.loads(rnner("data", "check", path, "--columns", "1,7", "--format", "json").out)
    assert [kind["kind"] for kind in report["kinds"]] == ["layout"]


OTHER_SPELLINGS = {
    "plain": "word\ttag\nAda\tPER\nwrote\t0\n",
    "bilou": "Ada\tB-PER\nByron\tL-PER\nwrote\tO\nBo\tU-PER\n",
    "subwords": "[CLS]\t[CLS]\nAda\tB-PER\n##s\tX\nwrote\tO\nit\tO\n[SEP]\t[SEP]\n",
    "letters": "Ada\tB\nByron\tI\nwrote\tO\n",
    "separators": "Ada\tB-PER\nwrote  O\nit\tO\n",
}


@pytest.mark.parametrize("name", OTHER_SPELLINGS)
def test_fix_does_what_the_advice_promises(rnner, tmp_path, name):
    path, copy = tmp_path / "my.tsv", tmp_path / "new.tsv"
    path.write_text(OTHER_SPELLINGS[name])
    report = json.loads(rnner("data", "check", path, "--fix", copy, "--format", "json").out)
    assert all("--fix" in kind["advice"] for kind in report["kinds"]) and report["kinds"]
    assert (report["fix"]["errors_left"], report["fix"]["warnings_left"]) == (0, 0)
    assert rnner("data", "check", copy).out.endswith("\n0 errors, 0 warnings\n")


def test_several_columns_of_tags_are_named(rnner, tmp_path):
    path = tmp_path / "outer.tsv"
    path.write_text("Uni\tB-ORG\tO\nBremen\tI-ORG\tB-LOC\nin\tO\tO\nKiel\tB-LOC\tO\nBonn\tB-LOC\tO\n")
    outcome = rnner("data", "check", path)
    assert outcome.code == 0
    assert (
        "columns 1 (3 entities) and 2 (1 entity) hold tags; column 1 (counted from 0) is read" in outcome.out
    )
    assert "hold tags" not in rnner("data", "check", path, "--columns", "0,2").out
