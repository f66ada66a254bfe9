"""The neural network modules of rnner. They handle only tensors: no strings, config or files.

- `embeddings`, `characters`, `document_vector`, `dropout`: from words to the input of the recurrence.
- `cells`: one time step of each recurrent cell, as equations. `loop` and `recurrent` run cells over
  sentences, `fused` does so faster, and `projected` does so with precomputed input products.
- `heads`: from the output of the recurrence to tags, with the conditional random field in `crf`.
- `torch_weights`: conversion to and from `torch.nn`.

Shapes: `[b, t, i]` is b sentences of at most t words with i features each. Padding is on the right.
"""
