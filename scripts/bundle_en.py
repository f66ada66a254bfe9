"""Put a trained English model into the package.

    python scripts/bundle_en.py runs/en

Copied are config, vocabulary, weights and scores; from the lexicon in the vocabulary the names of
accounts and web addresses are left out, which are of use to nobody. The form for onnx is written anew
(`rnner export`). The card, README.md in the folder of the package, is written by hand:
`scripts/evaluate_en.py` gives its table.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path

from trainings import guarded, say

from rnner.data.vocabulary import Vocabulary
from rnner.export.writer import export_beside
from rnner.model.file_names import CONFIG, METRICS, WEIGHTS
from rnner.model.folder import load_model, save_description


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="folder of `rnner train`")
    source = parser.parse_args().model
    target = Path(str(resources.files("rnner") / "resources" / "en"))
    bundle = load_model(source)
    save_description(target, bundle.config, without_addresses(bundle.vocabulary))
    for name in (CONFIG, WEIGHTS, METRICS):
        shutil.copyfile(source / name, target / name)
    export_beside(load_model(target))
    say(f"{target}: {sum(path.stat().st_size for path in target.iterdir()) / 1e6:.2f} MB")


def without_addresses(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with a lexicon of words alone."""
    lexicon = vocabulary.lexicon
    if lexicon is None:
        return vocabulary
    counts = {
        word: row
        for word, row in lexicon.counts.items()
        if not (word.startswith(("http", "www.")) or (word.startswith("@") and len(word) > 1))
    }
    return replace(vocabulary, lexicon=replace(lexicon, counts=counts))


if __name__ == "__main__":
    sys.exit(guarded(main))
