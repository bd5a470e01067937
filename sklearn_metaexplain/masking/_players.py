"""Players: columns, or groups of columns that move together."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from sklearn_metaexplain._names import position_of
from sklearn_metaexplain.masking._mixer import RowPool

__all__ = [
    "FeatureGroups",
    "Players",
    "players_that_can_matter",
    "resolve_feature_groups",
]

FeatureGroups = Mapping[str, Iterable[str | int]] | Iterable[Iterable[str | int]] | None


class Players(NamedTuple):
    """What is attributed to: each column belongs to exactly one player.

    Parameters
    ----------
    names : ndarray of object of shape (n_players,)
        Column or group names.
    player_of_column : ndarray of int of shape (n_columns,)
        Position of each column's player.
    named_after : list of length n_players
        Positions of the columns whose names, joined by ``+``, are the player's; None where the
        user named it.
    """

    names: np.ndarray
    player_of_column: np.ndarray
    named_after: list[list[int] | None]

    @property
    def are_grouped(self) -> bool:
        """Whether a player has several columns."""
        return len(self.names) < len(self.player_of_column)

    def names_for(self, columns: Sequence[str] | np.ndarray) -> np.ndarray:
        """Names of the players where the columns are called otherwise.

        Parameters
        ----------
        columns : array-like of str of shape (n_columns,)
            What the columns are called now.

        Returns
        -------
        names : ndarray of object of shape (n_players,)
            Names that the user gave are kept.
        """
        names = self.names.copy()
        for player, positions in enumerate(self.named_after):
            if positions is not None:
                names[player] = _joined(columns, positions)
        return names


def resolve_feature_groups(
    feature_groups: FeatureGroups, feature_names: Sequence[str] | np.ndarray
) -> Players:
    """Resolve ``feature_groups`` against the columns of a table.

    Parameters
    ----------
    feature_groups : None, mapping of str to list of str or int, or list of lists
        Groups of columns, by name or position (whole numbers are positions). In a mapping the
        keys, text or numbers, name the groups; those of a list are named after their columns,
        joined by ``+``, in the order listed, or that of the table where a group is a set.
        Columns that are not mentioned are players of their own. None: every column is.
    feature_names : array-like of str of shape (n_columns,)
        Names of the columns.

    Returns
    -------
    players : Players
        Ordered by their first column.

    Raises
    ------
    ValueError
        If a column is unknown or in two groups, a group is empty, or two players would have
        the same name.
    TypeError
        If ``feature_groups`` is neither a mapping nor a list of lists, or a group's name is
        neither text nor a number.

    Examples
    --------
    >>> from sklearn_metaexplain.masking import resolve_feature_groups
    >>> players = resolve_feature_groups([["a", "c"]], ["a", "b", "c"])
    >>> players.names.tolist(), players.player_of_column.tolist()
    (['a+c', 'b'], [0, 1, 0])
    """
    columns = list(feature_names)
    if feature_groups is None:
        every = np.arange(len(columns))
        return Players(np.asarray(columns, dtype=object), every, every[:, None].tolist())
    group_of_column = np.full(len(columns), -1)
    group_names: list[str] = []
    named_after: list[list[int] | None] = []
    for name, members in _named_groups(feature_groups):
        positions = [position_of(member, columns, "feature_groups") for member in _as_list(members)]
        if isinstance(members, (set, frozenset)):
            positions.sort()  # sets of text are in another order in each process
        if not positions:
            raise ValueError(f"Group {name or len(group_names)!r} of feature_groups is empty.")
        group = len(group_names)
        group_names.append(_joined(columns, positions) if name is None else name)
        named_after.append(positions if name is None else None)
        for position in positions:
            if group_of_column[position] >= 0:
                raise ValueError(
                    f"Column {columns[position]!r} is named twice in feature_groups (in group "
                    f"{group_names[group_of_column[position]]!r} and again in "
                    f"{group_names[group]!r}); a column belongs to one group."
                )
            group_of_column[position] = group
    return _in_column_order(columns, group_of_column, group_names, named_after)


def players_that_can_matter(players: Players, background: Any, rows: Any) -> np.ndarray:
    """Players that differ from at least one background row.

    Parameters
    ----------
    players : Players
        The players.
    background, rows : ndarray, DataFrame or CSR with the same columns
        Background rows and explained rows. NaN equals NaN.

    Returns
    -------
    can_matter : ndarray of bool of shape (n_rows, n_players)
        The attribution of the others is zero.
    """
    n_background = background.shape[0]
    codes = RowPool(background, rows).codes()
    constant = (codes[:n_background] == codes[:1]).all(axis=0)
    columns = ~(constant & (codes[n_background:] == codes[:1]))
    able = np.zeros((rows.shape[0], len(players.names)), dtype=bool)
    for column, player in enumerate(players.player_of_column):
        able[:, player] |= columns[:, column]
    return able


def _named_groups(feature_groups: Any) -> list[tuple[str | None, Any]]:
    if isinstance(feature_groups, Mapping):
        for name in feature_groups:
            if isinstance(name, bool) or not isinstance(name, (str, Real)):
                raise TypeError(
                    f"feature_groups names a group {name!r}, a {type(name).__name__}; name groups "
                    "by text."
                )
        return list(feature_groups.items())
    if isinstance(feature_groups, str) or not isinstance(feature_groups, Iterable):
        raise TypeError(
            "feature_groups must be None, a mapping of group names to lists of columns, or a list "
            f"of lists of columns; got {feature_groups!r}."
        )
    return [(None, members) for members in feature_groups]


def _as_list(members: Any) -> list[Any]:
    if isinstance(members, str) or not isinstance(members, Iterable):
        raise TypeError(f"A group of feature_groups must be a list of columns; got {members!r}.")
    return list(members)


def _joined(columns: Sequence[Any] | np.ndarray, positions: list[int]) -> str:
    return "+".join(str(columns[position]) for position in positions)


def _in_column_order(
    columns: list[Any],
    group_of_column: np.ndarray,
    group_names: list[str],
    group_named_after: list[list[int] | None],
) -> Players:
    names: list[str] = []
    named_after: list[list[int] | None] = []
    player_of_group: dict[int, int] = {}
    player_of_column = np.empty(len(columns), dtype=np.intp)
    for position, group in enumerate(group_of_column.tolist()):
        if group >= 0 and group in player_of_group:
            player_of_column[position] = player_of_group[group]
            continue
        name = columns[position] if group < 0 else group_names[group]
        if name in names:
            raise ValueError(
                f"feature_groups would give two players the name {name!r}; rename the group."
            )
        if group >= 0:
            player_of_group[group] = len(names)
        player_of_column[position] = len(names)
        names.append(name)
        named_after.append([position] if group < 0 else group_named_after[group])
    return Players(np.asarray(names, dtype=object), player_of_column, named_after)
