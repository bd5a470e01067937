"""The kernel network's loss on the evaluations of a task."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import nn
from torch.func import functional_call, grad

from sklearn_metaexplain.nets._adaptation import PredictiveObjective, Split
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._task_objectives import KernelTaskObjective
from sklearn_metaexplain.shapley._kernel import ProductKernel, default_parameters


class Evaluations(NamedTuple):
    support: torch.Tensor
    outputs: torch.Tensor
    player_of_column: torch.Tensor
    n_players: int


def evaluations(n_rows=30, n_outputs=None, n_columns=3):
    """A smooth function of the first column; two columns belong to one player."""
    rng = np.random.default_rng(0)
    support = torch.from_numpy(rng.normal(size=(n_rows, n_columns, 2)))
    shape = (n_rows,) if n_outputs is None else (n_rows, n_outputs)
    outputs = torch.sin(2 * support[:, 0, 0]).reshape(n_rows, *[1] * (len(shape) - 1))
    outputs = (outputs + 0.1 * torch.from_numpy(rng.normal(size=shape))).expand(shape)
    player_of_column = torch.clamp(torch.arange(n_columns), max=n_columns - 2)
    return Evaluations(support, outputs, player_of_column, n_columns - 1)


class DefaultKernel(nn.Module):
    """Proposes the default kernel for all."""

    def propose(self, encoded, outputs):
        return default_parameters(encoded.shape[1])


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = KernelNetwork(width=8, n_layers=1, n_heads=2)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.05 * torch.randn(value.shape, generator=generator))
    return network.double()


@pytest.mark.parametrize("n_rows", [6, 7])
@pytest.mark.parametrize("n_outputs", [None, 1, 2])
def test_loss_is_the_density_of_each_row_given_the_other_half(n_rows, n_outputs):
    task = evaluations(n_rows, n_outputs)
    parameters = default_parameters(3)
    kernel = ProductKernel(parameters, task.player_of_column, task.n_players)
    rows = kernel.warp(task.support)
    covariance = (kernel(rows, rows) + parameters.noise * torch.eye(n_rows)).numpy()
    outputs = task.outputs.numpy().reshape(n_rows, -1)
    losses = np.zeros(n_rows)
    for row in range(n_rows):
        half = [other for other in range(n_rows) if other % 2 != row % 2]
        for column in outputs.T:
            # p(row | half) = p(row, half) / p(half)
            joint = multivariate_normal.logpdf(
                column[[row, *half]], cov=covariance[np.ix_([row, *half], [row, *half])]
            )
            given = multivariate_normal.logpdf(column[half], cov=covariance[np.ix_(half, half)])
            losses[row] -= (joint - given + 0.5 * np.log(2 * np.pi)) / outputs.shape[1]
    objective, network = KernelTaskObjective(), DefaultKernel()
    assert float(objective.support_loss(network, task)) == pytest.approx(losses.mean())
    weights = np.random.default_rng(1).uniform(size=n_rows)
    weighted = objective.support_loss(network, task, torch.from_numpy(weights))
    assert float(weighted) == pytest.approx((weights * losses).mean())


def test_compiled_objective_of_either_split_agrees(network):
    task = evaluations()
    losses = [
        PredictiveObjective()(
            network,
            Split(
                task.support[start::2],
                task.outputs[start::2, None],
                task.support[1 - start :: 2],
                task.outputs[1 - start :: 2, None],
                task.player_of_column,
                task.n_players,
            ),
        )
        for start in (0, 1)
    ]
    found = KernelTaskObjective().support_loss(network, task)
    torch.testing.assert_close(found, torch.stack(losses).mean())


def test_gradients_under_transforms_are_the_usual_ones(network):
    task, objective = evaluations(), KernelTaskObjective()

    class Loss(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self):
            return objective.support_loss(self.network, task)

    loss = Loss()
    params = {name: value.detach() for name, value in loss.named_parameters()}
    transformed = grad(lambda params: functional_call(loss, params, ()))(params)
    plain = torch.autograd.grad(loss(), list(loss.parameters()))
    for name, expected in zip(params, plain, strict=True):
        # What the compiled likelihood keeps for the way back is of single precision.
        torch.testing.assert_close(transformed[name], expected, rtol=1e-5, atol=1e-6)
    # The learned optimiser is reached too, not the proposing heads alone.
    assert float(transformed["network.optimizer.embed.0.weight"].abs().max()) > 0


def test_only_the_first_rows_are_read():
    task = evaluations(520)
    objective, network = KernelTaskObjective(), DefaultKernel()
    shorter = task._replace(support=task.support[:512], outputs=task.outputs[:512])
    assert float(objective.support_loss(network, task)) == pytest.approx(
        float(objective.support_loss(network, shorter))
    )
    shorter = task._replace(support=task.support[:511], outputs=task.outputs[:511])
    assert float(objective.support_loss(network, task)) != pytest.approx(
        float(objective.support_loss(network, shorter))
    )


def test_one_row_cannot_predict_itself():
    with pytest.raises(ValueError, match="The support has 1 rows"):
        KernelTaskObjective().support_loss(DefaultKernel(), evaluations(1))
