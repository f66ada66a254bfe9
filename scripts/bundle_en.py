"""Copy a trained English model into the package.

    python scripts/bundle_en.py runs/en

Copies config, vocabulary, weights and scores, and exports the ONNX graph again (`rnner export`). Account
names and web addresses are removed from the lexicon in the vocabulary. Expect one line with the folder and
its size. The model card, README.md in that folder, is written by hand before; `scripts/evaluate_en.py` prints
its table. Run this script again after an edit: the card is in the manifest.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path

from common import argument_parser, log, run_script

from rnner.data.vocabulary import Vocabulary
from rnner.export.writer import export_into_folder
from rnner.model.file_names import CONFIG, METRICS, WEIGHTS
from rnner.model.folder import load_model, save_config_and_vocabulary
from rnner.model.manifest import write_manifest


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("model", type=Path, help="folder written by `rnner train`")
    source = parser.parse_args().model
    target = Path(str(resources.files("rnner") / "resources" / "en"))
    model = load_model(source)
    save_config_and_vocabulary(target, model.config, remove_addresses(model.vocabulary))
    for name in (CONFIG, WEIGHTS, METRICS):
        shutil.copyfile(source / name, target / name)
    export_into_folder(load_model(target))
    write_manifest(target)
    log(f"{target}: {sum(path.stat().st_size for path in target.iterdir()) / 1e6:.2f} MB")


def remove_addresses(vocabulary: Vocabulary) -> Vocabulary:
    """Return the vocabulary without account names and web addresses in its lexicon."""
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
    sys.exit(run_script(main))
