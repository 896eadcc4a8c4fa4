"""What the nets of UniMSE say: probabilities of choices, and generated strings."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from emoest.media.items import as_table
from emoest.neural._unimse.strings import read_label
from emoest.neural._unimse.tokens import read_tokenizer
from emoest.utils.warn import warn_user


class GeneratedLabels:
    """The predicting half of `UniversalEstimator`, which has the net and ``_outputs``."""

    _emotional: ClassVar[bool]

    def _choice_proba(self, X: Any, method: str) -> Any:
        """Probabilities of all choices for every sample, the prior where a sample has nothing."""
        check_is_fitted(self)
        with np.errstate(divide="ignore"):
            prior = np.log(np.asarray(self._choice_prior, dtype=np.float64)).astype(np.float32)
        return softmax(self._predict_rows(X, prior, method), axis=1)

    def _generated(self, X: Any) -> tuple[list[str], list[tuple[str | None, float, str | None]]]:
        """Strings that are generated for every sample, and what they say."""
        check_is_fitted(self)
        tokens, known = self._outputs(X, "generate")
        tokenizer = read_tokenizer(str(self._tokenizer_json[0]))
        strings = [""] * len(known)
        for row, ids in zip(np.flatnonzero(known), tokens if known.any() else [], strict=True):
            strings[row] = tokenizer.decode([int(i) for i in ids], skip_special_tokens=False)
            for special in ("<pad>", "</s>"):
                strings[row] = strings[row].replace(special, "")
        n_fields, own = (int(each) for each in self._layout)
        place = own if self._emotional else n_fields - 1
        said = [read_label(text, n_fields, self._emotions.tolist(), place) for text in strings]
        return [" ".join(text.split()) for text in strings], said

    def predict_universal(self, X: Any) -> pd.DataFrame:
        """Generate the whole label of each sample: polarity, score and emotion.

        Parameters
        ----------
        X : DataFrame, Series or list of shape (n_samples,)
            As in ``fit``.

        Returns
        -------
        labels : DataFrame of shape (n_samples, 5)
            ``polarity``, ``score`` and ``emotion``, None or NaN where the string does not say it,
            but the part that ``predict`` gives is always there; ``generated``, the string; and
            ``parsed``, whether it said that part.

        Warns
        -----
        UserWarning
            If strings could not be read; it counts them.
        """
        strings, said = self._generated(X)
        table = as_table(X)
        labels = pd.DataFrame(said, columns=["polarity", "score", "emotion"], index=table.index)
        labels["generated"] = strings
        own = "emotion" if self._emotional else "score"
        filled, parsed = self._filled([each[2 if self._emotional else 1] for each in said], X)
        labels[own], labels["parsed"] = filled, parsed
        self._warn_of_strings(parsed)
        return labels

    def _filled(self, said: list[Any], X: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def _warn_of_strings(self, parsed: Any) -> None:
        if not parsed.all():
            warn_user(
                f"{int((~parsed).sum())} of {len(parsed)} generated labels could not be read; "
                "their prediction is the one with the best score."
            )
