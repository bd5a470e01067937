"""The kernel matrix of rows with themselves, compiled and differentiable, and its likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.func import vjp

from sklearn_metaexplain.shapley._compile import compiled
from sklearn_metaexplain.shapley._kernel import (
    KernelParameters,
    ProductKernel,
    parameters_from_raw,
)


def gram_matrix(kernel: ProductKernel, encoded: torch.Tensor) -> torch.Tensor:
    """Kernel matrix of encoded rows with themselves, without noise.

    The same as ``kernel(rows, rows)`` with ``rows = kernel.warp(encoded)``, several times
    faster to differentiate once with respect to the parameters.

    Parameters
    ----------
    kernel : ProductKernel
        Its parameters may require gradients.
    encoded : tensor of shape (n_rows, m, 2)
        Encoded rows, float64.

    Returns
    -------
    tensor of shape (n_rows, n_rows)
    """
    p = kernel.parameters
    rows = kernel.warp(encoded)
    product, _ = _ProductGram.apply(rows, p.smooth, p.rough, p.mix, p.weight)
    return p.amplitude * product + kernel.linear(rows, rows)


def likelihood_gradient(
    columns: torch.Tensor, task: torch.Tensor, encoded: torch.Tensor, outputs: torch.Tensor
) -> tuple[float, torch.Tensor, torch.Tensor]:
    """Negative log marginal likelihood of raw kernel numbers, and its gradient.

    Parameters
    ----------
    columns : tensor of shape (m, 5)
    task : tensor of shape (2,)
        As `parameters_from_raw` takes them.
    encoded : tensor of shape (n_rows, m, 2)
        Encoded hybrid rows.
    outputs : tensor of shape (n_rows, n_outputs)
        Their outputs, standardised; they share the kernel.

    Returns
    -------
    loss : float
        Per row and output, up to a constant.
    column_gradient : tensor of shape (m, 5)
    task_gradient : tensor of shape (2,)

    References
    ----------
    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, equations 5.8 and 5.9.
    """
    encoded, outputs = encoded.detach().double().cpu(), outputs.detach().double().cpu()
    leaves = [raw.detach().double().cpu().requires_grad_() for raw in (columns, task)]
    n_rows, n_columns = encoded.shape[:2]
    n_outputs = outputs.shape[1]
    with torch.enable_grad():
        parameters = parameters_from_raw(*leaves)
        # The kernel is one product over columns, whoever plays them.
        kernel = ProductKernel(parameters, torch.arange(n_columns), n_columns)
        gram = gram_matrix(kernel, encoded)
        gram = gram + parameters.noise * torch.eye(n_rows, dtype=gram.dtype)
    lower = torch.linalg.cholesky(gram.detach())
    alpha = torch.cholesky_solve(outputs, lower)
    loss = 0.5 * float((outputs * alpha).sum()) / n_outputs + float(lower.diagonal().log().sum())
    pull = torch.cholesky_inverse(lower).addmm_(alpha, alpha.T, alpha=-1 / n_outputs)
    of_columns, of_task = torch.autograd.grad(gram, leaves, pull.mul_(0.5 / n_rows))
    return loss / n_rows, of_columns, of_task


class _ProductGram(torch.autograd.Function):
    """Products of factors of all pairs of rows, and what the way back needs of them."""

    @staticmethod
    def forward(rows: torch.Tensor, *parameters: torch.Tensor) -> Any:
        product, similarities = _products(*_arrays(rows, *parameters))
        return torch.from_numpy(product).to(rows.device), torch.from_numpy(similarities)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        product, similarities = output
        ctx.mark_non_differentiable(similarities)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs, product, similarities)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> Any:
        *inputs, product, similarities = ctx.saved_tensors
        gradient = upstream[0]
        if gradient is None:
            return (None,) * len(inputs)
        if torch.is_grad_enabled():
            # Somebody differentiates again, as a meta-gradient does: not through compiled code.
            return vjp(_product_of_factors, *inputs)[1](gradient)
        weighted = (gradient + gradient.T) * product
        gradients = _pull(similarities.numpy(), *_arrays(weighted, *inputs))
        return tuple(torch.from_numpy(part).to(gradient.device) for part in gradients)


def _arrays(*tensors: torch.Tensor) -> list[np.ndarray]:
    return [tensor.detach().cpu().contiguous().numpy() for tensor in tensors]


def _product_of_factors(
    rows: torch.Tensor,
    smooth: torch.Tensor,
    rough: torch.Tensor,
    mix: torch.Tensor,
    weight: torch.Tensor,
) -> torch.Tensor:
    one = rows.new_ones(())
    parameters = KernelParameters(smooth, rough, mix, weight, warp=one, amplitude=one, noise=one)
    n_columns = rows.shape[1]
    kernel = ProductKernel(parameters, torch.arange(n_columns, device=rows.device), n_columns)
    return kernel.factors(rows, rows).prod(1)


@compiled(fastmath={"contract", "reassoc", "nsz"})
def _products(rows, smooth, rough, mix, weight):
    # Beside the products, the two exponentials of every pair and column, for the way back.
    n_rows, n_columns = rows.shape
    product = np.empty((n_rows, n_rows))
    similarities = np.empty((n_rows * (n_rows - 1) // 2, n_columns, 2), np.float32)
    inverse_smooth, inverse_rough = 3**0.5 / smooth, 1 / rough
    pair = 0
    for i in range(n_rows):
        product[i, i] = 1.0
        for j in range(i):
            total = 1.0
            for k in range(n_columns):
                distance = abs(rows[i, k] - rows[j, k])
                scaled = distance * inverse_smooth[k]
                near = np.exp(-scaled)
                touching = np.exp(-distance * inverse_rough[k])
                similarity = mix[k] * near * (1 + scaled) + (1 - mix[k]) * touching
                total *= (1 + weight[k] * similarity) / (1 + weight[k])
                similarities[pair, k, 0] = near
                similarities[pair, k, 1] = touching
            product[i, j] = product[j, i] = total
            pair += 1
    return product, similarities


@compiled(fastmath={"contract", "reassoc", "nsz"})
def _pull(similarities, weighted, rows, smooth, rough, mix, weight):
    # d(product) = product * d(log factor), column by column.
    n_rows, n_columns = rows.shape
    of_rows = np.zeros_like(rows)
    of_smooth, of_rough = np.zeros(n_columns), np.zeros(n_columns)
    of_mix, of_weight = np.zeros(n_columns), np.zeros(n_columns)
    inverse_smooth, inverse_rough = 3**0.5 / smooth, 1 / rough
    pair = 0
    for i in range(n_rows):
        for j in range(i):
            size = weighted[i, j]
            for k in range(n_columns):
                difference = rows[i, k] - rows[j, k]
                distance = abs(difference)
                near, touching = similarities[pair, k, 0], similarities[pair, k, 1]
                scaled = distance * inverse_smooth[k]
                matern = near * (1 + scaled)
                similarity = mix[k] * matern + (1 - mix[k]) * touching
                of_factor = size / (1 + weight[k] * similarity)
                of_similarity = weight[k] * of_factor
                of_smooth[k] += of_similarity * mix[k] * scaled * scaled * near
                of_rough[k] += of_similarity * (1 - mix[k]) * distance * touching
                of_mix[k] += of_similarity * (matern - touching)
                of_weight[k] += of_factor * similarity - size / (1 + weight[k])
                slope = (
                    mix[k] * scaled * near * inverse_smooth[k]
                    + (1 - mix[k]) * touching * inverse_rough[k]
                )
                moved = of_similarity * slope * np.sign(difference)
                of_rows[i, k] -= moved
                of_rows[j, k] += moved
            pair += 1
    return of_rows, of_smooth / smooth, of_rough * inverse_rough**2, of_mix, of_weight
