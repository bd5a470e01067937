"""The networks of the classifiers: what they compute, by hand, and their files."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, softmax

from sklearn_metaexplain.nets._attention_network import AttentionNetwork, Gates, open_gates
from sklearn_metaexplain.nets._classifier_weights import (
    NETWORKS,
    load_classifier,
    save_classifier,
)
from sklearn_metaexplain.nets._classifiers import (
    MatchingNetwork,
    PrototypeNetwork,
    column_distances,
)
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from tests.nets.test_sparsemax import projected

SMALL = {"width": 8, "n_heads": 2, "n_dims": 2, "n_layers": 1}


def randomised(kind, **settings):
    """A network in which no layer is at its neutral start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = kind(encoder=SMALL, **settings).double().requires_grad_(False)
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return network


def episode(n_columns=3, n_classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(16, n_columns, 2, generator=generator, dtype=torch.float64)
    labels = torch.arange(16) % n_classes
    labels[3] = 1
    return LabelledEpisode(rows[:10], labels[:10], rows[10:], labels[10:], n_classes)


def everything(network, task):
    """Context, and the cells of support and query."""
    context = network.encoder.read(task.support, task.labels, task.n_classes)
    return context, *(network.encoder.embed(context, r) for r in (task.support, task.query))


def test_distances_of_blocks():
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(4, 3, 5, generator=generator, dtype=torch.float64)
    support = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    expected = ((query[:, None] - support) ** 2).sum(-1)
    torch.testing.assert_close(column_distances(query, support), expected)
    far = column_distances(1e8 + query, 1e8 + query)
    assert bool((far >= 0).all())


def test_prototypes_by_hand():
    network, task = randomised(PrototypeNetwork), episode()
    context, support, query = everything(network, task)
    support, query = (network.embed(context, part).flatten(1).numpy() for part in (support, query))
    labels = task.labels.numpy()
    logits = np.stack(
        [
            np.log((labels == c).mean()) - ((query - support[labels == c].mean(0)) ** 2).sum(1)
            for c in range(3)
        ],
        axis=1,
    )
    np.testing.assert_allclose(network(task), log_softmax(logits, axis=1), atol=1e-9)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_matching_by_hand(metric):
    network, task = randomised(MatchingNetwork, metric=metric), episode()
    context, *cells = everything(network, task)
    support, query = (
        network.metric_blocks[metric](context, part).flatten(1).numpy() for part in cells
    )
    if metric == "euclidean":
        scores = -((query[:, None] - support) ** 2).sum(-1)
    else:
        support, query = (
            part / np.linalg.norm(part, axis=1, keepdims=True) for part in (support, query)
        )
        sharpness = network.sharpness(context.tokens).mean().exp().item()
        scores = sharpness * query @ support.T
    expected = softmax(scores, axis=1) @ np.eye(3)[task.labels]
    np.testing.assert_allclose(network(task).exp(), expected, atol=1e-9)
    blocks = [network.embed(context, part) for part in cells]
    torch.testing.assert_close(
        network.column_scores(blocks[1], blocks[0]).sum(-1), network.scores(blocks[1], blocks[0])
    )


def test_the_likelihood_of_a_class_without_votes_is_bounded():
    network, task = randomised(MatchingNetwork), episode()
    network.metric_blocks["euclidean"].scale.bias += 40
    told = network(task)
    assert float(told.min()) == pytest.approx(np.log(1e-6))


def test_blocks_grow_with_what_their_column_is_worth():
    network, task = randomised(PrototypeNetwork), episode()
    context, support, _ = everything(network, task)
    blocks = network.embed(context, support)
    assert blocks.shape == (10, 3, 4 + (2 + 1) * 3)
    tokens = context.tokens.clone()
    tokens[1] += 1.0
    moved = (network.embed(context._replace(tokens=tokens), support) != blocks).any(-1).any(0)
    assert moved.tolist() == [False, True, False]


@pytest.mark.parametrize("attention", ["shared", "per_class"])
@pytest.mark.parametrize("gate", ["sigmoid", "sparsemax"])
def test_gated_sum_by_hand(attention, gate):
    network, task = randomised(AttentionNetwork, attention=attention, gate=gate), episode()
    context, _, query = everything(network, task)
    gates = network.gates(network.read_rows(context, query), query)
    assert gates.columns.shape == (6, 3, 1 if attention == "shared" else 3)
    assert float(gates.columns.std()) > 1e-3
    said = np.einsum("h,nmhc->nmc", network.weight, query.evidence)
    if gate == "sparsemax":
        said *= np.exp(float(network.log_total[0]) + float(network.log_total[1]) * np.log(3))
    logits = np.log(np.bincount(task.labels) / 10) + (gates.columns.numpy() * said).sum(1)
    np.testing.assert_allclose(network(task), log_softmax(logits, axis=1), atol=1e-9)


@pytest.mark.parametrize("attention", ["shared", "per_class"])
@pytest.mark.parametrize("gate", ["sigmoid", "sparsemax"])
def test_groups_of_one_column_each(attention, gate):
    # One level then: within its group a column has all, or what it would have alone.
    network, task = randomised(AttentionNetwork, attention=attention, gate=gate), episode()
    context, _, query = everything(network, task)
    rows = network.read_rows(context, query)
    flat = network.gates(rows, query)
    assert flat.groups is flat.within is None
    network.groups = torch.tensor([0, 1, 2])
    nested = network.gates(rows, query)
    torch.testing.assert_close(nested.groups, flat.columns)
    torch.testing.assert_close(nested.columns, nested.groups * nested.within)
    if gate == "sparsemax":
        torch.testing.assert_close(nested.within, torch.ones_like(nested.within))
        torch.testing.assert_close(nested.columns, flat.columns)


def test_shares_in_a_group_are_projections_of_its_scores():
    network, task = randomised(AttentionNetwork, gate="sparsemax"), episode(n_columns=5)
    network.gate_heads["shared_sparsemax"].weight *= 4
    context, _, query = everything(network, task)
    rows = network.read_rows(context, query)
    scores = network.gate_heads["shared_sparsemax"](F.gelu(rows))[..., 0].numpy()
    network.groups = torch.tensor([1, 0, 1, 0, 0])
    gates = network.gates(rows, query)
    for members in ([1, 3, 4], [0, 2]):
        expected = np.apply_along_axis(projected, 1, scores[:, members])
        np.testing.assert_allclose(gates.within[:, members, 0], expected, atol=1e-9)
        assert (expected > 0).sum(1).max() > 1
    means = np.stack([scores[:, [1, 3, 4]].mean(1), scores[:, [0, 2]].mean(1)], axis=1)
    expected = np.apply_along_axis(projected, 1, means)
    np.testing.assert_allclose(gates.groups[..., 0], expected, atol=1e-9)


def test_openness():
    columns = torch.tensor([[[0.2], [0.5]], [[1.0], [0.0]]])
    gates = Gates(columns, None, None)
    assert float(open_gates(gates, "sigmoid")) == pytest.approx(0.85)
    weights = torch.tensor([[[0.5], [0.5]], [[1.0], [0.0]]])
    assert float(open_gates(Gates(weights, None, None), "sparsemax")) == pytest.approx(0.125)


@pytest.mark.parametrize("kind", NETWORKS)
def test_rows_columns_and_classes_in_any_order(kind):
    network, task = randomised(NETWORKS[kind]), episode()
    columns, classes = torch.tensor([2, 0, 1]), torch.tensor([1, 2, 0])
    rows = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    other = LabelledEpisode(
        task.support[rows][:, columns], classes[task.labels][rows], task.query[:, columns],
        classes[task.query_labels], 3,
    )  # fmt: skip
    torch.testing.assert_close(network(other)[:, classes], network(task))
    torch.testing.assert_close(network(task._replace(query=task.query[2:3]))[0], network(task)[2])


@pytest.mark.parametrize("kind", NETWORKS)
def test_parameters_of_one_table_start_at_nothing_and_can_be_trained(kind):
    network, task = randomised(NETWORKS[kind]), episode()
    before = network(task)
    network.encoder.start_task(3)
    torch.testing.assert_close(network(task), before, rtol=0, atol=0)
    network.requires_grad_(True)
    own = {name: p for name, p in network.named_parameters() if "task_" in name}
    assert set(own) == {"encoder.task_columns"}
    network(task)[:, 0].sum().backward()
    assert all(bool(parameter.grad.any()) for parameter in own.values())


@pytest.mark.parametrize("kind", NETWORKS)
def test_files(kind, tmp_path):
    network, task = randomised(NETWORKS[kind]).float(), episode()
    task = task._replace(support=task.support.float(), query=task.query.float())
    path = tmp_path / "weights.safetensors"
    save_classifier(path, kind, network, {"seed": 7})
    state = torch.get_rng_state()
    loaded, record = load_classifier(path, kind)
    assert record == {"seed": 7}
    assert loaded.config == {"encoder": SMALL}
    torch.testing.assert_close(loaded(task), network(task), rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), state)
    other = next(name for name in NETWORKS if name != kind)
    with pytest.raises(ValueError, match=f"holds another architecture: {kind!r}"):
        load_classifier(path, other)
    with pytest.raises(ValueError, match="neither a registered name"):
        load_classifier(tmp_path / "none", kind)


@pytest.mark.parametrize("kind", NETWORKS)
def test_shipped_weights_beat_the_prior(kind):
    network, _ = load_classifier("default", kind)
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    rows = (
        torch.randn(60, 4, generator=generator)
        + 1.5 * torch.randn(3, 4, generator=generator)[labels]
    )
    rows = (rows - rows[:30].mean(0)) / rows[:30].std(0)
    rows = torch.stack([rows, torch.erf(rows) * 1.7], -1)
    told = network(LabelledEpisode(rows[:30], labels[:30], rows[30:], labels[30:], 3))
    assert float((told.argmax(1) == labels[30:]).float().mean()) > 0.7
    assert -float(told[range(30), labels[30:]].mean()) < 0.8
