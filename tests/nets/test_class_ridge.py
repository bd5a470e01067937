"""The regression on all columns' cells: against scikit-learn's, and what it must not depend on."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from sklearn_metaexplain.nets._class_ridge import ClassRidge, _ridge

WIDTH = 6


def randomised(seed=0):
    """A regression none of whose settings is at its neutral start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ClassRidge(WIDTH, n_features=3).double().requires_grad_(False)
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return network


def table(n_rows=14, n_columns=4, n_classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    cells = torch.randn(n_rows, n_columns, WIDTH, generator=generator, dtype=torch.float64)
    tokens = torch.randn(n_columns, WIDTH, generator=generator, dtype=torch.float64)
    votes = torch.eye(n_classes, dtype=torch.float64)[torch.arange(n_rows) % n_classes]
    return cells, votes, tokens


def jitter(read):
    """What is added to the penalty, for single precision."""
    return 1e-6 * np.square(read).sum() / min(read.shape)


@pytest.mark.parametrize("n_rows", [8, 40])  # fewer and more than features
def test_weights_and_left_out_residuals_are_those_of_scikit_learn(n_rows):
    rng = np.random.RandomState(0)
    read, target = rng.standard_normal((n_rows, 12)), rng.standard_normal((n_rows, 3))
    read, target = (part - part.mean(0) for part in (read, target))
    # Its own means are those of the rows that are left.
    ridge = Ridge(alpha=0.7 + jitter(read), solver="cholesky")
    weights, left = _ridge(
        *map(torch.from_numpy, (read, target)), torch.tensor(0.7, dtype=torch.float64)
    )
    np.testing.assert_allclose(weights, ridge.fit(read, target).coef_.T, atol=1e-10)
    others = cross_val_predict(ridge, read, target, cv=LeaveOneOut())
    np.testing.assert_allclose(left, target - others, atol=1e-10)


@pytest.mark.parametrize("n_rows", [5, 14])
def test_terms_add_up_to_a_ridge_regression(n_rows):
    network = randomised()
    cells, votes, tokens = table(n_rows)
    solved = network.solve(cells, votes, tokens)
    said = network(solved, cells).sum(1).numpy()
    scale = torch.nn.functional.softplus(network.scale(tokens)) / np.sqrt(4 * 3)
    read = ((network.own(cells) - network.own(cells).mean(0)) * scale).flatten(1).numpy()
    step = 4 * np.tanh(float(network.penalty(tokens.mean(0))) / 4)
    alpha = 0.3 * np.exp(step) + jitter(read)
    ridge = Ridge(alpha=alpha, solver="cholesky").fit(read, votes.numpy())
    expected = ridge.predict(read) - votes.numpy().mean(0)
    # The logits are on a scale of their own.
    gain = (said * expected).sum() / (expected**2).sum()
    assert gain > 0
    np.testing.assert_allclose(said, gain * expected, atol=1e-10)


def test_labels_that_can_be_told_are_said_louder():
    network = randomised()
    network.gain.weight[0, -1] = 2.0
    cells, votes, tokens = table(60, 2, 2)
    sizes = {}
    for told in (True, False):
        # Cells that follow the labels, or the labels of other rows.
        pattern = votes[:, 1] if told else votes[:, 1][torch.arange(60) // 2 % 2]
        moved = cells * 0.1 + 2 * pattern[:, None, None]
        solved = network.solve(moved, votes, tokens)
        sizes[told] = float(network(solved, moved).std())
    assert sizes[True] > 10 * sizes[False] > 0


@pytest.mark.parametrize("n_rows", [6, 30])
def test_labels_that_cannot_be_told_show_no_skill(n_rows):
    network, skills = randomised(), []
    network.gain.register_forward_hook(lambda _, given, __: skills.append(float(given[0][-1])))
    for seed in range(40):
        network.solve(*table(n_rows, n_classes=2, seed=seed))
    assert np.mean(skills) < 0


def test_order_of_columns_rows_and_classes():
    network = randomised()
    cells, votes, tokens = table()
    rows, columns, classes = torch.randperm(14), [2, 0, 3, 1], [1, 2, 0]
    expected = network(network.solve(cells, votes, tokens), cells)
    solved = network.solve(cells[rows][:, columns], votes[rows][:, classes], tokens[columns])
    actual = network(solved, cells[:, columns])
    torch.testing.assert_close(actual, expected[:, columns][..., classes])


def test_terms_of_all_classes_cancel_and_those_of_the_support_s_mean_are_nothing():
    network = randomised()
    cells, votes, tokens = table()
    solved = network.solve(cells, votes, tokens)
    said = network(solved, cells)
    assert float(said.abs().max()) > 1e-3
    np.testing.assert_allclose(said.sum(-1), 0, atol=1e-12)
    np.testing.assert_allclose(said.mean(0), 0, atol=1e-12)


@pytest.mark.parametrize("n_rows", [2, 9, 60])
def test_rows_that_are_all_alike_say_nothing_and_have_derivatives(n_rows):
    network = randomised().requires_grad_(True)
    _, votes, tokens = table(n_rows, n_classes=2)
    cells = torch.ones(n_rows, 4, WIDTH, dtype=torch.float64)
    solved = network.solve(cells, votes, tokens)
    said = network(solved, 2 * cells)
    np.testing.assert_allclose(said.detach(), 0, atol=1e-12)
    said.square().sum().backward()
    assert all(
        bool(torch.isfinite(p.grad).all()) for p in network.parameters() if p.grad is not None
    )


def test_a_single_class_and_a_single_row_say_nothing():
    network = randomised()
    for n_rows in (1, 5):
        cells, _, tokens = table(n_rows)
        votes = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(n_rows, -1)
        np.testing.assert_array_equal(network(network.solve(cells, votes, tokens), cells), 0)


def test_nearly_equal_columns_in_single_precision():
    network = randomised()
    cells, votes, tokens = table(60, 6)
    cells = cells[:, :1] + 1e-4 * cells
    exact = network(network.solve(cells, votes, tokens), cells).sum(1)
    single = network.float()
    cells, votes, tokens = cells.float(), votes.float(), tokens.float()
    told = single(single.solve(cells, votes, tokens), cells).sum(1)
    np.testing.assert_allclose(told, exact, atol=1e-3 * float(exact.abs().max()))


def test_a_system_that_cannot_be_solved_is_no_number():
    weights, left = _ridge(torch.eye(4), torch.eye(4), torch.tensor(-2.0))
    assert bool(weights.isnan().all())
    assert bool(left.isnan().all())


@pytest.mark.parametrize("n_rows", [6, 20])  # fewer and more than features
def test_second_derivatives_as_learners_need_them(n_rows):
    network = randomised()
    cells, votes, tokens = table(n_rows, 2, 2)

    def said(cells, tokens):
        return network(network.solve(cells, votes, tokens), cells)

    inputs = cells.requires_grad_(True), tokens.requires_grad_(True)
    assert torch.autograd.gradgradcheck(said, inputs, atol=1e-5)
