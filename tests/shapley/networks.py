"""A small task for networks."""

import torch

from sklearn_metaexplain.shapley._network import NetworkBag

M = 5


def evaluated(n=400, seed=0, n_outputs=1):
    """Encoded rows, and a wave along three columns and a product of two."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, M, generator=generator, dtype=torch.float64)
    first = torch.tanh(2 * (z[:, 0] + z[:, 1] - z[:, 2])) + 0.3 * z[:, 3]
    outputs = torch.stack([first, z[:, 0] * z[:, 4]][:n_outputs], 1)
    return torch.stack([z, torch.special.ndtr(z)], -1), outputs


def fitted(n_outputs=1):
    """A bag, and what it was fitted to."""
    encoded, outputs = evaluated(n_outputs=n_outputs)
    return NetworkBag().fit(encoded, outputs - outputs.mean(0)), encoded
