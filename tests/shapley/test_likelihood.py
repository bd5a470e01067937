import pytest
import torch

from sklearn_metaexplain.shapley._kernel import parameters_from_raw
from sklearn_metaexplain.shapley._likelihood import likelihood_gradient
from tests.shapley.likelihood import negative_log_likelihood


@pytest.mark.parametrize("n_columns", [1, 2, 7])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_loss_and_gradient_are_those_of_automatic_differentiation(n_columns, n_outputs):
    generator = torch.Generator().manual_seed(n_columns)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    encoded, outputs = normal(40, n_columns, 2), normal(40, n_outputs)
    encoded[5:9, 0] = encoded[5, 0]  # equal values in a column
    encoded[11] = encoded[10]  # a repeated row
    columns, task = normal(n_columns, 5).requires_grad_(), normal(2).requires_grad_()
    expected = negative_log_likelihood(parameters_from_raw(columns, task), encoded, outputs)
    expected.backward()
    loss, of_columns, of_task = likelihood_gradient(columns, task, encoded, outputs)
    assert loss == pytest.approx(float(expected))
    torch.testing.assert_close(of_columns, columns.grad, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(of_task, task.grad)


def test_numbers_beyond_their_bounds_have_no_gradient():
    generator = torch.Generator().manual_seed(0)
    encoded = torch.randn(20, 2, 2, generator=generator, dtype=torch.float64)
    columns = torch.tensor([[9.0, -9.0, 0.0, 9.0, 0.0], [0.0, 0.0, 0.0, -9.0, 0.0]])
    _, of_columns, of_task = likelihood_gradient(
        columns, torch.tensor([9.0, -19.0]), encoded, encoded[:, :1, 0]
    )
    assert of_columns.eq(0).tolist() == [
        [True, True, False, True, False],
        [False, False, False, True, False],
    ]
    assert not of_task.any()
