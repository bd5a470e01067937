"""Tables whose every cell may come from another row, with dtypes kept."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._arrays import as_array, as_objects, kind_of_missing, type_of_cell
from sklearn_metaexplain._containers import union_of_categories

__all__ = ["RowPool", "hybrid_index"]


class RowPool:
    """Rows of several tables, from which hybrid rows are assembled column by column.

    Parameters
    ----------
    *tables : ndarray, DataFrame or sparse matrix of shape (n_rows_i, n_columns)
        Tables with the same columns in the same order. Position ``p`` of the pool is row ``p``
        of the tables stacked in the order given. What `take` returns is a table of the kind
        (ndarray, DataFrame, CSR) of the first.

    Attributes
    ----------
    n_rows : int
        Rows of all tables together.
    n_columns : int
        Number of columns.

    Notes
    -----
    Dtypes are those of the tables stacked. Where the categories of a categorical column differ,
    those of the first table are extended by the new ones of the others.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain.masking import RowPool
    >>> pool = RowPool(np.array([[1, 2], [3, 4]]), np.array([[5, 6]]))
    >>> pool.take(np.array([[0, 2], [2, 1]]))
    array([[1, 6],
           [5, 4]])
    """

    def __init__(self, *tables: Any) -> None:
        if not tables:
            raise ValueError("RowPool needs at least one table.")
        first = tables[0]
        widths = {table.shape[1] for table in tables}
        if len(widths) > 1:
            raise ValueError(f"The tables have different numbers of columns: {sorted(widths)}.")
        self.n_columns: int = first.shape[1]
        self.n_rows: int = sum(table.shape[0] for table in tables)
        self._frame_columns: pd.Index | None = None
        # Exactly one of these holds the data.
        self._array: np.ndarray | None = None
        self._sparse: Any = None
        self._columns: list[Any] | None = None
        if isinstance(first, pd.DataFrame):
            self._frame_columns = first.columns
            columns = [
                _stack_columns([_column(table, j) for table in tables])
                for j in range(self.n_columns)
            ]
            if columns and all(
                isinstance(column, np.ndarray) and column.dtype == columns[0].dtype
                for column in columns
            ):
                self._array = np.column_stack(columns)  # one gather instead of one a column
            else:
                self._columns = columns
        elif sparse.issparse(first):
            stacked = sparse.vstack([_to_sparse(table) for table in tables], format="csr")
            self._sparse = type(first.tocsr())(stacked)
            self._sparse.sum_duplicates()
        else:
            self._array = _stack_arrays([_to_array(table) for table in tables])

    def take(self, index: np.ndarray) -> Any:
        """Assemble rows from cells of the pool.

        Parameters
        ----------
        index : ndarray of int of shape (n, n_columns)
            For each cell the pool row from which it comes.

        Returns
        -------
        table : ndarray, DataFrame or CSR of shape (n, n_columns)
            Of the kind of the pool's first table; a DataFrame has a fresh RangeIndex.
        """
        if self._sparse is not None:
            if index.size == 0:
                return type(self._sparse)(index.shape, dtype=self._sparse.dtype)
            columns = np.broadcast_to(np.arange(self.n_columns), index.shape)
            return self._sparse[index, columns]
        if self._array is not None:
            cells = np.take_along_axis(self._array, index, axis=0)
            if self._frame_columns is None:
                return cells
            return pd.DataFrame(cells, columns=self._frame_columns, dtype=cells.dtype)
        assert self._columns is not None
        assert self._frame_columns is not None
        series = {}
        for j, column in enumerate(self._columns):
            # The dtype is given because pandas would turn objects that are all strings into str.
            series[j] = pd.Series(column.take(index[:, j]), dtype=column.dtype)
        frame = pd.DataFrame(series, index=pd.RangeIndex(len(index)))
        frame.columns = self._frame_columns
        return frame

    def rows(self, positions: np.ndarray) -> Any:
        """Whole rows of the pool.

        Parameters
        ----------
        positions : array-like of int of shape (n,)
            Positions of the rows.

        Returns
        -------
        rows : {ndarray, DataFrame, CSR} of shape (n, n_columns)
            As `take` returns them.
        """
        positions = np.asarray(positions, dtype=np.intp)
        return self.take(np.repeat(positions[:, None], self.n_columns, axis=1))

    def codes(self) -> np.ndarray:
        """Number the cells so that equal cells of a column have equal numbers.

        Returns
        -------
        codes : ndarray of int64 of shape (n_rows, n_columns)
            The position of the first pool row that has the same value in that column. NaN equals
            NaN, and None None, but of objects neither equals the other.
        """
        codes = np.empty((self.n_rows, self.n_columns), dtype=np.int64)
        for j in range(self.n_columns):
            codes[:, j] = _first_equal(self._values(j), self._name(j))
        return codes

    def _values(self, j: int) -> Any:
        if self._sparse is not None:
            return np.asarray(self._sparse[:, [j]].toarray()).ravel()
        if self._array is not None:
            return self._array[:, j]
        assert self._columns is not None
        return self._columns[j]

    def _name(self, j: int) -> Any:
        return j if self._frame_columns is None else self._frame_columns[j]


def hybrid_index(
    row_positions: np.ndarray,
    background_positions: np.ndarray,
    coalitions: np.ndarray,
    player_of_column: np.ndarray,
) -> np.ndarray:
    """Say for each cell of some hybrid rows from which pool row it comes.

    Parameters
    ----------
    row_positions : ndarray of int of shape (n,)
        Pool row that gives the columns of the players in the coalition.
    background_positions : ndarray of int of shape (n,)
        Pool row that gives the others.
    coalitions : ndarray of bool of shape (n, n_players)
        Which players are in.
    player_of_column : ndarray of int of shape (n_columns,)
        The player to which each column belongs.

    Returns
    -------
    index : ndarray of int of shape (n, n_columns)
        As `RowPool.take` expects it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain.masking import hybrid_index
    >>> hybrid_index(
    ...     np.array([7]), np.array([0]), np.array([[True, False]]), np.array([0, 0, 1])
    ... ).tolist()
    [[7, 7, 0]]
    """
    inside = np.asarray(coalitions, dtype=bool)[:, player_of_column]
    return np.where(
        inside, np.asarray(row_positions)[:, None], np.asarray(background_positions)[:, None]
    ).astype(np.intp, copy=False)


def _column(table: Any, j: int) -> pd.Series:
    if isinstance(table, pd.DataFrame):
        return table.iloc[:, j].reset_index(drop=True)
    values = _to_array(table)[:, j]
    return pd.Series(values, dtype=values.dtype)


def _stack_columns(columns: list[pd.Series]) -> Any:
    """Stack the parts of one column; a plain numpy array or a pandas extension array."""
    if len(columns) == 1:
        stacked = columns[0]
    elif isinstance(columns[0].dtype, pd.CategoricalDtype):
        dtype = columns[0].dtype
        for column in columns[1:]:
            dtype = union_of_categories(dtype, column)
        stacked = pd.concat([column.astype(dtype) for column in columns], ignore_index=True)
    else:
        stacked = pd.concat(columns, ignore_index=True)
    return stacked.to_numpy() if isinstance(stacked.dtype, np.dtype) else stacked.array


def _to_array(table: Any) -> np.ndarray:
    if sparse.issparse(table):
        return np.asarray(table.toarray())
    return as_array(table) if isinstance(table, pd.DataFrame) else np.asarray(table)


def _to_sparse(table: Any) -> Any:
    return table if sparse.issparse(table) else sparse.csr_array(_to_array(table))


def _stack_arrays(arrays: list[np.ndarray]) -> np.ndarray:
    # Numbers and strings have a common numpy dtype, strings: stay with the values as they are.
    kinds = {"number" if array.dtype.kind in "biuf" else array.dtype.kind for array in arrays}
    if len(kinds) > 1:
        arrays = [as_objects(array) for array in arrays]
    return np.concatenate(arrays, axis=0)


def _first_equal(values: Any, name: Any) -> np.ndarray:
    try:
        labels, _ = pd.factorize(values)  # all missing values are -1
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} holds values that cannot be compared ({error}); "
            "convert it to numbers or strings."
        ) from error
    if isinstance(values, np.ndarray) and values.dtype.kind == "O":
        missing = np.flatnonzero(labels < 0)
        kinds = [kind_of_missing(values[i]) for i in missing]
        labels[missing] = -1 - np.array(kinds, dtype=labels.dtype)
        if pd.api.types.infer_dtype(values, skipna=True) != "string":
            numbers: dict[type, int] = {}
            types = [numbers.setdefault(type_of_cell(cell), len(numbers)) for cell in values]
            labels = np.where(labels < 0, labels, labels * len(numbers) + types)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return first[inverse]
