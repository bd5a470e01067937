"""Training of small networks: against autograd and torch's own optimiser."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_metaexplain.shapley._network import _deal
from sklearn_metaexplain.shapley._network_training import train_networks

N_ROWS, N_UNITS, WIDTH, N_NETWORKS, BATCH = 40, 6, 8, 3, 10
DECAY = 0.1


def parameters(n_outputs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(N_UNITS, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, n_outputs)]
    shapes += [(1, WIDTH)] * 3 + [(1, n_outputs)]
    return [torch.randn(N_NETWORKS, *shape, generator=generator) for shape in shapes]


def rows(n_outputs, seed=1):
    generator = torch.Generator().manual_seed(seed)
    # Wide enough for both bends of the activation.
    units = 3 * torch.randn(N_ROWS, N_UNITS, generator=generator)
    return units, torch.rand(N_ROWS, n_outputs, generator=generator)


def train_by_torch(parts, units, targets, batches, rates, bounded, output_weights):
    weights, biases = ([part.clone().requires_grad_() for part in half] for half in parts)
    groups = [{"params": weights, "weight_decay": DECAY}, {"params": biases, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.99))
    for batch, rate in zip(torch.from_numpy(batches), rates, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        optimizer.zero_grad()
        told = units[batch]
        for weight, bias in zip(weights, biases, strict=True):
            told = told @ weight + bias
            if weight is not weights[-1]:
                told = F.hardswish(told)
        if bounded:
            loss = F.binary_cross_entropy_with_logits(told, targets[batch], reduction="none")
            loss = loss * output_weights
        else:
            loss = F.mse_loss(told, targets[batch], reduction="none")
        loss.mean((1, 2)).sum().backward()
        optimizer.step()
    return torch.cat([part.detach().flatten(1) for part in (*weights, *biases)], 1)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("n_steps", [1, 2, 12])
def test_it_is_back_propagation_and_adamw(n_steps, bounded, n_outputs):
    parts = parameters(n_outputs)
    units, targets = rows(n_outputs)
    rng = np.random.default_rng(2)
    batches = rng.integers(N_ROWS, size=(n_steps, N_NETWORKS, BATCH))
    rates = np.linspace(0.05, 0.01, n_steps)
    output_weights = torch.linspace(0.5, 2.0, n_outputs)
    trained = torch.cat([part.flatten(1) for part in parts], 1)
    before = trained.clone()
    train_networks(
        trained.numpy(),
        units.numpy(),
        targets.numpy(),
        batches,
        rates,
        WIDTH,
        DECAY,
        bounded,
        output_weights.numpy(),
    )
    halves = parts[:4], parts[4:]
    expected = train_by_torch(halves, units, targets, batches, rates, bounded, output_weights)
    assert (trained != before).float().mean() > 0.9
    torch.testing.assert_close(trained, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("n_rows", "n_folds", "batch_size"), [(30, 5, 8), (31, 5, 8), (6, 3, 64)])
def test_networks_see_the_rows_of_other_folds_equally_often(n_rows, n_folds, batch_size):
    fold = torch.arange(n_rows) % n_folds
    most = n_rows - -(-n_rows // n_folds)
    of_each = most // min(batch_size, most)
    n_steps = 4 * of_each
    batches = _deal(fold, n_folds, batch_size, n_steps, torch.Generator().manual_seed(0))
    assert batches.shape == (n_steps, n_folds, min(batch_size, most))
    for member in range(n_folds):
        assert (fold.numpy()[batches[:, member]] != member).all()
        for turn in batches[:, member].reshape(4, -1):
            assert len(set(turn.tolist())) == len(turn)
    assert (batches[:of_each] != batches[of_each : 2 * of_each]).any()


def test_steps_may_end_within_a_turn():
    fold = torch.arange(30) % 5
    long, short = (
        _deal(fold, 5, 8, n_steps, torch.Generator().manual_seed(0)) for n_steps in (9, 4)
    )
    np.testing.assert_array_equal(long[:4], short)
