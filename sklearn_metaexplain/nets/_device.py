"""Where networks run."""

import torch


def check_device(device: str) -> str:
    """Check that a torch device is there and computes in double precision.

    Parameters
    ----------
    device : str
        Such as "cpu" or "cuda".

    Returns
    -------
    device : str
        The same.

    Raises
    ------
    ValueError
        If it cannot be used.
    """
    try:
        # Not every device has double precision, or gives back what it holds.
        torch.zeros(1, dtype=torch.float64, device=device).cpu()
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"device={device!r} cannot be used here ({error}); device='cpu' always can."
        ) from error
    return device
