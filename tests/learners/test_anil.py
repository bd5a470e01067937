"""ANIL: the head adapts, all is meta-trained."""

import pytest
import torch
from torch import nn

from sklearn_metaexplain.learners import ANIL, MAML, EpisodeLoss, Reptile
from sklearn_metaexplain.nets._attention_network import AttentionNetwork
from sklearn_metaexplain.nets._classifiers import MatchingNetwork, PrototypeNetwork
from sklearn_metaexplain.nets._table_objective import TableObjective
from tests.learners.problems import central_differences, small_loss, small_task
from tests.nets.test_classifier_networks import episode, randomised

HEAD = {"network.2.weight", "network.2.bias"}


def moved_by(learner, loss, **options):
    adapted = learner.adapt(loss, small_task(), **options)
    return {
        name for name, value in loss.meta_parameters().items() if not value.equal(adapted[name])
    }


def test_only_the_head_moves():
    loss = small_loss()
    assert moved_by(ANIL(inner_lr=0.1, n_inner_steps=3), loss) == HEAD
    assert moved_by(ANIL(inner_lr=0.1, head="2.bias"), loss) == {"network.2.bias"}
    everything = moved_by(ANIL(inner_lr=0.1, head=["0", "2"]), loss)
    assert everything == set(loss.meta_parameters())


def test_names_are_not_cut_in_the_middle():
    network = nn.Sequential(*(nn.Linear(2, 2) for _ in range(11))).double()
    loss = small_loss()
    loss.network = network
    assert moved_by(ANIL(head="1"), loss) == {"network.1.weight", "network.1.bias"}


def test_last_parameters_are_those_of_the_last_module_that_has_any():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.size = nn.Parameter(torch.ones(()))
            self.inside = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Tanh())

        def forward(self, rows):
            return self.size * self.inside(rows)

    loss = small_loss()
    loss.network = Network().double()
    assert moved_by(ANIL(), loss) == {"network.inside.1.weight", "network.inside.1.bias"}


@pytest.mark.parametrize(
    ("kind", "settings", "head"),
    [
        (PrototypeNetwork, {}, "blocks."),
        (MatchingNetwork, {}, "metric_blocks.euclidean."),
        (MatchingNetwork, {"metric": "cosine"}, ("metric_blocks.cosine.", "sharpness.")),
        *(
            (
                AttentionNetwork,
                {"attention": attention, "gate": gate},
                ("weight", f"gate_heads.{attention}_{gate}.", "log_total")[: 2 + is_mean],
            )
            for attention in ("shared", "per_class")
            for gate, is_mean in (("sigmoid", 0), ("sparsemax", 1))
        ),
    ],
)
def test_networks_of_the_package_know_their_head(kind, settings, head):
    network = randomised(kind, **settings).requires_grad_(True)
    loss, task = EpisodeLoss(network, TableObjective()), episode()
    adapted = ANIL(inner_lr=0.1).adapt(loss, task)
    # Weights that sum to 1 do not change with what is added to all scores.
    still = "bias" if settings.get("gate") == "sparsemax" else "nothing"
    for name, value in loss.meta_parameters().items():
        short = name.removeprefix("network.")
        moved = not value.equal(adapted[name])
        assert moved == (short.startswith(head) and not short.endswith(still)), name
    ANIL(inner_lr=0.1).accumulate(loss, task)
    assert bool(network.encoder.point.weight.grad.any())


@pytest.mark.parametrize("learn_lr", [False, True])
def test_a_head_that_the_loss_does_not_see_is_refused(learn_lr):
    network = randomised(MatchingNetwork).requires_grad_(True)
    loss, learner = (
        EpisodeLoss(network, TableObjective()),
        ANIL(head="sharpness", learn_lr=learn_lr),
    )
    state = learner.make_state(network)
    for act in (learner.adapt, learner.accumulate):
        with pytest.raises(
            ValueError, match=r"head='sharpness': .* not depend on sharpness\.weight"
        ):
            act(loss, episode(), state=state)
    assert network.encoder.point.weight.grad is None
    network.metric = "cosine"
    learner.accumulate(loss, episode(), state=state)
    # A head that stands still for other reasons is none of these.
    ANIL(inner_lr=1e-300).adapt(loss, episode())
    lonely = episode()._replace(support=torch.ones(2, 3, 2).double(), labels=torch.tensor([0, 1]))
    assert float(loss.at({}, lonely._replace(n_classes=2), "support")) == 0
    ANIL().adapt(loss, lonely._replace(n_classes=2))


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(2, 2), nn.Linear(2, 2)
        self.head.weight = self.body.weight

    def forward(self, rows):
        return self.head(self.body(rows).tanh())


@pytest.mark.parametrize("head", [None, "head", "head.weight"])
def test_a_weight_shared_with_the_body_moves_once_for_both(head):
    loss, task = small_loss(), small_task()
    loss.network = Tied().double()
    learner = ANIL(inner_lr=0.1, head=head, learn_lr=True)
    state = learner.make_state(loss.network)
    names = {"body.weight"} | ({"head.bias"} if head != "head.weight" else set())
    assert state.by_name().keys() == names
    adapted = learner.adapt(loss, task, state=state)
    everything = Reptile(inner_lr=0.1).adapt(loss, task, n_steps=1)
    for name, value in loss.meta_parameters().items():
        moves = name.removeprefix("network.") in names
        torch.testing.assert_close(adapted[name], everything[name] if moves else value.detach())
    learner.accumulate(loss, task, state=state)
    expected = central_differences(
        lambda: learner.query_loss(loss, task, state=state), list(loss.network.parameters())
    )
    for value, slopes in zip(loss.network.parameters(), expected, strict=True):
        torch.testing.assert_close(value.grad, slopes, rtol=1e-4, atol=1e-6)


def test_one_module_alone_is_maml():
    loss, task = small_loss(), small_task()
    loss.network = nn.Linear(2, 2).double()
    first, second = ANIL(inner_lr=0.1).adapt(loss, task), MAML(inner_lr=0.1).adapt(loss, task)
    assert all(first[name].equal(second[name]) for name in second)


@pytest.mark.parametrize("first_order", [False, True])
def test_meta_gradient_reaches_the_body(first_order):
    loss, task = small_loss(), small_task()
    learner = ANIL(inner_lr=0.2, n_inner_steps=2, first_order=first_order)
    learner.accumulate(loss, task)
    expected = central_differences(
        lambda: learner.query_loss(loss, task), list(loss.network.parameters())
    )
    for i, (value, slopes) in enumerate(zip(loss.network.parameters(), expected, strict=True)):
        assert float(value.grad.abs().max()) > 1e-3
        exact = torch.allclose(value.grad, slopes, rtol=1e-4, atol=1e-6)
        assert exact is not first_order, i


def test_rates_are_learned_for_the_head_only():
    loss, task = small_loss(), small_task()
    learner = ANIL(inner_lr=0.1, learn_lr=True)
    state = learner.make_state(loss.network)
    assert state.by_name().keys() == {"2.weight", "2.bias"}
    learner.accumulate(loss, task, state=state)
    expected = central_differences(
        lambda: learner.query_loss(loss, task, state=state), list(state.parameters())
    )
    for value, slopes in zip(state.parameters(), expected, strict=True):
        torch.testing.assert_close(value.grad, slopes, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("head", ["3", "2.weigh", ["2", "body"], [], ""])
def test_unknown_heads_are_named_with_what_there_is(head):
    with pytest.raises(ValueError, match=r"head=.* its parameters are 0\.weight, 0\.bias, 2\."):
        ANIL(head=head).adapt(small_loss(), small_task())
