"""Score a model on annotated data: per type, with a confidence interval, and by kind of error.

Run it with `python examples/evaluate.py`.
"""

from rnner.data.corpus import read_split, resolve
from rnner.decoding.tagger_decoder import load_decoder
from rnner.model.names import find_model
from rnner.scoring.evaluation import evaluation_report


def main() -> None:
    """Print the scores of the bundled model on the test part of the sample corpus."""
    decoder = load_decoder(find_model("en"))
    report = evaluation_report(decoder, read_split(resolve("sample:test")))

    interval = report.f1_interval
    print(f"F1 {report.scores.f1:.3f}, 95 % interval {interval.low:.3f} to {interval.high:.3f}")
    for label, score in report.scores.per_type.items():
        print(f"{label}: precision {score.precision:.3f}, recall {score.recall:.3f}, n {score.support}")
    print(report.errors.gold)


if __name__ == "__main__":
    main()
