"""The networks: what they must not depend on."""

import pytest
import torch

from sklearn_metaexplain.nets._corrector import Corrector, player_corrections
from sklearn_metaexplain.nets._evidence import QueryEvidence, SupportEvidence
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.shapley._kernel import N_RAW_COLUMN, N_RAW_TASK, default_parameters
from tests.shapley.likelihood import negative_log_likelihood

N, M = 40, 5


def randomised(module, seed=0):
    """Weights of a trained network are not zero: neither are these."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return module.double().eval().requires_grad_(False)


def task(seed=0):
    generator = torch.Generator().manual_seed(seed)
    encoded = torch.randn(N, M, 2, generator=generator, dtype=torch.float64)
    outputs = torch.randn(N, 2, generator=generator, dtype=torch.float64)
    return encoded, outputs


def support_evidence(encoded, outputs):
    return SupportEvidence(
        encoded,
        outputs[:, 0],
        torch.stack([outputs[:, 1], outputs.prod(1), outputs[:, 0].sin()], 1) / 5,
        outputs.sum(1) / 9,
        torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64),
    )


def query_evidence(seed=1, n=7):
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(n, M, 5, generator=generator, dtype=torch.float64)
    encoded = torch.randn(n, M, 2, generator=generator, dtype=torch.float64)
    return QueryEvidence(encoded, draw[..., :3], draw[..., 3], draw[..., 4].abs(), draw[:, 0, 0])


def test_untrained_kernel_network_proposes_the_default():
    torch.manual_seed(0)
    proposed = KernelNetwork().double().propose(*task(), n_steps=0)
    for value, default in zip(proposed, default_parameters(M), strict=True):
        torch.testing.assert_close(value.detach(), default)


def test_kernel_proposal_does_not_depend_on_the_order_of_columns_or_rows():
    network = randomised(KernelNetwork())
    encoded, outputs = task()
    columns = torch.tensor([3, 0, 4, 1, 2])
    rows = torch.randperm(N, generator=torch.Generator().manual_seed(2))
    proposed = network.propose(encoded, outputs)
    permuted = network.propose(encoded[rows][:, columns], outputs[rows])
    for name, value, other in zip(proposed._fields, proposed, permuted, strict=True):
        value = value[columns] if value.ndim else value
        torch.testing.assert_close(value, other, msg=name)


def test_one_set_of_weights_serves_any_width():
    network = randomised(KernelNetwork())
    for width in (1, 2, 30):
        encoded = torch.randn(20, width, 2, dtype=torch.float64)
        assert network.propose(encoded, encoded[:, :1, 0]).weight.shape == (width,)


def test_proposal_reads_the_outputs():
    network = randomised(KernelNetwork())
    encoded, outputs = task()
    first, second = (
        network.propose(encoded, part, n_steps=0) for part in (outputs, outputs.roll(3, 0))
    )
    assert not torch.allclose(first.weight, second.weight)


def test_each_round_of_refining_raises_the_likelihood():
    torch.manual_seed(0)
    network = KernelNetwork().double().requires_grad_(False)
    encoded, _ = task()
    outputs = torch.sin(3 * encoded[:, :1, 0])
    outputs = (outputs - outputs.mean()) / outputs.std()
    losses = [
        float(
            negative_log_likelihood(
                network.propose(encoded, outputs, n_steps=n_steps), encoded, outputs
            )
        )
        for n_steps in (0, 6, 12)
    ]
    assert losses[0] > losses[1] > losses[2]


def test_the_optimiser_reads_other_evaluations_in_each_step():
    torch.manual_seed(0)
    network = KernelNetwork().double().requires_grad_(False)
    network.optimizer.rows_a_step = 8
    generator = torch.Generator().manual_seed(1)
    columns, last = torch.zeros(M, 5).double(), torch.zeros(2).double()
    encoded = torch.randn(20, M, 2, generator=generator, dtype=torch.float64)
    outputs = torch.randn(20, 1, generator=generator, dtype=torch.float64)

    def refine(n_steps, changed):
        other = outputs.clone()
        other[changed] += 1.0
        return network.optimizer(columns, last, encoded, other, n_steps)[0]

    # Rows 0-7, then 8-15, then 16-19 and 0-3.
    for row, first_step in ((0, 1), (7, 1), (8, 2), (15, 2), (16, 3), (19, 3)):
        for n_steps in (1, 2, 3):
            moved = not refine(n_steps, [row]).equal(refine(n_steps, []))
            assert moved == (n_steps >= first_step)


def test_untrained_corrector_corrects_nothing():
    torch.manual_seed(0)
    corrector = Corrector().double()
    correction = corrector(corrector.read(support_evidence(*task())), query_evidence())
    assert not correction.any()


@pytest.mark.parametrize(("missed", "most"), [(1.0, 1.0), (0.1, 0.5), (0.01, 0.01), (0.0, 0.0)])
def test_corrections_count_less_where_the_stack_misses_little(missed, most):
    corrector = randomised(Corrector())
    with torch.no_grad():
        corrector.gate[-1].bias += 20.0  # open
    evidence = support_evidence(*task())
    residuals = evidence.stack_residuals
    residuals = missed * residuals / residuals.square().mean().sqrt()
    gate = corrector.read(evidence._replace(stack_residuals=residuals)).gate
    assert float(gate) == pytest.approx(most, rel=0.02)


def test_correction_of_a_row_does_not_depend_on_the_others():
    corrector = randomised(Corrector())
    memory = corrector.read(support_evidence(*task()))
    query = query_evidence()
    together = corrector(memory, query)
    assert float(together.abs().min()) > 0
    for i in range(len(together)):
        alone = corrector(memory, QueryEvidence(*(part[i : i + 1] for part in query)))
        torch.testing.assert_close(alone[0], together[i], rtol=0, atol=1e-12)


def test_correction_follows_a_permutation_of_columns():
    corrector = randomised(Corrector())
    columns = torch.tensor([3, 0, 4, 1, 2])
    encoded, outputs = task()
    query = query_evidence()
    correction = corrector(corrector.read(support_evidence(encoded, outputs)), query)
    permuted = QueryEvidence(*(part[:, columns] for part in query[:-1]), query.gap)
    other = corrector(corrector.read(support_evidence(encoded[:, columns], outputs)), permuted)
    torch.testing.assert_close(correction[:, columns], other)


@pytest.mark.parametrize("seed", range(3))
def test_corrections_of_players_sum_to_zero_and_spare_those_that_cannot_matter(seed):
    generator = torch.Generator().manual_seed(seed)
    correction = torch.randn(6, M, generator=generator, dtype=torch.float64)
    players = torch.tensor([0, 1, 1, 2, 3])
    able = torch.rand(6, 5, generator=generator) < 0.7
    able[0] = False
    able[:, 4] = False  # it has no column
    moved = player_corrections(correction, players, able)
    assert moved.shape == (6, 5)
    torch.testing.assert_close(moved.sum(1), torch.zeros(6, dtype=torch.float64))
    assert not moved[~able].any()


@pytest.mark.parametrize("task_width", [0, 3])
def test_the_head_of_the_kernel_network_is_what_proposes(task_width):
    network = KernelNetwork(width=8, n_heads=2, n_layers=1, task_width=task_width)
    parts = dict(network.named_children())
    heads = [parts[name].out_features for name in network.head_names()]
    assert heads == [N_RAW_COLUMN, N_RAW_TASK]
