"""What networks that classify are trained on, by hand and by finite differences."""

import numpy as np
import pytest
import torch

from sklearn_metaexplain.nets._attention_network import AttentionNetwork
from sklearn_metaexplain.nets._classifiers import PrototypeNetwork
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.nets._table_objective import AttentionObjective, TableObjective
from tests.nets.test_classifier_networks import episode, everything, randomised


class Told(torch.nn.Module):
    """Says what it is told to."""

    def __init__(self, probabilities):
        super().__init__()
        self.log = torch.tensor(probabilities, dtype=torch.float64).log()

    def forward(self, episode):
        return self.log


def test_cross_entropy_and_accuracy():
    task = episode()._replace(query_labels=torch.tensor([0, 1, 1]))
    objective = TableObjective()
    told = Told([[0.5, 0.25, 0.25], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    expected = -np.mean(np.log([0.5, 0.3, 0.8]))
    assert float(objective(told, task)) == pytest.approx(expected)
    assert objective.accuracy == pytest.approx(2 / 3)
    np.testing.assert_allclose(objective.predict(told, task), told.log.exp())


def test_support_loss_is_that_of_each_half_told_by_the_other():
    network, task = randomised(PrototypeNetwork), episode(n_classes=2)
    # Classes in a row, so that every other row is of one half.
    order = task.labels.argsort(stable=True)
    task = task._replace(support=task.support[order], labels=task.labels[order])
    losses = torch.empty(10, dtype=torch.float64)
    for target in (torch.arange(0, 10, 2), torch.arange(1, 10, 2)):
        others = torch.tensor([i for i in range(10) if i not in target])
        half = LabelledEpisode(
            task.support[others], task.labels[others], task.support[target], task.labels[target], 2
        )
        losses[target] = -network(half)[range(5), task.labels[target]]
    objective = TableObjective()
    torch.testing.assert_close(objective.support_loss(network, task), losses.mean())
    weights = torch.arange(10.0).double()
    actual = objective.support_loss(network, task, weights)
    torch.testing.assert_close(actual, (weights * losses).mean())
    elsewhere = task._replace(query=task.query + 1, query_labels=1 - task.query_labels)
    torch.testing.assert_close(objective.support_loss(network, elsewhere), losses.mean())


def test_support_loss_leaves_out_classes_that_the_other_half_has_not():
    network, task = randomised(PrototypeNetwork), episode()
    # One row of the third class: nobody can tell it, and it is told of nobody.
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2, 0])
    task = task._replace(labels=labels)
    loss = TableObjective().support_loss(network, task)
    only = torch.zeros(10, dtype=torch.float64)
    only[8] = 1.0
    assert float(TableObjective().support_loss(network, task, only)) == 0
    assert bool(torch.isfinite(loss))
    assert float(loss) > 0


@pytest.mark.parametrize("renumbered", [(0, 2, 1), (1, 2, 0), (2, 1, 0)])
def test_support_loss_does_not_depend_on_what_classes_are_called(renumbered):
    network, task = randomised(PrototypeNetwork), episode()
    # Odd numbers of rows, so that where a class has its halves depends on the one before it.
    task = task._replace(labels=torch.tensor([0, 1, 0, 2, 0, 1, 2, 1, 2, 0]))
    renamed = task._replace(labels=torch.tensor(renumbered)[task.labels])
    losses = [TableObjective().support_loss(network, each) for each in (task, renamed)]
    torch.testing.assert_close(*losses)


@pytest.mark.parametrize("labels", [[0, 1, 1], [0, 0, 1], [2, 0, 1], [0, 2, 1, 1], [1, 0]])
def test_there_is_a_support_loss_where_a_class_has_two_rows(labels):
    network, task = randomised(PrototypeNetwork), episode()
    labels = torch.tensor(labels)
    task = task._replace(support=task.support[: len(labels)], labels=labels)
    has = TableObjective().has_support_loss(task)
    assert has == (float(TableObjective().support_loss(network, task)) > 0)
    assert has == bool((labels.bincount() > 1).any())


def test_support_loss_of_one_row_a_class_is_nothing_and_has_derivatives():
    network, task = randomised(PrototypeNetwork), episode()
    task = task._replace(support=task.support[:2], labels=torch.tensor([0, 1]), n_classes=2)
    assert float(TableObjective().support_loss(network, task)) == 0
    assert not TableObjective().has_support_loss(task)

    def loss(parameters):
        call = torch.func.functional_call
        wrapped = _Loss(network, task)
        return call(wrapped, {f"network.{k}": v for k, v in parameters.items()}, ())

    gradients = torch.func.grad(loss)(dict(network.named_parameters()))
    assert not any(bool(gradient.any()) for gradient in gradients.values())


class _Loss(torch.nn.Module):
    def __init__(self, network, task):
        super().__init__()
        self.network, self.task = network, task

    def forward(self):
        return TableObjective().support_loss(self.network, self.task)


def test_penalty_is_weight_times_openness():
    network, task = randomised(AttentionNetwork), episode()
    context, _, query = everything(network, task)
    gates = network.gates(network.read_rows(context, query), query).columns
    plain, penalised = (float(AttentionObjective(l1=l1)(network, task)) for l1 in (0.0, 0.7))
    assert plain == pytest.approx(float(TableObjective()(network, task)))
    assert penalised - plain == pytest.approx(0.7 * float(gates.sum(1).mean()))


def test_perturbed_rows_are_moved_where_the_loss_grows():
    network, task = randomised(AttentionNetwork), episode()
    eps = 0.05
    plain = TableObjective()
    clean = float(plain(network, task))
    signs = torch.empty_like(task.query)
    for place in np.ndindex(*task.query.shape):
        moved = task.query.clone()
        moved[place] += 1e-6
        signs[place] = np.sign(float(plain(network, task._replace(query=moved))) - clean)
    hostile = float(plain(network, task._replace(query=task.query + eps * signs)))
    assert hostile > clean
    objective = AttentionObjective(adversarial_eps=eps)
    loss = objective(network, task).detach()
    assert float(loss) == pytest.approx(0.5 * (clean + hostile))
    plain(network, task)
    assert objective.accuracy == plain.accuracy
    with torch.no_grad():
        assert float(objective(network, task)) == pytest.approx(clean)


def test_gradient_of_the_adversarial_loss_reaches_the_network():
    network, task = randomised(AttentionNetwork).requires_grad_(True), episode()
    AttentionObjective(l1=0.1, adversarial_eps=0.1)(network, task).backward()
    for parameter in (
        network.weight,
        network.encoder.point.weight,
        network.encoder.settings.weight,
        network.gate_heads["shared_sigmoid"].weight,
    ):
        assert bool(torch.isfinite(parameter.grad).all())
        assert bool(parameter.grad.any())
    assert network.gate_heads["shared_sparsemax"].weight.grad is None
