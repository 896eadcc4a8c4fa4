"""The fusion network of M3ER as an estimator."""

from types import FunctionType
from typing import Any, ClassVar

from emoest.neural._mfn import MFNClassifier


def _with_defaults(init: Any, **defaults: Any) -> Any:
    """Copy a constructor with other defaults of its keywords."""
    copied = FunctionType(init.__code__, init.__globals__, init.__name__, init.__defaults__)
    copied.__kwdefaults__ = {**init.__kwdefaults__, **defaults}
    copied.__annotations__ = init.__annotations__
    return copied


class M3ERClassifier(MFNClassifier):
    """Classify sequences of several modalities with the fusion network of M3ER.

    A Memory Fusion Network whose hidden states are multiplied instead of set side by side, trained
    with M3ER's multiplicative loss on a classifier of each modality. A missing modality counts as 1
    in the product. It is ``MFNClassifier(fusion="product", loss="m3er", lr=3e-3)`` under the name
    that people look for.

    Parameters
    ----------
    hidden_size, memory_dim, attention_size, update_size, gate_size, output_size, dropout
        See `MFNClassifier`.
    gate_input, memory_feedback
        See `MFNClassifier`.
    fusion : {"concat", "product"}, default="product"
        How the last hidden states are joined; a product needs one width.
    fusion_norm
        See `MFNClassifier`.
    loss : {"cross_entropy", "liu", "m3er"}, default="m3er"
        Cross-entropy of the fused prediction alone, or with a multiplicative loss on a classifier
        of each modality beside it (`emoest.nets.losses.multiplicative.multiplicative_loss`).
    beta, detach_weights, margin, aux_weight, mixtures, resample, modalities
        See `MFNClassifier`.
    normalize, impute
        See `SequenceClassifier`.
    lr : float, default=3e-3
        Learning rate. The product of hidden states learns slowly: with 1e-3, the default of
        `MFNClassifier`, its best epoch lies near the end of `max_epochs` on small tables.
    max_epochs, optimizer, weight_decay, gradient_clip, patience, validation_fraction
        See `SequenceClassifier`.
    class_weight, label_smoothing, callbacks, warm_start, precision, compile, group_column
        See `SequenceClassifier`.
    batch_size, device, random_state, verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    modalities_, n_dims_
        See `MFNClassifier`.
    classes_, class_prior_, net_, history_, n_iter_, scales_, column_means_, module_params_
        See `SequenceClassifier`.
    device_, grouped_, seen_groups_, n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    emoest.systems.make_m3er : The whole system, with validity check and proxy features.

    Notes
    -----
    A reconstruction: the authors' code is not available. Known are three LSTMs of 32 units, a
    memory of 128, one vector of 32 that the hidden states are multiplied into, a layer of 64 behind
    the 160 fused numbers, and the form of the loss. Not known, and chosen here: beta, whether the
    gradient passes by the weights, where the loss applies (here on a classifier of each modality,
    beside the cross-entropy of the fused output), that the product is taken element by element,
    what the gates see and the memory feeds, inner widths, dropout, activation, learning rate and
    epochs.

    With the gradient through the weight the loss pushes the true class down wherever its
    probability is below ``exp(-(M - 1) / beta)``, so ``detach_weights=True`` is the default; False
    warns where training would begin there.

    For commercial users: the United States patent 11830291, "System and method for multimodal
    emotion recognition", describes a pipeline of this kind. This is not legal advice.

    References
    ----------
    T. Mittal, U. Bhattacharya, R. Chandra, A. Bera and D. Manocha, "M3ER: multiplicative multimodal
    emotion recognition using facial, textual, and speech cues", AAAI 2020, arXiv 1911.05659.

    K. Liu, Y. Li, N. Xu and P. Natarajan, "Learn to combine modalities in multimodal deep
    learning", arXiv 1805.11730.

    Examples
    --------
    >>> from emoest.datasets import make_emotions
    >>> X, y = make_emotions(60, return_X_y=True, random_state=0)
    >>> model = M3ERClassifier(resample="linear", max_epochs=2, random_state=0).fit(X, y)
    >>> model.transform(X).shape[1], sorted(model.predict_proba_unimodal(X))
    (161, ['audio', 'face', 'text'])
    """

    _outputs_prefix: ClassVar[str] = "m3er"

    # scikit-learn reads the parameters from the signature, so it has to name each of them.
    __init__ = _with_defaults(MFNClassifier.__init__, fusion="product", loss="m3er", lr=3e-3)
