"""The shell commands of README and docs, and the files that they name."""

import gzip
import re
from pathlib import Path

from overfit_corpus import TRAIN, conll

BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
OTHER_PROGRAMS = ("python3", "python", "pip", "uv", "uvicorn", "curl", "sed", "pytest")


def commands(page: Path) -> list[str]:
    """Return the lines of the page's shell examples that call rnner."""
    lines = [
        line
        for kind, text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if kind == "bash"
        for line in text.splitlines()
        if line.strip()
    ]
    assert all("rnner" in line or line.startswith(OTHER_PROGRAMS) for line in lines)
    return [line for line in lines if not line.startswith(OTHER_PROGRAMS)]


def write_named_files(folder: Path) -> None:
    """Write every file that the examples read, save configs and models."""
    for name in ("my", "gold", "corpus", "better", "new"):
        (folder / f"{name}.conll").write_text(conll(TRAIN))
    predicted = [f"{line} {line.split()[-1]}" if line else "" for line in conll(TRAIN).splitlines()]
    for name in ("system.conll", "out.txt"):
        (folder / name).write_text("\n".join(predicted) + "\n")
    (folder / "letter.txt").write_text("Ada Lovelace wrote to Charles Babbage.\n")
    with gzip.open(folder / "tweets.jsonl.gz", "wt") as file:
        file.write('{"text": "Ada Lovelace wrote."}\n')
    (folder / "spans.jsonl").write_text(
        '{"text": "Ada left.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}\n'
    )
    (folder / "texts.txt").write_text("Ada Lovelace wrote.\nIt rained in Oslo.\n")
    (folder / "new.txt").write_text("Ada Lovelace wrote.\nShe slept in Paris.\n")
    (folder / "doccano.jsonl").write_text('{"text": "Ada left.", "label": [[0, 3, "PER"]]}\n' * 4)
    (folder / "labelstudio.json").write_text(
        '[{"id": 1, "text": "Ada left.",'
        ' "label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}]}]'
    )
    (folder / "prodigy.jsonl").write_text(
        '{"text": "Ada left.", "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}\n'
    )
    (folder / "brat").mkdir()
    (folder / "brat" / "letter.txt").write_text("Ada left.")
    (folder / "brat" / "letter.ann").write_text("T1\tPER 0 3\tAda\n")
    (folder / "inception.tsv").write_text(
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|value\n\n\n"
        "#Text=Ada left.\n1-1\t0-3\tAda\tPER[1]\t\n1-2\t4-8\tleft\t_\t\n1-3\t8-9\t.\t_\t\n"
    )
    vectors = "".join(f"{word}{' 0.1' * 100}\n" for word in ("the", "letter", "in", "of", "."))
    (folder / "glove.6B.100d.txt").write_text(vectors)
