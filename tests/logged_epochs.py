"""A log of three epochs, the second the best."""

from rnner.model.epoch_log import LoggedEpoch


def epoch(number, *, f1=0.5, loss=1.0, dev_loss=2.0, best=False, **other):
    figures = {"learning_rate": 0.002, "gradient_norm": 4.0, "clipped": 0.25, "tokens_per_second": 9000.0}
    scores = {"precision": f1 + 0.1, "recall": f1 - 0.1, "f1": f1}
    return LoggedEpoch(number, loss=loss, dev_loss=dev_loss, best=best, **{**figures, **scores, **other})


LOG = [
    epoch(1, f1=0.25, loss=8.0, dev_loss=4.0, best=True),
    epoch(2, f1=0.625, loss=2.0, dev_loss=3.0, best=True),
    epoch(3, f1=0.5, loss=1.0, dev_loss=3.5),
]
