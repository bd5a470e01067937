"""Small networks and tasks whose meta-gradients can be known."""

import numpy as np
import torch
from torch import nn

from sklearn_metaexplain.learners import EpisodeLoss, SupervisedEpisode, SupervisedObjective


def tensor(seed, *shape):
    """Normal numbers in float64, from a generator of their own."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def fill(module, seed, size=0.7):
    """Give all parameters normal numbers in float64."""
    module.double()
    with torch.no_grad():
        for i, value in enumerate(module.parameters()):
            value.copy_(size * tensor([seed, i], *value.shape))
    return module


def small_loss(seed=0):
    """A network of two smooth layers under squared error."""
    with torch.random.fork_rng(devices=[]):
        network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    return EpisodeLoss(fill(network, seed), SupervisedObjective(nn.functional.mse_loss))


def small_task(seed=0, n_support=5, n_query=4):
    """Rows with random targets."""
    return SupervisedEpisode(
        tensor([seed, 0], n_support, 2),
        tensor([seed, 1], n_support, 2),
        tensor([seed, 2], n_query, 2),
        tensor([seed, 3], n_query, 2),
    )


def parabola_loss(start):
    """One parameter theta whose loss on rows (x, y) is the mean of (theta x - y) ** 2."""
    network = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(network.weight, start)
    return EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))


def parabola_task(curvature, target, query_curvature, query_target):
    """Losses curvature * (theta - target) ** 2 on the support, and so on the query."""

    def rows(height, place):
        x = torch.full((1, 1), height**0.5, dtype=torch.float64)
        return x, place * x

    return SupervisedEpisode(
        *rows(curvature, target),
        *rows(query_curvature, query_target),
    )


def central_differences(function, parameters, size=1e-5):
    """Derivatives of `function()` with respect to each number of the parameters."""
    derivatives = []
    for parameter in parameters:
        flat = parameter.detach().view(-1)
        slopes = torch.empty_like(flat)
        for i in range(len(flat)):
            middle = float(flat[i])
            flat[i] = middle + size
            above = function()
            flat[i] = middle - size
            below = function()
            flat[i] = middle
            slopes[i] = (above - below) / (2 * size)
        derivatives.append(slopes.view_as(parameter))
    return derivatives


def gradients(module):
    """Copies of ``.grad`` by name; what has none is left out."""
    return {
        name: value.grad.clone()
        for name, value in module.named_parameters()
        if value.grad is not None
    }


def snapshot(module):
    """Copies of all that a module holds."""
    return {name: value.clone() for name, value in module.state_dict().items()}


def assert_unchanged(module, before):
    after = module.state_dict()
    assert after.keys() == before.keys()
    assert all(after[name].equal(before[name]) for name in before)
