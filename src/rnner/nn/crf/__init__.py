"""The linear-chain conditional random field: loss, marginal probabilities, best tag sequences."""
