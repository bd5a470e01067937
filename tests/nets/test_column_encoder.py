"""Cells in the context of a labelled table: evidence by hand, and what it must not depend on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_metaexplain.nets import _column_encoder
from sklearn_metaexplain.nets._column_encoder import ColumnEncoder, ColumnMixer

N_COLUMNS = 4


def randomised(seed=0, **sizes):
    """An encoder in which no layer is at its neutral start."""
    sizes = {"width": 8, "n_heads": 3, "n_dims": 2, "n_layers": 2, **sizes}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ColumnEncoder(**sizes).double().requires_grad_(False)
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return network


def table(n_rows=12, n_classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(n_rows, N_COLUMNS, 2, generator=generator, dtype=torch.float64)
    return rows, torch.arange(n_rows) % n_classes


def context_cells(network, support):
    return network._place(support)[0]


def test_evidence_by_hand():
    network = randomised()
    support, labels = table(10)
    labels[0] = 1  # classes of different sizes
    query, _ = table(3, seed=1)
    context = network.read(support, labels, 3)
    blocks = network.embed(context, query)
    assert blocks.evidence.shape == (3, N_COLUMNS, 3 + 1, 3)
    prior = np.bincount(labels, minlength=3) / 10
    np.testing.assert_allclose(context.prior, prior)
    points = network._place(query)[1].numpy()
    for i, j, h in np.ndindex(3, N_COLUMNS, 3):
        gap = points[j, h, i] - context.points[j, h].numpy()
        weights = np.exp(-float(context.sharpness[j, h]) * (gap**2).sum(-1))
        caution = float(context.caution[j, h])
        for c in range(3):
            share = weights[labels.numpy() == c].sum() + caution * prior[c]
            share /= weights.sum() + caution
            expected = np.log(share / prior[c])
            assert float(blocks.evidence[i, j, h, c]) == pytest.approx(expected, abs=1e-10)
    solved = network.ridge.solve(context_cells(network, support), context.votes, context.tokens)
    said = network.ridge(solved, blocks.cells)
    torch.testing.assert_close(blocks.evidence[:, :, -1], said)


def test_a_cell_far_from_all_others_is_no_evidence_to_kernels():
    network = randomised()
    context = network.read(*table(), 3)
    evidence = network.embed(context, torch.full((1, N_COLUMNS, 2), 1e3).double()).evidence
    np.testing.assert_allclose(evidence[:, :, :-1], 0, atol=1e-12)


@given(st.permutations(range(N_COLUMNS)), st.permutations(range(12)), st.permutations(range(3)))
@settings(max_examples=10, deadline=None)
def test_order_of_columns_rows_and_classes(columns, rows, classes):
    network = randomised()
    support, labels = table()
    query, _ = table(5, seed=1)
    expected = network.embed(network.read(support, labels, 3), query)
    renamed = torch.tensor(classes)[labels[list(rows)]]
    context = network.read(support[list(rows)][:, list(columns)], renamed, 3)
    actual = network.embed(context, query[:, list(columns)])
    torch.testing.assert_close(actual.cells, expected.cells[:, list(columns)])
    evidence = actual.evidence[..., list(classes)]
    torch.testing.assert_close(evidence, expected.evidence[:, list(columns)])


def test_a_block_depends_on_its_own_cell_and_the_context():
    network = randomised()
    context = network.read(*table(), 3)
    query, _ = table(4, seed=1)
    before = network.embed(context, query)
    changed = query.clone()
    changed[1, 2] += 1.0
    after = network.embed(context, changed)
    for left, right in zip(before, after, strict=True):
        moved = (left != right).flatten(2).any(-1)
        assert moved.nonzero().tolist() == [[1, 2]]
    alone = network.embed(context, query[3:])
    for left, right in zip(alone, before, strict=True):
        torch.testing.assert_close(left[0], right[3], rtol=0, atol=1e-12)


def test_columns_are_compared_with_one_another():
    support, labels = table()
    changed = support.clone()
    changed[:, 0] *= 0.1
    for n_layers, compared in ((0, False), (1, True)):
        network = randomised(n_layers=n_layers)
        before, after = (network.read(rows, labels, 3).sharpness for rows in (support, changed))
        assert bool((before[1:] != after[1:]).any()) == compared
        assert bool((before[0] != after[0]).any())


def test_a_row_s_own_label_does_not_tell_how_well_labels_are_told():
    network = randomised()
    support, labels = table(8, n_classes=2)
    # Rows far from one another: only a row itself is like it.
    support = support + 1e3 * torch.arange(8)[:, None, None]
    points = network._place(support)[1]
    told = network._tell_support(points, labels, torch.full((8,), 0.5).double())
    np.testing.assert_allclose(told, 0, atol=1e-12)
    # Pairs of like rows of the same class tell each other's class, with caution.
    support = support[[0, 0, 2, 2, 4, 4, 6, 6]]
    told = network._tell_support(
        network._place(support)[1], torch.tensor([0, 0, 1, 1] * 2), torch.full((8,), 0.5).double()
    )
    caution = network.log_caution.exp()[None, :, None]
    expected = ((1 + 0.5 * caution) / (1 + caution) / 0.5).log().expand_as(told)
    torch.testing.assert_close(told, expected)


def test_columns_taken_in_parts_give_the_same(monkeypatch):
    network = randomised()
    expected = network.read(*table(), 3)
    monkeypatch.setattr(_column_encoder, "_MOST_WEIGHTS", 3 * 12**2 * 3)  # three columns at once
    for left, right in zip(network.read(*table(), 3), expected, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-12)


def test_offsets_of_one_table_start_at_nothing_and_are_those_of_its_columns():
    network = randomised()
    support, labels = table()
    before = network.read(support, labels, 3)
    network.start_task(N_COLUMNS)
    for left, right in zip(network.read(support, labels, 3), before, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=0)
    assert network.task_columns.requires_grad
    network.task_columns.data[1] += 1.0
    assert not torch.equal(network.read(support, labels, 3).tokens, before.tokens)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_finite_where_columns_and_classes_are_degenerate(n_classes):
    network = randomised().requires_grad_(True)
    support = torch.zeros(n_classes, 1, 2, dtype=torch.float64)
    context = network.read(support, torch.arange(n_classes), n_classes)
    blocks = network.embed(context, support)
    total = sum(part.square().sum() for part in (*blocks, context.tokens))
    total.backward()
    for parameter in network.parameters():
        assert parameter.grad is None or bool(torch.isfinite(parameter.grad).all())
    np.testing.assert_allclose(blocks.evidence.detach(), 0, atol=1e-12)


def test_second_derivatives_as_learners_need_them():
    network = ColumnMixer(4, 2).double()
    tokens = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradgradcheck(network, (tokens.requires_grad_(),))
