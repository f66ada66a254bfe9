"""A head of your own: softmax with label smoothing (Szegedy et al. 2016), trained on the sample corpus.

Run it with `python examples/own_head.py`.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from rnner.config import parse_config
from rnner.model.build import head_masks
from rnner.nn.heads import SoftmaxHead
from rnner.nn.padding import padding_mask
from rnner.training.progress import Epoch
from rnner.training.setup import make_trainer, prepare_training


class SmoothedHead(SoftmaxHead):
    """A softmax head that trains towards 0.9 for the gold tag, plus 0.1 shared equally among all tags."""

    smoothing = 0.1

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the smoothed cross-entropy of tags `[b, t]`, summed within and averaged over sentences."""
        inside = ~padding_mask(tags, lengths)
        loss = F.cross_entropy(
            emissions[inside], tags[inside], reduction="sum", label_smoothing=self.smoothing
        )
        return loss / len(lengths)


CONFIG = {
    "data": {"train": "sample:train", "dev": "sample:dev"},
    "encoder": {"cell": "gru", "hidden": 30},
    "head": "softmax",
    "training": {"epochs": 3, "batch_sentences": 16, "learning_rate": 0.01, "average": None},
}


def main() -> None:
    """Train for three epochs and print F1 on dev after each."""
    setup = prepare_training(parse_config(CONFIG), device=torch.device("cpu"))
    setup.tagger.head = SmoothedHead(*head_masks(setup.vocabulary))
    for event in make_trainer(setup).fit():
        if isinstance(event, Epoch):
            print(f"epoch {event.epoch}: loss {event.loss:.2f}, F1 on dev {event.dev.f1:.3f}")


if __name__ == "__main__":
    main()
