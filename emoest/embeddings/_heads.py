"""What embedders share whose models may be fine-tuned: hidden states, or what the head gives."""

from typing import Any, ClassVar

from sklearn.utils.validation import check_is_fitted

from emoest.nets.weight_files.transformers_folder import Head, read_head
from emoest.utils._sklearn import StrOptions


class HeadOutput:
    """Mixin of an embedder with the parameter ``output``; it stands before the base class.

    A subclass sets ``_base_stem`` and ``_hidden_size``, calls ``_read_head(config)`` in
    ``_read_spec``, and gives what ``_head.activate`` makes of the net's outputs if ``_head`` is not
    None.
    """

    _base_stem: ClassVar[str]
    _head_class: ClassVar[str] = "SequenceClassification"
    _hidden_size: int
    _head: Head | None
    output: str

    _head_constraints: ClassVar[dict[str, Any]] = {
        "output": [StrOptions({"embedding", "probabilities"})]
    }

    def class_names(self) -> list[str]:
        """Names of the outputs of the fine-tuned head, in the order of the columns.

        Returns
        -------
        names : list of str

        Raises
        ------
        ValueError
            If ``output="embedding"``.
        """
        check_is_fitted(self)
        if self._head is None:
            raise ValueError("Hidden states have no names. Choose output='probabilities'.")
        return list(self._head.names)

    def _read_head(self, config: dict[str, Any], name: str) -> None:
        wanted = self.output == "probabilities"
        self._head = read_head(config, self._head_class, name) if wanted else None

    @property
    def _stem(self) -> str:
        return self._base_stem + ("" if self.output == "embedding" else "_probabilities")

    def _kind(self) -> str:
        # One file of weights is loaded in two ways.
        return f"{type(self).__name__} {self.output}"

    def _vector_names(self) -> list[str]:
        if self._head is None:
            return [f"{self._stem}_{i:04d}" for i in range(self._hidden_size)]
        return self._head.columns(self._stem)

    def _n_dims(self) -> int:
        return self._hidden_size if self._head is None else len(self._head.names)
