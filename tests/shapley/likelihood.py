"""The marginal likelihood by PyTorch's own differentiation."""

import torch

from sklearn_metaexplain.shapley._kernel import ProductKernel


def negative_log_likelihood(parameters, encoded, outputs):
    n_columns = encoded.shape[1]
    kernel = ProductKernel(parameters, torch.arange(n_columns), n_columns)
    rows = kernel.warp(encoded)
    gram = kernel(rows, rows) + parameters.noise * torch.eye(len(rows), dtype=rows.dtype)
    normal = torch.distributions.MultivariateNormal(torch.zeros(len(rows)).to(gram), gram)
    density = normal.log_prob(outputs.T).mean() / len(rows)
    return -density - 0.5 * torch.log(torch.tensor(2 * torch.pi))
