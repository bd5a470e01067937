"""What attributions do to an output, in words for an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["several_outputs", "what_is_drawn"]


def several_outputs(quantities: Sequence[str], names: Sequence[str]) -> tuple[str, str]:
    """What outputs that share axes are, and what they are called together.

    Parameters
    ----------
    quantities : list of str of length n_outputs
        What each of them is, as in "probability of yes".
    names : list of str of length n_outputs
        Their names, as in "yes".

    Returns
    -------
    quantity : str
        What all of them are, as in "probability"; "output" where they differ.
    outputs : {"classes", "targets", "outputs"}
        What their names are names of.
    """
    kinds = {
        str(quantity).removesuffix(f" of {name}")
        for quantity, name in zip(quantities, names, strict=True)
    }
    kind = kinds.pop() if len(kinds) == 1 else "output"
    return kind, {"prediction": "targets", "output": "outputs"}.get(kind, "classes")


def what_is_drawn(
    quantity: str, *, additive: Mapping[str, bool] | bool = True, is_global: bool = False
) -> str:
    """Say what bars or points are.

    Parameters
    ----------
    quantity : str
        What is explained.
    additive : bool or mapping of str to bool, default=True
        Whether attributions are meant to add up to it; by name where several explanations are
        drawn.
    is_global : bool, default=False
        Whether means of absolute values are drawn.

    Returns
    -------
    text : str
        What is drawn; a second line says what does not add up.
    """
    mean = "mean size of " if is_global else ""
    by_name = additive if isinstance(additive, Mapping) else {"": additive}
    others = [name for name, adds in by_name.items() if not adds]
    if not others:
        return f"{mean}{'what is ' * is_global}added to the {quantity}"
    whose = f"those of {', '.join(others)} do" if len(others) < len(by_name) else "they do"
    attributions = "attributions" if is_global else "attribution"
    return f"{mean}{attributions} to the {quantity}\n({whose} not add up to it)"
