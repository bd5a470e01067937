"""The network of the task autoencoder, the prior it is compared with, and their file."""

from hashlib import sha256
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_metaexplain.nets._autoencoder_file import (
    REGISTRY,
    PretrainedAutoencoder,
    load_autoencoder,
    save_autoencoder,
)
from sklearn_metaexplain.nets._checkpoint import load_pretrained
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._prior_reference import (
    KINDS,
    Measured,
    Pass,
    PriorReference,
    both_sides,
    measure_task,
    standardise,
)
from sklearn_metaexplain.nets._task_autoencoder import (
    Reconstruction,
    SetAutoencoder,
    TaskCode,
    task_vector,
)
from sklearn_metaexplain.nets._weights_file import save_networks


def randomised(module, seed=0):
    """Weights of a trained network are not those it starts with: neither are these."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return module.double().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return randomised(SetAutoencoder(width=16, n_dims=8, column_dims=4))


def draw(n, m, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(n, m, 2, generator=generator, dtype=torch.float64)
    return rows, torch.randn(n, generator=generator, dtype=torch.float64)


def order(n, seed):
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=15, deadline=None)
@given(n=st.integers(2, 30), m=st.integers(1, 9), seed=st.integers(0, 100))
def test_a_task_is_a_distribution_of_rows_with_columns_in_any_order(network, n, m, seed):
    rows, outputs = draw(n, m, seed)
    code = network.encode(rows, outputs)
    shuffled, columns = order(n, seed), order(m, seed)
    other = network.encode(rows[shuffled][:, columns], outputs[shuffled])
    torch.testing.assert_close(other.vector, code.vector, rtol=0, atol=1e-10)
    torch.testing.assert_close(other.columns, code.columns[columns], rtol=0, atol=1e-10)
    twice = network.encode(rows.repeat(2, 1, 1), outputs.repeat(2))
    torch.testing.assert_close(twice.vector, code.vector, rtol=0, atol=1e-10)
    assert float(code.vector.norm()) == pytest.approx(1)
    # The decoder finds the columns again wherever they are.
    torch.testing.assert_close(
        network.decode(other, rows[:, columns]).mean,
        network.decode(code, rows).mean,
        rtol=0,
        atol=1e-10,
    )


def test_the_code_depends_on_outputs_and_cells(network):
    rows, outputs = draw(20, 4)
    vector = network.encode(rows, outputs).vector
    for changed in (network.encode(rows, outputs.roll(1)), network.encode(rows + 0.5, outputs)):
        assert float((changed.vector - vector).norm()) > 1e-3


def test_a_row_is_decoded_without_the_others(network):
    rows, outputs = draw(20, 4)
    code = network.encode(rows[:12], outputs[:12])
    together = network.decode(code, rows)
    assert float(together.mean.std()) > 1e-3
    for i in range(3):
        alone = network.decode(code, rows[i : i + 1])
        torch.testing.assert_close(alone.mean[0], together.mean[i], rtol=0, atol=1e-10)
        torch.testing.assert_close(alone.log_std[0], together.log_std[i], rtol=0, atol=1e-10)


@pytest.mark.parametrize("part", ["vector", "columns"])
def test_the_decoder_reads_both_parts_of_the_code(network, part):
    rows, outputs = draw(20, 4)
    code = network.encode(rows, outputs)
    changed = code._replace(**{part: -getattr(code, part)})
    moved = network.decode(changed, rows).mean - network.decode(code, rows).mean
    assert float(moved.abs().max()) > 1e-3


def test_task_vector_is_the_direction_of_the_mean():
    codes = [TaskCode(torch.tensor(v), torch.zeros(1, 1)) for v in ([1.0, 0.0], [0.0, 1.0])]
    expected = torch.tensor([0.5**0.5, 0.5**0.5])
    torch.testing.assert_close(task_vector(codes), expected)
    torch.testing.assert_close(task_vector(codes[::-1]), expected)


def test_standardised_outputs_leave_out_constants():
    outputs = torch.tensor([[1.0, 5.0, 1e9], [3.0, 5.0, 1e9 + 20]], dtype=torch.float64)
    expected = torch.tensor([[-1.0, -1.0], [1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(standardise(outputs), expected)
    assert standardise(torch.full((4, 1), 0.1, dtype=torch.float64)).shape == (4, 0)


def test_both_sides_of_probabilities_alone():
    probabilities = torch.tensor([[0.25], [1.0]])
    assert both_sides(probabilities).tolist() == [[0.75, 0.25], [0.0, 1.0]]
    for others in (torch.tensor([[0.5], [1.5]]), torch.tensor([[0.5, 0.5]])):
        assert both_sides(others) is others


def test_measured_error_is_the_share_of_variance_on_rows_not_read():
    read_of = []

    def encode(encoded, outputs):
        read_of.append((len(encoded), len(outputs)))
        return TaskCode(torch.tensor([1.0, 0.0]), torch.zeros(1, 1))

    def decode(code, encoded):
        return Reconstruction(encoded[:, 0, 0], torch.zeros(len(encoded)))

    def error_of(guess):
        encoded = torch.tensor([9.0, 9.0, *guess])[:, None, None].expand(-1, 1, 2)
        task = Pass(encoded, torch.tensor([7.0, -7.0, 1.0, 2.0, 3.0]))
        return measure_task(SimpleNamespace(encode=encode, decode=decode), [task], 2).error

    assert error_of([1.0, 2.0, 3.0]) == 0
    assert error_of([2.0, 2.0, 2.0]) == 1
    assert error_of([1.0, 2.0, 4.0]) == 0.5
    assert read_of == [(2, 2)] * 3


@pytest.fixture
def reference():
    """Three tasks near each other, with errors from small to large; other kinds are far off."""
    reference = PriorReference(n_tasks=3, n_dims=2)
    angle = torch.tensor([0.0, 0.1, 0.3])
    reference.vectors[:] = torch.tensor([0.0, 1.0])
    reference.vectors[0] = torch.stack([angle.cos(), angle.sin()], 1)
    reference.errors[0] = torch.tensor([0.1, 0.2, 0.3])
    return reference


@pytest.mark.parametrize(
    ("angle", "error", "score"),
    [
        # Distances to the nearest other: 0.1, 0.1 and 0.2; errors have quantiles 0, 1/3, 2/3.
        # So the strangeness of the three is 0, 1/3 and 2/3.
        (0.05, 0.05, 0.0),  # nearer and easier than any
        (0.05, 0.15, 1 / 3),  # easier than two
        (0.05, 0.25, 2 / 3),
        (0.05, 9.0, 1.0),
        (-0.15, 0.05, 2 / 3),  # 0.15 away: farther than two
        (-1.0, 0.05, 1.0),
        (-1.0, 0.25, 1.0),
    ],
)
def test_score_is_the_quantile_of_the_stranger_of_two_quantiles(reference, angle, error, score):
    vector = torch.tensor([np.cos(angle), np.sin(angle)])
    assert reference.score("labels", Measured(vector, error)) == pytest.approx(score)


@pytest.mark.parametrize(("error", "quantile"), [(0.05, 0), (0.15, 1 / 3), (0.3, 2 / 3), (9, 1)])
def test_quantile_of_an_error(reference, error, quantile):
    assert reference.error_quantile("labels", error) == pytest.approx(quantile)


def test_a_task_is_compared_with_its_own_kind(reference):
    easy = Measured(torch.tensor([1.0, 0.0]), 0.05)
    assert reference.score(KINDS[0], easy) == 0
    assert all(reference.score(kind, easy) == 1 for kind in KINDS[1:])


def test_scores_of_the_prior_itself_are_uniform():
    generator = torch.Generator().manual_seed(0)
    reference = PriorReference(n_tasks=300, n_dims=6)
    drawn = torch.nn.functional.normalize(torch.randn(600, 6, generator=generator), dim=1)
    errors = torch.rand(600, generator=generator)
    reference.vectors[1], reference.errors[1] = drawn[:300], errors[:300]
    scores = [
        reference.score("targets", Measured(vector, float(error)))
        for vector, error in zip(drawn[300:], errors[300:], strict=True)
    ]
    deciles = np.quantile(scores, np.arange(0.1, 1, 0.1))
    np.testing.assert_allclose(deciles, np.arange(0.1, 1, 0.1), atol=0.1)


def test_file_round_trip_without_random_numbers(tmp_path, reference):
    network = SetAutoencoder(width=16, n_layers=1, n_dims=2)
    path = tmp_path / "weights.safetensors"
    save_autoencoder(PretrainedAutoencoder(network, reference, {"steps": 3}), path)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    loaded = load_autoencoder(path)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()
    assert loaded.training == {"steps": 3}
    assert loaded.reference.vectors.equal(reference.vectors)
    assert loaded.reference.errors.equal(reference.errors)
    for value, other in zip(loaded.network.parameters(), network.parameters(), strict=True):
        assert value.equal(other)
        assert not value.requires_grad


def test_a_file_without_reference_is_refused(tmp_path):
    path = tmp_path / "half.safetensors"
    save_networks(path, {"autoencoder": SetAutoencoder(width=16, n_layers=1)}, {"training": {}})
    with pytest.raises(ValueError, match=r"half\.safetensors lacks .* train-autoencoder"):
        load_autoencoder(path)


def test_registered_weights_are_what_they_were():
    for filename, expected in REGISTRY.values():
        content = files("sklearn_metaexplain.nets").joinpath("weights", filename).read_bytes()
        assert sha256(content).hexdigest() == expected
        assert len(content) < 2**20
    training = load_autoencoder("default").training
    assert training["steps"] > 0
    assert set(training["median_unexplained"]) == set(KINDS)


# The vector as an input of the kernel network


def told_and_untold(task_width):
    networks = []
    for width in (task_width, 0):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            networks.append(KernelNetwork(width=16, n_layers=1, task_width=width).double())
    return networks


def test_untrained_kernel_network_does_not_heed_the_task_vector():
    told, untold = told_and_untold(3)
    for network in (told, untold):
        randomised_heads = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for head in (network.column_head, network.task_head):
                head.weight += torch.randn(head.weight.shape, generator=randomised_heads)
    rows, outputs = draw(20, 4)
    vector = torch.ones(3, dtype=torch.float64)
    for ours, theirs in zip(
        told.propose(rows, outputs[:, None], task_vector=vector),
        untold.propose(rows, outputs[:, None]),
        strict=True,
    ):
        assert ours.equal(theirs)
    with torch.no_grad():
        told.task_embed.weight += 1.0
    changed = told.propose(rows, outputs[:, None], n_steps=0, task_vector=vector)
    same = untold.propose(rows, outputs[:, None], n_steps=0)
    assert not torch.allclose(changed.weight, same.weight, atol=1e-6)


def test_kernel_network_with_a_task_width_asks_for_the_vector():
    told, _ = told_and_untold(3)
    rows, outputs = draw(20, 4)
    with pytest.raises(ValueError, match="task_vector is needed"):
        told.propose(rows, outputs[:, None])


def test_shipped_kernel_network_has_no_task_vector():
    kernel = load_pretrained("default").kernel
    assert kernel.task_embed is None
    assert kernel.config["task_width"] == 0
