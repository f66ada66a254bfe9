"""Helpers: column files in memory, and the findings in them."""

from rnner.workbench.check.check import check
from rnner.workbench.check.lenient_reader import parse


def column_file(text, path="my.conll"):
    return parse(path, text.split("\n"))


def found(*files, kind=None):
    """Return the findings in files (texts or column files) as `line:column message`, of one kind if given."""
    parsed = [column_file(file) if isinstance(file, str) else file for file in files]
    return [
        f"{finding.line}:{finding.column} {finding.message}"
        for finding in check(parsed).findings
        if kind in (None, finding.kind)
    ]


def kinds(*texts):
    files = [column_file(text, f"{number}.conll") for number, text in enumerate(texts)]
    return [kind.name for kind, _ in check(files).groups()]


def rows(sentences, separator=" "):
    """Return a column file of sentences such as `Ada|B-PER wrote to Charles|B-PER .`, where O is omitted."""
    return "\n\n".join(
        "\n".join(
            separator.join((word.partition("|")[0], word.partition("|")[2] or "O")) for word in line.split()
        )
        for line in sentences.strip().splitlines()
    )
