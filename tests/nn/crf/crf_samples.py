"""Random inputs of the CRF tests, and the textbook loss."""

import itertools

import torch
from brute_force import random_moves, scheme

from rnner.nn.crf.loss import crf_loss, log_likelihood

SCHEMES = ["iob2", "bioes", "binary"]
LENGTHS = torch.tensor([5, 1, 3, 4])


def sample(name, lengths=None, dtype=torch.float64, scale=1.0):
    rules, lengths = scheme(name), LENGTHS if lengths is None else lengths
    emissions = scale * torch.randn(len(lengths), int(lengths.max()), len(rules.tags), dtype=dtype)
    return rules, emissions, random_moves(rules, dtype, scale)


def long_sample(scale, dtype, tokens=1000, name="bioes"):
    lengths = torch.tensor([tokens, tokens // 3, 1])
    rules, emissions, moves = sample(name, lengths, torch.float64, scale)
    emissions, moves = emissions.float(), moves.float()  # the same numbers in both precisions
    return rules, emissions.to(dtype), lengths, moves.to(dtype)


def spread_out(scale):
    """Return emissions that favour illegal sequences, so that the mass of the legal ones underflows."""
    rules = scheme("bioes")
    lengths = torch.tensor([40, 17, 2])
    emissions = torch.zeros(3, 40, 5)
    emissions[:, ::2, 2], emissions[:, 1::2, 1] = scale, scale  # I-PER, B-PER, I-PER, ...
    emissions[:, :, 0] = -scale
    emissions += torch.randn_like(emissions)
    return rules, emissions, lengths, random_moves(rules, torch.float32)


def gradients(emissions, tags, lengths, moves):
    """Return the log-likelihoods [b] and the gradients of the loss."""
    emissions, moves = emissions.clone().requires_grad_(), moves.clone().requires_grad_()
    crf_loss(emissions, tags, lengths, moves).backward()
    return log_likelihood(emissions, tags, lengths, moves), emissions.grad, moves.grad


def textbook(emissions, tags, lengths, moves):
    """Return the log-likelihood, sentence by sentence, with the gradient left to autograd."""
    k, total = emissions.shape[2], []
    for e, y, n in zip(emissions, tags.tolist(), lengths.tolist(), strict=True):
        alpha = moves[k, :k] + e[0]
        for i in range(1, n):
            alpha = torch.logsumexp(alpha[:, None] + moves[:k, :k], 0) + e[i]
        path = [k, *y[:n], k]
        gold = sum(moves[a, b] for a, b in itertools.pairwise(path)) + sum(e[i, y[i]] for i in range(n))
        total.append(gold - torch.logsumexp(alpha + moves[:k, k], 0))
    return torch.stack(total)
